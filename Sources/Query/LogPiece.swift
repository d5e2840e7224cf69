internal import Changes
internal import GRDB
internal import RawSQL

/// Some rows of the log in `seq` order, those of the selection, as they are printed.
struct LogPiece {
    private(set) var changes: [Change] = []
    /// All rows up to here have been looked at.
    private(set) var end: Int64

    /// Rows of the log that are looked at for one: some milliseconds' work, and a megabyte at most.
    static let size: Int64 = 4096

    /// Looks at rows behind `since`, up to `until`.
    init(_ db: Database, since: Int64, until: Int64, _ subjects: Subjects, _ selection: Selection) throws {
        end = until
        guard since < until else { return }
        let rows = try BulkStatement(db, Self.rows)
        rows.bind(1, since)
        rows.bind(2, until)
        rows.bind(3, Self.size)
        var reading = Reading(db, subjects, selection)
        var count: Int64 = 0
        var last = since
        try rows.forEachRow {
            count += 1
            last = rows.int(0)
            try reading.read(rows) { changes.append($0) }
        }
        if count == Self.size { end = last }
    }

    private static let rows = """
        SELECT seq, kind, flags, directory, name, old_directory, old_name, mode, size, mtime_ns, uid, gid, ino, moved_with
        FROM \(LogTable.rows) WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3
        """

    /// From rows to changes, with the batch of the rows that are read.
    private struct Reading {
        struct Batch {
            var seq: Int64 = 0
            var committed: Int64 = 0
            var notBefore: Int64?
            var source = Source.event
        }

        private let db: Database
        private let selection: Selection
        private let directories: DirectoryPaths
        private var scope: PathScope
        private var known: [Int64: Path] = [:]
        private var batch = Batch()

        init(_ db: Database, _ subjects: Subjects, _ selection: Selection) {
            self.db = db
            self.selection = selection
            directories = DirectoryPaths(db)
            scope = PathScope(db, subjects)
        }

        /// A renamed row is one row where both of its paths lie in the question and renames are followed; else what it means
        /// for each of them: deleted there, created here.
        mutating func read(_ rows: BulkStatement, _ body: (Change) -> Void) throws {
            guard let kind = Kind(rawValue: rows.int(1)) else {
                throw JournalError.corrupt("log row \(rows.int(0)) has an unknown kind")
            }
            let (directory, name) = (rows.int(3), Name(rows.bytes(4)))
            let isInside = try scope.contains(directory, name)
            guard kind == .renamed else {
                if isInside { try tell(rows, kind, Difference(rawValue: rows.int(2)), directory, name, body) }
                return
            }
            let (oldDirectory, oldName) = (rows.int(5), Name(rows.bytes(6)))
            let wasInside = try scope.contains(oldDirectory, oldName)
            if isInside, wasInside, selection.followsRenames {
                let old = try path(oldDirectory, oldName)
                return try tell(rows, .renamed, Difference(rawValue: rows.int(2)), directory, name, old: old, body)
            }
            if wasInside { try tell(rows, .deleted, [.content, .metadata], oldDirectory, oldName, body) }
            if isInside { try tell(rows, .created, [.content, .metadata], directory, name, body) }
        }

        private mutating func tell(
            _ rows: BulkStatement, _ kind: Kind, _ difference: Difference, _ directory: Int64, _ name: Name,
            old: [UInt8]? = nil, _ body: (Change) -> Void
        ) throws {
            let mode = UInt32(truncatingIfNeeded: rows.int(7))
            guard selection.kinds.contains(kind), selection.types.contains(FileType(mode: mode)) else { return }
            try find(batchOf: rows.int(0))
            body(
                Change(
                    seq: rows.int(0), kind: kind, path: try path(directory, name), oldPath: old, difference: difference,
                    mode: mode, size: rows.int(8), mtime: rows.int(9), uid: UInt32(truncatingIfNeeded: rows.int(10)),
                    gid: UInt32(truncatingIfNeeded: rows.int(11)), ino: UInt64(bitPattern: rows.int(12)),
                    time: batch.committed, notBefore: batch.notBefore, source: batch.source,
                    batch: batch.seq, movedWith: rows.isNull(13) ? nil : rows.int(13)))
        }

        private mutating func path(_ directory: Int64, _ name: Name) throws -> [UInt8] {
            let path = try known[directory] ?? Path(directories.path(of: directory))
            known[directory] = path
            return path.appending(name).bytes
        }

        /// The batch of a row is the first from its `seq` on.
        private mutating func find(batchOf seq: Int64) throws {
            guard batch.seq < seq else { return }
            guard
                let row = try Row.fetchOne(
                    db.cachedStatement(
                        sql: """
                            SELECT seq, committed_ns, not_before_ns, source FROM main.batch
                            WHERE seq >= ? ORDER BY seq LIMIT 1
                            """), arguments: [seq]), let source = Source(rawValue: row[3])
            else { throw JournalError.corrupt("log row \(seq) belongs to no batch, or to one with an unknown source") }
            batch = Batch(seq: row[0], committed: row[1], notBefore: row[2], source: source)
        }
    }
}
