import Foundation
internal import GRDB

/// Completeness first: a run whose result is not exactly the tree has no figures.
enum Exactness {
    /// Every path below a directory, as a walk finds them now.
    static func walk(_ root: String) -> Set<[UInt8]> {
        var paths: Set<[UInt8]> = []
        var pending = [Array(root.utf8)]
        while let directory = pending.popLast() {
            for entry in System.list(directory) {
                let path = directory + [UInt8(ascii: "/")] + entry.name
                paths.insert(path)
                if entry.isDirectory { pending.append(path) }
            }
        }
        return paths
    }

    /// What the journal at rest says there is, by the view `files`.
    static func stored(in database: String) throws -> Set<[UInt8]> {
        try reading(database) { database in
            let rows = try Row.fetchCursor(database, sql: "SELECT coalesce(path_raw, CAST(path AS BLOB)) FROM files")
            var paths: Set<[UInt8]> = []
            while let row = try rows.next() { paths.insert(try row.withUnsafeData(atIndex: 0) { Array($0 ?? Data()) }) }
            return paths
        }
    }

    /// How many changes it holds, by the view `changes`.
    static func changes(in database: String) throws -> Int {
        try reading(database) { try Int.fetchOne($0, sql: "SELECT count(*) FROM changes") ?? 0 }
    }

    private static func reading<T>(_ path: String, _ body: (Database) throws -> T) throws -> T {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read(body)
    }

    /// Throws unless the two are the same; says how many are missing or too many, and one of each.
    static func check(_ found: Set<[UInt8]>, is expected: Set<[UInt8]>, _ what: String) throws {
        guard found != expected else { return }
        let missing = expected.subtracting(found)
        let extra = found.subtracting(expected)
        func shown(_ paths: Set<[UInt8]>) -> String {
            paths.first.map { "\(paths.count) (\(String(decoding: $0, as: UTF8.self)))" } ?? "none"
        }
        throw Failed("\(what): of \(expected.count) paths missing \(shown(missing)), too many \(shown(extra))")
    }

    /// An answer names what is below a root. Whether the root itself is among it, whose times changed and nothing else, is
    /// left to the journal: more than asked is allowed there.
    static func check(_ answer: Set<[UInt8]>, isBelow root: String, _ expected: Set<[UInt8]>, _ what: String) throws {
        try check(answer.subtracting([Array(root.utf8)]), is: expected, what)
    }
}
