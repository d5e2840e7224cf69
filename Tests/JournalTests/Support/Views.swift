import Foundation
import GRDB

/// The views of the contract, read as any program would that opens the file read-only.
struct Views {
    let database: Bytes

    private func read<R>(_ body: (GRDB.Database) throws -> R) throws -> R {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: String(decoding: database.raw, as: UTF8.self), configuration: configuration)
        defer { try? queue.close() }
        return try queue.read(body)
    }

    /// A path of a view: TEXT, or NULL and then a BLOB that is no UTF-8.
    private static func path(_ row: GRDB.Row, _ name: String = "path") throws -> Bytes? {
        let text: String? = row["\(name)_type"]
        let bytes: Data? = row["\(name)_bytes"]
        guard let bytes else { return nil }
        guard (text == "text") == (String(validating: bytes, as: UTF8.self) != nil) else {
            throw JSON.Malformed(what: "\(name) in the wrong column", text: Bytes(bytes).description)
        }
        return Bytes(bytes)
    }

    private static func columns(_ name: String = "path") -> String {
        "typeof(\(name)) AS \(name)_type, CAST(coalesce(\(name), \(name)_raw) AS BLOB) AS \(name)_bytes"
    }

    /// `files`, as a tree: what it does not have (device, birth time) is 0.
    func files() throws -> Tree {
        try read { db in
            var tree = Tree()
            let sql = "SELECT \(Views.columns()), type, size, mtime_ns, ctime_ns, mode, uid, gid, ino, nlink FROM files"
            for row in try GRDB.Row.fetchAll(db, sql: sql) {
                let path = try Views.path(row) ?? ""
                let entry = Entry(
                    type: row["type"] ?? "", mode: row["mode"], size: row["size"], mtime: row["mtime_ns"],
                    ctime: row["ctime_ns"], uid: row["uid"], gid: row["gid"],
                    ino: UInt64(bitPattern: row["ino"] as Int64), nlink: row["nlink"])
                guard tree.entries.updateValue(entry, forKey: path) == nil else {
                    throw JSON.Malformed(what: "a path twice in files", text: path.description)
                }
            }
            return tree
        }
    }

    /// Which batch each row of the log belongs to.
    func batches(after seq: Int64) throws -> [Int64: Int64] {
        try read { db in
            let rows = try GRDB.Row.fetchAll(db, sql: "SELECT seq, batch FROM changes WHERE seq > ?", arguments: [seq])
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["seq"], $0["batch"]) })
        }
    }

    /// One row of `gaps`.
    struct Gap: CustomStringConvertible {
        var path: Bytes, cause: String, opened: Int64, closed: Int64?, baseline: Int64?
        var isOpen: Bool { closed == nil }
        var description: String { "\(path) \(cause) \(opened)-\(closed.map(String.init) ?? "open")" }
    }

    func gaps() throws -> [Gap] {
        try read { db in
            let sql = "SELECT \(Views.columns()), cause, opened_seq, closed_seq, closed_ns, baseline_seq FROM gaps"
            return try GRDB.Row.fetchAll(db, sql: sql).map { row in
                Gap(
                    path: try Views.path(row) ?? "", cause: row["cause"], opened: row["opened_seq"],
                    closed: row["closed_ns"] as Int64?, baseline: row["baseline_seq"])
            }
        }
    }

    /// The `roots`: path and state.
    func roots() throws -> [Bytes: String] {
        try read { db in
            let rows = try GRDB.Row.fetchAll(db, sql: "SELECT \(Views.columns()), state FROM roots")
            return Dictionary(uniqueKeysWithValues: try rows.map { (try Views.path($0) ?? "", $0["state"] ?? "") })
        }
    }

    /// `uuid`, `cursor` and `head_seq` of the journal.
    func journal() throws -> (uuid: String, cursor: String, head: Int64) {
        try read { db in
            guard let row = try GRDB.Row.fetchOne(db, sql: "SELECT uuid, cursor, head_seq FROM journal") else {
                throw JSON.Malformed(what: "no row in the view journal", text: database.description)
            }
            return (row["uuid"], row["cursor"], row["head_seq"])
        }
    }

    /// Where the tables behind the views contradict each other: rows of directories that are no nodes, nodes without a row,
    /// counts that are not those of the rows. In words, none where all is well.
    func contradictions() throws -> [String] {
        try read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT 'a row of no directory: ' || name FROM state WHERE node NOT IN (SELECT id FROM node)
                    UNION ALL
                    SELECT 'a directory without its node: ' || name FROM state LEFT JOIN node ON node.id = state.child
                    WHERE state.child IS NOT NULL AND node.parent IS NOT state.node
                    UNION ALL
                    SELECT 'a node without its row: ' || id FROM node
                    WHERE parent IS NOT NULL AND id NOT IN (SELECT child FROM state WHERE child IS NOT NULL)
                    UNION ALL
                    SELECT 'counts of a root: ' || directories || ' and ' || files || ', rows: ' || d || ' and ' || f
                    FROM root JOIN (
                      SELECT node.root, count(child) AS d, count(*) - count(child) AS f
                      FROM state JOIN node ON node.id = state.node GROUP BY node.root) ON root = root.id
                    WHERE (directories, files) <> (d, f)
                    """)
        }
    }

    /// What `sql` gives as its only value.
    func value(_ sql: String) throws -> String? { try read { try String.fetchOne($0, sql: sql) } }

    /// The names of a view's columns.
    func columns(of view: String) throws -> [String] { try read { try $0.columns(in: view).map(\.name) } }
}
