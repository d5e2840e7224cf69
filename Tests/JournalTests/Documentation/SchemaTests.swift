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
}
