internal import Changes
internal import GRDB
internal import RawSQL

/// The net difference of a range of the log: what each path was before the first of its rows, and what it is after the last.
///
/// It is folded in one pass over the rows, in memory: about 200 bytes a path that changed, whatever happened to it. Rows
/// of one batch are simultaneous, in any order. A path has at most one of them for what was there before and one for what
/// is there after, so after each batch it is known what is there:
///
///     a row for after                 something is
///     only a row for before           nothing is
///
/// and by the first batch that a path is in, whether something was.
struct NetFold {
    /// Which file something is.
    struct FileKey: Hashable {
        var ino: Int64
        var birth: Int64
        var filesystem: Int32

        /// As rows of one path tell files apart.
        func isSameInode(as other: FileKey) -> Bool { ino == other.ino && birth == other.birth }
    }

    /// One path of the answer.
    struct Path {
        var directory: Int64
        var name: Name
        /// Whether something was there at the start, and is at the end; and which file.
        var was: Bool
        var isThere: Bool
        /// Whether anything came here within the range, be it what was there before.
        var hasCome: Bool
        var wasType: FileType
        var wasFile: FileKey
        var file: FileKey
        var flags: UInt8
        var kind: Kind = .modified
        var mode: UInt32
        var uid: UInt32
        var gid: UInt32
        var size: Int64
        var mtime: Int64
        /// The last of its rows, and the batch of that, as an index of ``NetFold/batches``.
        var seq: Int64
        var batch: Int32
        /// The first batch that it is in.
        var firstBatch: Int32
        var old: Origin?

        /// Where a renamed file was, and the row of the directory that took it along.
        final class Origin {
            let directory: Int64
            let name: Name
            var movedWith: Int64?

            init(directory: Int64, name: Name) {
                self.directory = directory
                self.name = name
            }
        }

        var isDirectory: Bool { FileType(mode: mode) == .directory }
        /// What was there when the range begins.
        var before: Change.Before {
            !was ? .nothing : isThere && !hasCome ? .same : .other(wasType)
        }
        /// Whether another file is there than was, or none.
        var hasDeparted: Bool { was && (!isThere || wasFile != file) }
        /// Whether another file is there than was, or none was.
        var hasArrived: Bool { isThere && (!was || wasFile != file) }
    }

    struct Batch {
        var seq: Int64
        var committed: Int64
        var notBefore: Int64?
        var source: Int64
    }

    private(set) var paths: [Path] = []
    private(set) var batches: [Batch] = []
    /// Files that were renamed, by any row of the range.
    private(set) var renamed: Set<FileKey> = []
    /// The paths by directory and name. Rows of one directory mostly follow each other, so that one is kept apart.
    private var index: [Int64: [Name: Int32]] = [:]
    private var current: (directory: Int64, names: [Name: Int32]) = (0, [:])

    init(_ db: Database, _ span: Span, _ subjects: Subjects) throws {
        try readBatches(db, span)
        var scope = PathScope(db, subjects)
        let rows = try BulkStatement(db, Self.rows)
        rows.bind(1, span.since)
        rows.bind(2, span.until)
        paths.reserveCapacity(Int(min(span.until - span.since, Self.expected)))
        var batch = 0
        try rows.forEachRow {
            let row = Row(rows)
            while batch < batches.count, batches[batch].seq < row.seq { batch += 1 }
            guard batch < batches.count else {
                throw JournalError.corrupt("log row \(row.seq) belongs to no batch")
            }
            if row.kind == Kind.renamed.rawValue { renamed.insert(row.file) }
            try add(row, rows, Int32(batch), &scope)
        }
        settle()
    }

    /// Paths for which memory is asked at once: what is not used is none.
    private static let expected: Int64 = 1 << 20

    private static let rows = """
        SELECT seq, kind, flags, directory, name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns,
          old_directory, old_name, prior_ino, prior_btime_ns
        FROM \(LogTable.rows) WHERE seq > ?1 AND seq <= ?2 ORDER BY seq
        """

    /// The numbers of a row.
    private struct Row {
        let seq, kind, directory, size, mtime: Int64
        let flags: UInt8
        let mode, uid, gid: UInt32
        let file: FileKey
        /// Which file was there before, and its type.
        let before: FileKey
        let typeBefore: FileType
        /// Whether one file took the place of another.
        let isReplacement: Bool

        init(_ rows: BulkStatement) {
            seq = rows.int(0)
            kind = rows.int(1)
            let difference = Difference(rawValue: rows.int(2))
            flags = UInt8(truncatingIfNeeded: difference.intersection(.all).rawValue)
            directory = rows.int(3)
            mode = UInt32(truncatingIfNeeded: rows.int(5))
            size = rows.int(6)
            mtime = rows.int(7)
            uid = UInt32(truncatingIfNeeded: rows.int(8))
            gid = UInt32(truncatingIfNeeded: rows.int(9))
            file = FileKey(ino: rows.int(11), birth: rows.int(12), filesystem: Int32(truncatingIfNeeded: rows.int(10)))
            isReplacement = !rows.isNull(15)
            before =
                isReplacement
                ? FileKey(ino: rows.int(15), birth: rows.int(16), filesystem: file.filesystem) : file
            typeBefore = difference.replacedType ?? FileType(mode: mode)
        }
    }

    private mutating func add(_ row: Row, _ rows: BulkStatement, _ batch: Int32, _ scope: inout PathScope) throws {
        let name = Name(rows.bytes(4))
        let (hasBefore, hasAfter): (Bool, Bool)
        switch Kind(rawValue: row.kind) {
        case .created: (hasBefore, hasAfter) = (false, true)
        case .modified, .attrib: (hasBefore, hasAfter) = (true, true)
        case .deleted: (hasBefore, hasAfter) = (true, false)
        case .renamed: (hasBefore, hasAfter) = (false, true)
        case nil: throw JournalError.corrupt("log row \(row.seq) has an unknown kind")
        }
        if try scope.contains(row.directory, name) {
            // Where a file came or went, it may be another one.
            let flags = row.kind == Kind.created.rawValue || row.kind == Kind.deleted.rawValue ? 3 : row.flags
            note(row, row.directory, name, flags: flags, batch, hasBefore: hasBefore, hasAfter: hasAfter)
        }
        guard row.kind == Kind.renamed.rawValue else { return }
        let (directory, old) = (rows.int(13), Name(rows.bytes(14)))
        if try scope.contains(directory, old) {
            note(row, directory, old, flags: 0, batch, hasBefore: true, hasAfter: false)
        }
    }

    private mutating func note(
        _ row: Row, _ directory: Int64, _ name: Name, flags: UInt8, _ batch: Int32, hasBefore: Bool, hasAfter: Bool
    ) {
        if current.directory != directory {
            index[current.directory] = current.names
            current = (directory, index.removeValue(forKey: directory) ?? [:])
        }
        let comes = hasAfter && (!hasBefore || row.isReplacement)
        guard let known = current.names[name].map(Int.init) else {
            current.names[name] = Int32(paths.count)
            paths.append(
                Path(
                    directory: directory, name: name, was: hasBefore, isThere: hasAfter, hasCome: comes,
                    wasType: row.typeBefore, wasFile: row.before, file: row.file, flags: flags, mode: row.mode,
                    uid: row.uid, gid: row.gid, size: row.size,
                    mtime: row.mtime, seq: row.seq, batch: batch, firstBatch: batch))
            return
        }
        paths[known].flags |= flags
        if comes { paths[known].hasCome = true }
        if hasBefore, paths[known].firstBatch == batch {
            paths[known].was = true
            paths[known].wasType = row.typeBefore
            paths[known].wasFile = row.before
        }
        let isTold = paths[known].batch == batch && paths[known].isThere
        paths[known].seq = row.seq
        paths[known].batch = batch
        // What is there after the batch is what the other row of it says.
        if !hasAfter && isTold { return }
        paths[known].isThere = hasAfter
        paths[known].file = row.file
        paths[known].mode = row.mode
        paths[known].size = row.size
        paths[known].mtime = row.mtime
        paths[known].uid = row.uid
        paths[known].gid = row.gid
    }

    /// Drops what came and went, and says of the rest what happened to it.
    private mutating func settle() {
        (index, current.names) = ([:], [:])
        paths.removeAll { !$0.was && !$0.isThere }
        for number in paths.indices {
            let path = paths[number]
            let isOther = !path.wasFile.isSameInode(as: path.file)
            if !path.was || !path.isThere {
                paths[number].kind = path.was ? .deleted : .created
                paths[number].flags = 3
            } else {
                if isOther { paths[number].flags |= 1 }
                paths[number].kind = paths[number].flags & 1 != 0 ? .modified : .attrib
            }
        }
    }

    /// The batches of the range.
    private mutating func readBatches(_ db: Database, _ span: Span) throws {
        let rows = try BulkStatement(
            db,
            "SELECT seq, committed_ns, not_before_ns, source FROM main.batch WHERE seq > ?1 AND seq <= ?2 ORDER BY seq")
        rows.bind(1, span.since)
        rows.bind(2, span.until)
        try rows.forEachRow {
            batches.append(
                Batch(
                    seq: rows.int(0), committed: rows.int(1), notBefore: rows.isNull(2) ? nil : rows.int(2),
                    source: rows.int(3)))
        }
    }
}
