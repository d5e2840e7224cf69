import Foundation
import GRDB
import Schema
import Testing

/// What Schema/ says of itself.
struct SchemaTests {
    /// What a schema consists of: the rows of sqlite_schema but for the page where each begins.
    private func rows(_ steps: [String]) throws -> [String] {
        let database = try DatabaseQueue()
        return try database.write { db in
            for step in steps { try db.execute(sql: step) }
            return try String.fetchAll(
                db,
                sql: """
                    SELECT type || ' ' || name || ' ' || tbl_name || char(10) || coalesce(sql, '')
                    FROM sqlite_schema ORDER BY type, name
                    """)
        }
    }

    @Test func migratingAnEmptyFileGivesExactlyTheCurrentSchema() throws {
        let current = try rows([SchemaSQL.current])
        #expect(current.count > 10)
        #expect(try rows(SchemaSQL.migrations) == current)
    }

    /// Every view and every column is in the README, and the README has no other.
    @Test func theReadmeNamesEveryColumn() throws {
        let database = try DatabaseQueue()
        let views = try database.write { db in
            try db.execute(sql: SchemaSQL.current)
            let names = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'view'")
            return try Dictionary(uniqueKeysWithValues: names.map { ($0, Set(try db.columns(in: $0).map(\.name))) })
        }
        var described: [String: Set<String>] = [:]
        var view: String?
        for line in try Document("Schema/README.md").text.split(separator: "\n") {
            if let heading = line.wholeMatch(of: /### ([a-z]+): .*/) { view = String(heading.1) }
            if line.hasPrefix("## ") { view = nil }
            guard let view, let cell = line.wholeMatch(of: /\| (`.*?) \|.*\|/) else { continue }
            described[view, default: []].formUnion(cell.1.matches(of: /`([a-z_]+)`/).map { String($0.1) })
        }
        #expect(described == views)
    }

    @Test func theQueriesOfTheReadmeRun() throws {
        guard try Program.run("sh", ["-c", "command -v sqlite3"]).status == 0 else {
            return try Skipped.note("no sqlite3")
        }
        let session = try Session()
        try Sys.mkdirs(session.tree / "before")
        try Sys.write(session.tree / "before/f", "1")
        try session.start()
        try Sys.write(session.tree / Bytes([0x62, 0xff]), "not UTF-8")
        try Sys.write(session.tree / "setuid", "1")
        let output = try Program.run(
            "sh", ["-c", "chmod 4755 setuid && ln setuid link && mv before after && rm after/f"],
            directory: session.tree)
        try #require(output.status == 0, "\(output)")
        try session.sync()

        let queries = try Document("Schema/README.md").blocks("sql").map { $0.joined(separator: "\n") }
        try #require(queries.count >= 12)
        for query in queries {
            let answer = try Program.run("sqlite3", ["-readonly", "-bail", session.database, Bytes(query)])
            #expect(answer.status == 0 && answer.errors.isEmpty, "\(answer)")
        }
    }
}
