package import Changes
internal import RawSQL

/// The names of one directory that occur in a range of the log.
package struct TouchedDirectory: Sendable {
    package var path: Path
    /// Whether any row says that it was a directory.
    package var names: [Name: Bool] = [:]
}

extension Bool {
    fileprivate static func |= (all: inout Bool, one: Bool) { all = all || one }
}

extension Snapshot {
    /// Every name that any row of the range is about, by directory; both of a rename. Directories that are not wanted are left
    /// out. Nil where there are more than are worth telling.
    ///
    /// This is more than the net difference: a name that came after the start and went before the end is in it, and so is one that
    /// came and went between two looks. Whoever looked in between has seen it, and has to be told.
    package func touched(_ span: Span, where isWanted: (Path) -> Bool) throws -> [TouchedDirectory]? {
        // Rows and batches have one counter, so that there are no more rows than this.
        guard span.until - span.since <= Passing.reach else { return nil }
        let paths = DirectoryPaths(db)
        var found: [Int64: TouchedDirectory?] = [:]
        func note(_ directory: Int64, _ name: @autoclosure () -> Name, _ isDirectory: Bool) throws {
            if found[directory] == nil {
                let path = Path(try paths.path(of: directory))
                found[directory] = .some(isWanted(path) ? TouchedDirectory(path: path) : nil)
            }
            found[directory]??.names[name(), default: false] |= isDirectory
        }
        let rows = try BulkStatement(
            db,
            """
            SELECT directory, name, mode, old_directory, old_name
            FROM \(LogTable.rows) WHERE seq > ?1 AND seq <= ?2
            """)
        rows.bind(1, span.since)
        rows.bind(2, span.until)
        try rows.forEachRow {
            let isDirectory = FileType(mode: UInt32(truncatingIfNeeded: rows.int(2))) == .directory
            try note(rows.int(0), Name(rows.bytes(1)), isDirectory)
            if !rows.isNull(3) { try note(rows.int(3), Name(rows.bytes(4)), isDirectory) }
        }
        let passing = try BulkStatement(
            db, "SELECT directory, name FROM main.passing WHERE seq > ?1 AND seq <= ?2")
        passing.bind(1, span.since)
        passing.bind(2, span.until)
        var isTooMuch = false
        try passing.forEachRow {
            let name = Name(passing.bytes(1))
            // It may have been a directory.
            if name.bytes.isEmpty {
                isTooMuch = try isTooMuch || isWanted(Path(paths.path(of: passing.int(0))))
            } else {
                try note(passing.int(0), name, true)
            }
        }
        return isTooMuch ? nil : found.values.compactMap { $0 }
    }

    /// The directories that are, or were, at or below `path`: all of the dictionary, whatever became of them.
    package func directories(below path: Path) throws -> [Path] {
        var found = [path]
        // Paths that are text and those that are not are kept apart, each in the order of their bytes; `0` follows the slash.
        let (first, end) = (path.bytes + [slash], path.bytes + [slash + 1])
        let range = try BulkStatement(db, "SELECT path FROM main.directory WHERE path >= ?1 AND path < ?2")
        if first.validText != nil {
            range.bind(1, Name(first))
            range.bind(2, Name(end))
            try range.forEachRow { found.append(Path(range.bytes(0))) }
        }
        range.bind(1, blob: first)
        range.bind(2, blob: end)
        try range.forEachRow { found.append(Path(range.bytes(0))) }
        return found
    }

    /// Whether there was a time after `seq` in which nobody looked at some part of the question, whatever was found later.
    package func wasUnwatched(since seq: Int64, _ question: Question) throws -> Bool {
        let subjects = try Subjects(db, paths: question.paths)
        return try Gap.touching(subjects, uncovered: [], db).contains { $0.closedSeq ?? .max > seq }
    }

    /// Whether the journal has everything that lies below `path`, but for what lies in `exception`: no directory of another
    /// mount, and nothing that a pattern may leave out.
    package func coversAll(below path: Path, but exception: Path, _ resolution: Resolution) throws -> Bool {
        guard resolution.uncovered.allSatisfy({ exception.contains($0.path) }) else { return false }
        return try Subjects(db, paths: [path]).subjects.allSatisfy { subject in
            let excludes = Excludes(patterns: try Subjects.patterns(db, root: subject.root.id))
            let isRoot = path == subject.root.path
            return !excludes.mayExclude(below: isRoot ? [] : subject.root.path.relative(path))
        }
    }
}
