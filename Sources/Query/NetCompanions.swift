internal import Changes
internal import GRDB
internal import RawSQL

/// Adds paths to a net answer that did not change, from the state as it is in this snapshot: see ``Selection/Companions``.
struct NetCompanions {
    private typealias Path = NetFold.Path

    /// A name in a directory of the dictionary.
    private struct Place: Hashable {
        var directory: Int64
        var name: Name
    }

    private let db: Database
    private let subjects: Subjects

    init(_ db: Database, _ subjects: Subjects) {
        self.db = db
        self.subjects = subjects
    }

    func add(_ companions: Selection.Companions, to paths: inout [NetFold.Path]) throws {
        var found: [Place: Path] = [:]
        if companions.otherNames { try findOtherNames(of: paths, &found) }
        switch companions.entries {
        case .ofNone: break
        case .of(let directory): try findEntries(of: paths, &found) { $0 == directory }
        case .ofAll: try findEntries(of: paths, &found) { _ in true }
        }
        guard !found.isEmpty else { return }
        for path in paths { found[Place(directory: path.directory, name: path.name)] = nil }
        paths += found.values
    }

    /// By the index of rows with several links: a file that has one is found not to be in it.
    private func findOtherNames(of paths: [Path], _ found: inout [Place: Path]) throws {
        var scope = PathScope(db, subjects)
        let names = try BulkStatement(
            db, "\(Self.select) WHERE state.ino = ?1 AND state.nlink > 1 AND state.child IS NULL")
        for path in paths where path.isThere && !path.isDirectory {
            names.bind(1, path.file.ino)
            try names.forEachRow {
                let other = Self.path(names, told: path)
                if other.file == path.file, try scope.contains(other.directory, other.name) {
                    found[Place(directory: other.directory, name: other.name)] = other
                }
            }
        }
    }

    private func findEntries(
        of paths: [Path], _ found: inout [Place: Path], where isSought: (Changes.Path) -> Bool
    ) throws {
        let directories = DirectoryPaths(db)
        let told = Set(paths.lazy.filter(\.isThere).map(\.directory))
        for path in paths where path.isThere && path.isDirectory {
            let directory = Changes.Path(try directories.path(of: path.directory)).appending(path.name)
            if let id = try directories.id(of: directory.bytes), told.contains(id) { continue }
            guard isSought(directory), let node = try node(directory), let entry = try leaf(in: node, told: path)
            else { continue }
            found[Place(directory: entry.directory, name: entry.name)] = entry
        }
    }

    /// The node that the state has at a path.
    private func node(_ path: Changes.Path) throws -> Int64? {
        guard let root = subjects.subjects.lazy.map(\.root).first(where: { $0.path.contains(path) }) else { return nil }
        let child = try BulkStatement(db, "SELECT child FROM main.state WHERE node = ?1 AND name = ?2")
        var node: Int64? = root.node
        for name in root.path.relative(path).split(separator: slash) {
            guard let parent = node else { return nil }
            child.bind(1, parent)
            child.bind(2, Name(Array(name)))
            node = nil
            try child.forEachRow { node = child.isNull(0) ? nil : child.int(0) }
        }
        return node
    }

    /// Something in a directory, or deeper, that has nothing below it: a file, or an empty directory. Sockets do not count, as
    /// what copies files leaves them out.
    private func leaf(in node: Int64, told: Path) throws -> Path? {
        var (node, last) = (node, Path?.none)
        let file = try BulkStatement(
            db,
            "\(Self.select) WHERE state.node = ?1 AND state.child IS NULL AND state.mode & 61440 <> 49152 LIMIT 1")
        let directory = try BulkStatement(
            db,
            """
            \(Self.select) JOIN main.node AS below ON below.id = state.child AND below.coverage = 0
            WHERE state.node = ?1 LIMIT 1
            """)
        while true {
            var entry: Path?
            file.bind(1, node)
            try file.forEachRow { entry = Self.path(file, told: told) }
            if let entry { return entry }
            directory.bind(1, node)
            var child: Int64?
            try directory.forEachRow {
                last = Self.path(directory, told: told)
                child = directory.int(10)
            }
            guard let child else { return last }
            node = child
        }
    }

    private static let select = """
        SELECT node.directory, state.name, state.mode, state.size, state.mtime_ns, state.uid, state.gid,
          state.ino, state.btime_ns, node.filesystem, state.child
        FROM main.state JOIN main.node ON node.id = state.node
        """

    /// A path as it was and is, beside the one that brought it into the answer.
    private static func path(_ row: BulkStatement, told: Path) -> Path {
        let file = NetFold.FileKey(
            ino: row.int(7), birth: row.int(8), filesystem: Int32(truncatingIfNeeded: row.int(9)))
        let mode = UInt32(truncatingIfNeeded: row.int(2))
        return Path(
            directory: row.int(0), name: Name(row.bytes(1)), was: true, isThere: true, hasCome: false,
            wasType: FileType(mode: mode), wasFile: file, file: file, flags: 0, kind: .attrib, mode: mode,
            uid: UInt32(truncatingIfNeeded: row.int(5)), gid: UInt32(truncatingIfNeeded: row.int(6)),
            size: row.int(3), mtime: row.int(4), seq: told.seq, batch: told.batch, firstBatch: told.batch)
    }
}
