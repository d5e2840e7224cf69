import Changes
import Foundation
import GRDB
import Query
import Schema

/// One row of a fabricated log.
struct LogRow {
    var kind: Kind
    var path: String
    var old: String?
    var flags: Int64 = 0
    var ino: Int64 = 1
    /// 0 for a file system without birth times.
    var birth: Int64 = 100
    var prior: (ino: Int64, birth: Int64)?
    var mode: Int64 = 0o100644
    var movedWith: Int64?
}

/// A real journal file, made from the schema, with the root /r live and covered from seq 1 on. Batches are made by
/// hand. Wall clock and boot clock run in seconds: a batch at 100 is committed at 100 s and began 1 s before.
final class Fixture {
    static let uuid = "01234567-89ab-cdef-0123-456789abcdef"
    let directory: URL
    let queue: DatabaseQueue
    var now = present(wall: 1_000_000_000_000, boot: 900_000_000_000)
    private(set) var head: Int64 = 0

    init(roots: [String] = ["/r"]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "journal-query-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        queue = try DatabaseQueue(path: directory.appending(path: "journal.db").path)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: SchemaSQL.current)
            try db.execute(
                sql:
                    "PRAGMA application_id = \(SchemaVersion.applicationID); PRAGMA user_version = \(SchemaVersion.current)"
            )
            try db.execute(
                sql: """
                    INSERT INTO meta(id, uuid, created_ns, nonce, previous_nonce, horizon_seq, vouched_ns)
                    VALUES (1, ?, 0, 'n', 'p', 0, 0);
                    INSERT INTO boot VALUES (1, 'this-boot'), (2, 'last-boot');
                    """, arguments: [Fixture.uuid])
        }
        for root in roots { try addRoot(root) }
        try batch(at: 1)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    var path: String { directory.appending(path: "journal.db").path }

    func sql(_ sql: String, _ arguments: [any DatabaseValueConvertible] = []) throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: sql, arguments: StatementArguments(arguments)) }
    }

    @discardableResult
    func addRoot(_ path: String, joined: Int64 = 1, since: Int64? = 1, state: RootState = .live) throws -> Int64 {
        let parent = String(path[..<path.lastIndex(of: "/")!])
        let (container, node) = (try addNode(parent, root: 0, parent: nil), try addNode(path, root: 0, parent: nil))
        return try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    INSERT INTO root(path, node, container, state, backend, cross_mounts, joined_seq, since_seq, since_ns,
                                     crawled_ns, directories, files)
                    VALUES (?, ?, ?, ?, 'inotify', 0, ?, ?, 0, 0, 1, 0)
                    """, arguments: [path, node, container, state.rawValue, joined, since])
            let id = db.lastInsertedRowID
            try db.execute(sql: "UPDATE node SET root = ? WHERE id IN (?, ?)", arguments: [id, container, node])
            return id
        }
    }

    /// A directory of the tree, with its row in the state of its parent's node.
    @discardableResult
    func addNode(_ path: String, root: Int64 = 1, parent: Int64?, coverage: Coverage = .covered) throws -> Int64 {
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            let directory = try dictionary(db, path)
            try db.execute(
                sql:
                    "INSERT INTO node(parent, directory, root, filesystem, ino, btime_ns, coverage) VALUES (?, ?, ?, 1, 1, 1, ?)",
                arguments: [parent, directory, root, coverage.rawValue])
            let id = db.lastInsertedRowID
            if let parent {
                try db.execute(
                    sql: "INSERT INTO state VALUES (?, ?, 16877, 0, 0, 0, 0, 1, 1, 0, 0, ?, 1)",
                    arguments: [parent, path.split(separator: "/").last.map(String.init), id])
            }
            return id
        }
    }

    func dictionary(_ db: Database, _ path: String) throws -> Int64 {
        try db.execute(sql: "INSERT OR IGNORE INTO directory(path) VALUES (?)", arguments: [path])
        return try Int64.fetchOne(db, sql: "SELECT id FROM directory WHERE path = ?", arguments: [path])!
    }

    /// Commits a batch at `time` seconds and returns its seq.
    @discardableResult
    func batch(
        at time: Int64, _ rows: [LogRow] = [], source: Source = .event, began: Int64? = nil, notBefore: Int64? = nil,
        boot: Int64 = 1, bootTime: Int64? = nil
    ) throws -> Int64 {
        try queue.write { db in
            for row in rows {
                head += 1
                let (directory, name) = try place(db, row.path)
                let old = try row.old.map { try place(db, $0) }
                try db.execute(
                    sql: "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, 10, 5, 0, 0, 1, ?, ?)",
                    arguments: [
                        head, row.kind.rawValue, row.flags, directory, name, row.mode, row.ino, row.birth,
                    ])
                if old == nil && row.prior == nil { continue }
                try db.execute(
                    sql: "INSERT INTO log_origin VALUES (?, ?, ?, ?, ?, ?)",
                    arguments: [head, old?.0, old?.1, row.movedWith, row.prior?.ino, row.prior?.birth])
            }
            head += 1
            let second: Int64 = 1_000_000_000
            try db.execute(
                sql: "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    head, head * 7, source.rawValue, (began ?? time - 1) * second, time * second,
                    notBefore.map { $0 * second }, boot, ((bootTime ?? time - 100) - 1) * second,
                    (bootTime ?? time - 100) * second,
                ])
            return head
        }
    }

    private func place(_ db: Database, _ path: String) throws -> (Int64, String) {
        let end = path.lastIndex(of: "/")!
        return (try dictionary(db, String(path[..<end])), String(path[path.index(after: end)...]))
    }

    func gap(
        _ path: String, cause: GapCause = .overflow, node: Int64? = nil, opened: Int64, openedAt: Int64,
        closed: Int64? = nil, closedAt: Int64? = nil, baseline: Int64? = nil
    ) throws {
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO gap(root, node, directory, cause, opened_seq, opened_ns, closed_seq, closed_ns, baseline_seq, found)
                    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    node, try dictionary(db, path), cause.rawValue, opened, openedAt * 1_000_000_000, closed,
                    closedAt.map { $0 * 1_000_000_000 }, baseline,
                ])
        }
    }

    func cursor(_ seq: Int64) -> Changes.Cursor {
        Changes.Cursor(journal: Fixture.uuid, seq: seq, check: UInt64(seq * 7))
    }

    // What a question gets.

    func resolve(_ since: When, until: When = .now, _ paths: [String] = [], synced: Bool = true) throws -> Resolution {
        let file = try JournalFile(path)
        let question = Question(since: since, until: until, paths: paths.map { Path($0) })
        return try file.snapshot { try $0.resolve(question, now: now, synced: synced) }
    }

    func reasons(_ since: When, until: When = .now, _ paths: [String] = [], synced: Bool = true) throws -> [Reason] {
        try resolve(since, until: until, paths, synced: synced).refusal?.reasons ?? []
    }

    func answer(
        since: Int64 = 1, until: Int64? = nil, _ paths: [String] = [], _ selection: Selection = Selection()
    ) throws -> [Change] {
        let file = try JournalFile(path)
        let question = Question(since: .now, paths: paths.map { Path($0) })
        let span = Span(since: since, until: until ?? head, cursor: cursor(until ?? head))
        var rows: [Change] = []
        try file.snapshot { try $0.answer(span, question, selection) }.forEach { rows.append($0) }
        return rows
    }
}

extension Change {
    /// A line that tests can read: `renamed /r/a → /r/b content`.
    var told: String {
        let path = String(decoding: path, as: UTF8.self)
        let old = oldPath.map { String(decoding: $0, as: UTF8.self) + " → " } ?? ""
        let also = kind == .renamed ? (difference.contains(.content) ? " content" : "") : ""
        return "\(kind.word) \(old)\(path)\(also)"
    }
}
