internal import Changes
internal import GRDB

/// What a question is about: paths, each within a root.
struct Subjects {
    struct Root {
        var id: Int64
        var path: Path
        var node: Int64
        var state: RootState
        var joined: Int64
        /// Where its coverage begins; nil until the first crawl is done.
        var since: Int64?
    }

    struct Subject {
        var path: Path
        var root: Root
    }

    var subjects: [Subject] = []
    /// What cannot be asked about at all.
    var reasons: [Reason] = []
    /// Whether the subjects are all there is, so that no row has to be looked at twice.
    var areEverything = false

    init(_ db: Database, paths: [Path]) throws {
        let roots = try Subjects.roots(db)
        if paths.isEmpty {
            subjects = roots.filter { $0.state != .stopped }.map { Subject(path: $0.path, root: $0) }
            areEverything = subjects.count == roots.count
        }
        for path in paths {
            guard let root = roots.first(where: { $0.path.contains(path) }) else {
                reasons.append(.outside(path))
                continue
            }
            subjects.append(Subject(path: path, root: root))
        }
        if subjects.isEmpty, reasons.isEmpty { reasons.append(.noRoots) }
        for subject in subjects {
            if let reason = try Subjects.objection(db, to: subject) { reasons.append(reason) }
        }
    }

    /// Whether this subtree and the question have anything in common.
    func touch(_ path: Path) -> Bool {
        subjects.contains { $0.path.contains(path) || path.contains($0.path) }
    }

    /// Whether all of a subject lies in this subtree.
    func lie(in path: Path) -> Bool {
        subjects.contains { path.contains($0.path) }
    }

    static func roots(_ db: Database) throws -> [Root] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT id, CAST(path AS BLOB), node, state, joined_seq, since_seq FROM main.root ORDER BY path")
        var roots: [Root] = []
        while let row = try rows.next() {
            guard let state = RootState(rawValue: row[3]) else {
                throw JournalError.corrupt("root \(row[0] as Int64) is in an unknown state")
            }
            roots.append(
                Root(
                    id: row[0], path: Path(try row.bytes(1) ?? []), node: row[2], state: state, joined: row[4],
                    since: row[5]))
        }
        return roots
    }

    /// Why a path in a root is no part of the journal: excluded, or in a directory that is not covered. A path that
    /// is gone, or never was, can be asked about.
    private static func objection(_ db: Database, to subject: Subject) throws -> Reason? {
        let relative = subject.path == subject.root.path ? [] : subject.root.path.relative(subject.path)
        var node: Int64? = subject.root.node
        var isDirectory = true
        if let coverage = try coverage(db, subject.root.node), coverage != .covered {
            return .uncovered(subject.path, coverage)
        }
        for name in relative.split(separator: slash) {
            guard let parent = node else {
                isDirectory = true
                break
            }
            let row = try Row.fetchOne(
                db, sql: "SELECT child FROM main.state WHERE node = ? AND name = ?",
                arguments: [parent, Bytes(Array(name))])
            node = row?[0]
            // What is not known may have been a directory.
            isDirectory = row == nil || node != nil
            if let node, let coverage = try coverage(db, node), coverage != .covered {
                return .uncovered(subject.path, coverage)
            }
        }
        let excludes = try Excludes(patterns: patterns(db, root: subject.root.id))
        return excludes.excludes(relative: relative, isDirectory: isDirectory) ? .excluded(subject.path) : nil
    }

    private static func coverage(_ db: Database, _ node: Int64) throws -> Changes.Coverage? {
        let value = try Int64.fetchOne(db, sql: "SELECT coverage FROM main.node WHERE id = ?", arguments: [node])
        guard let value else { return nil }
        guard let coverage = Coverage(rawValue: value) else {
            throw JournalError.corrupt("node \(node) has an unknown coverage")
        }
        return coverage
    }

    static func patterns(_ db: Database, root: Int64) throws -> [[UInt8]] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT CAST(pattern AS BLOB) FROM main.exclude WHERE root = ? ORDER BY position",
            arguments: [root])
        var patterns: [[UInt8]] = []
        while let row = try rows.next() { patterns.append(try row.bytes(0) ?? []) }
        return patterns
    }

    /// How many patterns exclude something from the roots of the question.
    func patterns(_ db: Database) throws -> Int {
        try roots.reduce(0) { try $0 + Subjects.patterns(db, root: $1.id).count }
    }

    /// The directories in the question whose content is not part of it.
    func uncovered(_ db: Database) throws -> [Resolution.Uncovered] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT CAST(d.path AS BLOB), node.coverage FROM main.node JOIN main.directory AS d ON d.id = node.directory
                WHERE node.coverage <> 0 ORDER BY d.path
                """)
        var found: [Resolution.Uncovered] = []
        while let row = try rows.next() {
            let path = Path(try row.bytes(0) ?? [])
            guard subjects.contains(where: { $0.path.contains(path) }), let coverage = Coverage(rawValue: row[1])
            else { continue }
            found.append(.init(path: path, coverage: coverage))
        }
        return found
    }
}
