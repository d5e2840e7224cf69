package import Changes
internal import GRDB

/// A part of the trees that is to be compared with the state, and the root it lies in.
package struct ComparedTree: Sendable {
    /// The root, or what of it was asked about.
    package var path: Path
    package var root: Path
    package var crossesMounts: Bool
    package var excludes: [[UInt8]]
    /// The file system its root lies on, as Kernel's `FileSystem` names it.
    package var filesystem: [UInt8]
    let container: Int64
}

/// A name as the state has it.
package struct StoredName: Sendable, Equatable {
    package var name: Name
    /// The file system is not among it: its number is the journal's own.
    package var entry: Entry
    /// The log row that last changed it: a name that came back is another one.
    package var seq: Int64
    /// Of a directory, whether what lies below it belongs to the journal.
    package var coverage: Coverage?
    let child: Int64?
}

/// A path as the state has it, with all it takes to know that it had been there all the time.
package struct StoredPlace: Sendable, Equatable {
    /// Nil where the state has no such name.
    package var row: StoredName?
    /// The directories above that the state has, from the root down, by the log row that last changed each.
    package var above: [Int64]
}

/// What the state has of one directory.
package enum StoredDirectory: Sendable {
    case absent
    case uncovered(Coverage)
    /// The names in it, by their bytes.
    case names([StoredName])

    package var isStored: Bool {
        switch self {
        case .absent: false
        case .uncovered, .names: true
        }
    }
}

/// An open gap: nothing below it can be held against the state.
package struct OpenSubtree: Sendable, Hashable {
    package var path: Path
    package var cause: String
}

/// The state by path, one directory or one name at a time, so that whoever walks a tree beside it needs no snapshot for
/// longer than a moment.
extension Snapshot {
    /// The trees of a question; each of its paths lies in a root, and those that lie in another of them are left out.
    package func trees(_ question: Question) throws -> [ComparedTree] {
        let subjects = try Subjects(db, paths: question.paths).subjects
        let tops = subjects.filter { subject in
            !subjects.contains { $0.path != subject.path && $0.path.contains(subject.path) }
        }
        return try tops.sorted { $0.path < $1.path }.reduce(into: []) { trees, subject in
            guard trees.last?.path != subject.path else { return }
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT root.container, root.cross_mounts, filesystem.key FROM main.root
                        LEFT JOIN main.node ON node.id = root.node
                        LEFT JOIN main.filesystem ON filesystem.id = node.filesystem WHERE root.id = ?
                        """, arguments: [subject.root.id])
            else { throw JournalError.corrupt("root \(subject.root.id) is not there") }
            trees.append(
                ComparedTree(
                    path: subject.path, root: subject.root.path, crossesMounts: row[1],
                    excludes: try Subjects.patterns(db, root: subject.root.id), filesystem: try row.bytes(2) ?? [],
                    container: row[0]))
        }
    }

    package func openSubtrees() throws -> [OpenSubtree] {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT CAST(d.path AS BLOB), gap.cause FROM main.gap LEFT JOIN main.node ON node.id = gap.node
                    JOIN main.directory AS d ON d.id = coalesce(node.directory, gap.directory)
                    WHERE gap.closed_seq IS NULL ORDER BY gap.id
                    """))
        var found: [OpenSubtree] = []
        while let row = try rows.next() { found.append(OpenSubtree(path: Path(try row.bytes(0) ?? []), cause: row[1])) }
        return found
    }

    /// What the state has in the directory at `path`: all names, or only those of directories.
    package func directory(
        _ path: Path, in tree: ComparedTree, onlyDirectories: Bool = false
    ) throws -> StoredDirectory {
        let place = try place(path, in: tree)
        guard let row = place.row, let node = row.child else { return .absent }
        if let coverage = row.coverage, coverage != .covered { return .uncovered(coverage) }
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql:
                    "\(Snapshot.selectNames) WHERE state.node = ?\(onlyDirectories ? " AND state.child IS NOT NULL" : "")"
            ),
            arguments: [node])
        var names: [StoredName] = []
        while let row = try rows.next() { names.append(try StoredName(row)) }
        // The table has names that are text before those that are not.
        names.sort { $0.name < $1.name }
        return .names(names)
    }

    /// What the state has at `path`, in one look from the root down.
    package func place(_ path: Path, in tree: ComparedTree) throws -> StoredPlace {
        var place = StoredPlace(row: try name(tree.root.name, in: tree.container), above: [])
        for component in tree.root.relative(path).split(separator: slash) {
            guard let row = place.row, let node = row.child else { return StoredPlace(row: nil, above: place.above) }
            place.above.append(row.seq)
            place.row = try name(Name(Array(component)), in: node)
        }
        return place
    }

    private func name(_ name: Name, in node: Int64) throws -> StoredName? {
        try Row.fetchOne(
            db.cachedStatement(sql: "\(Snapshot.selectNames) WHERE state.node = ? AND state.name = ?"),
            arguments: [node, Bytes(name.bytes)]
        ).map(StoredName.init)
    }

    private static let selectNames = """
        SELECT CAST(state.name AS BLOB), state.ino, state.btime_ns, state.mode, state.size, state.mtime_ns,
               state.ctime_ns, state.nlink, state.uid, state.gid, state.seq, state.child, child.coverage
        FROM main.state LEFT JOIN main.node AS child ON child.id = state.child
        """
}

extension StoredName {
    fileprivate init(_ row: Row) throws {
        name = Name(try row.bytes(0) ?? [])
        entry = Entry(
            id: FileID(filesystem: 0, inode: UInt64(bitPattern: row[1] as Int64), birth: row[2]), mode: row[3],
            size: row[4], mtime: row[5], ctime: row[6], nlink: row[7], uid: row[8], gid: row[9])
        seq = row[10]
        child = row[11]
        guard child != nil else { return }
        guard let coverage = (row[12] as Int64?).flatMap(Changes.Coverage.init) else {
            throw JournalError.corrupt("node \(child ?? 0) is not there, or has an unknown coverage")
        }
        self.coverage = coverage
    }
}
