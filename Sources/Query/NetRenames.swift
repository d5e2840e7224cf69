internal import Changes
internal import GRDB
internal import RawSQL

/// Finds which arrivals of a net answer are departures from another path: the same file by file system, inode and birth
/// time.
///
/// 1. Files that were at a path at the start and are not there at the end have departed; files that are at a path at the end
///    and were not there at the start have arrived.
/// 2. An arrival takes a departure of the same file. With hard links there can be several of either; each is taken once, those
///    of one name first, and what is left over stays created or deleted. A link whose other names all stay has no departure.
/// 3. The arrival becomes `renamed`; a departure whose path is empty now is told by it and goes. Where another file took the
///    path, that is a row of its own.
///
/// What else happened to a file while it had another name is said of it too, which takes a second pass over the rows, where
/// there is any such file.
struct NetRenames {
    private typealias Path = NetFold.Path
    private typealias FileKey = NetFold.FileKey

    /// What happened to a file, under whatever path.
    private struct Fate {
        /// 1 content, 2 metadata.
        var flags: UInt8
        /// Its inode number came or went as well, so that without a birth time it may be two files.
        var isDoubtful = false
        /// A row says that it was renamed.
        var isRenamed = false
    }

    private let db: Database
    private let span: Span

    init(_ db: Database, _ span: Span) {
        self.db = db
        self.span = span
    }

    /// Without `following`, arrivals and departures stay what they are; what happened under other names still counts.
    func match(_ paths: inout [NetFold.Path], renamed: Set<NetFold.FileKey>, following: Bool) throws {
        let pairs = following ? pair(paths) : []
        guard !renamed.isEmpty || !pairs.isEmpty else { return }
        let fates = try fates(of: renamed.union(pairs.map { paths[$0.arrived].file }), renamed)
        var told: Set<Int> = []
        for (arrived, departed) in pairs {
            let fate = fates[paths[arrived].file]
            // Inode numbers are reused at once on some file systems. So where there is no birth time, only renamed rows tell
            // a rename, and only if nothing else of that number came or went.
            guard paths[arrived].file.birth != 0 || fate?.isDoubtful == false else { continue }
            paths[arrived].kind = .renamed
            paths[arrived].flags = fate?.flags ?? 3
            paths[arrived].old = Path.Origin(directory: paths[departed].directory, name: paths[departed].name)
            if !paths[departed].isThere { told.insert(departed) }
        }
        carry(fates, into: &paths)
        if !told.isEmpty { paths = paths.indices.lazy.filter { !told.contains($0) }.map { paths[$0] } }
        if following { try markMovedWith(&paths) }
    }

    /// Arrivals with the departures of the same files, each in the order of directories and names.
    private func pair(_ paths: [Path]) -> [(arrived: Int, departed: Int)] {
        var departed: [FileKey: [Int]] = [:]
        for number in paths.indices where paths[number].hasDeparted {
            departed[paths[number].wasFile, default: []].append(number)
        }
        guard !departed.isEmpty else { return [] }
        var arrived: [FileKey: [Int]] = [:]
        for number in paths.indices where paths[number].hasArrived && departed[paths[number].file] != nil {
            arrived[paths[number].file, default: []].append(number)
        }
        func isBefore(_ a: Int, _ b: Int) -> Bool {
            paths[a].directory == paths[b].directory
                ? paths[a].name < paths[b].name : paths[a].directory < paths[b].directory
        }
        return arrived.flatMap { file, arrivals in
            let (arrivals, departures) = (arrivals.sorted(by: isBefore), departed[file]!.sorted(by: isBefore))
            // One that went along with its directory has kept its name.
            var byName = Dictionary(grouping: departures.reversed()) { paths[$0].name }
            var pairs: [(arrived: Int, departed: Int)] = []
            for arrival in arrivals {
                if let same = byName[paths[arrival].name]?.popLast() { pairs.append((arrival, same)) }
            }
            let (arrived, departed) = (Set(pairs.map(\.arrived)), Set(pairs.map(\.departed)))
            let rest = zip(arrivals.filter { !arrived.contains($0) }, departures.filter { !departed.contains($0) })
            return pairs + rest.map { ($0, $1) }
        }
    }

    /// What all rows of the range say of these files, inside the question or not. One that was created or deleted under some
    /// name was out of sight in between, so that anything may have happened to it.
    private func fates(of files: Set<FileKey>, _ renamed: Set<FileKey>) throws -> [FileKey: Fate] {
        var fates: [FileKey: Fate] = [:]
        let rows = try BulkStatement(
            db,
            """
            SELECT kind, flags, filesystem, ino, btime_ns, prior_ino IS NOT NULL
            FROM \(LogTable.rows) WHERE seq > ?1 AND seq <= ?2
            """)
        rows.bind(1, span.since)
        rows.bind(2, span.until)
        try rows.forEachRow {
            let file = FileKey(
                ino: rows.int(3), birth: rows.int(4), filesystem: Int32(truncatingIfNeeded: rows.int(2)))
            guard files.contains(file) else { return }
            var fate = fates[file] ?? Fate(flags: 0)
            switch Kind(rawValue: rows.int(0)) {
            case .renamed:
                fate.flags |= UInt8(truncatingIfNeeded: rows.int(1))
                fate.isRenamed = true
            case .modified where rows.int(5) == 0, .attrib where rows.int(5) == 0:
                fate.flags |= UInt8(truncatingIfNeeded: rows.int(1))
            default: (fate.flags, fate.isDoubtful) = (3, true)
            }
            fates[file] = fate
        }
        return fates
    }

    /// A file that went away and came back may have been changed under the other name. One that only lost another of its
    /// names stayed where it was.
    private func carry(_ fates: [FileKey: Fate], into paths: inout [Path]) {
        for number in paths.indices where paths[number].kind == .modified || paths[number].kind == .attrib {
            guard let fate = fates[paths[number].file], fate.isRenamed else { continue }
            paths[number].flags |= fate.flags
            if paths[number].flags & 1 != 0 { paths[number].kind = .modified }
        }
    }

    /// Tells the paths that moved by the rename of a directory above them alone: their name is the same, and so is the rename
    /// of the directory they are in. They get the `seq` of the topmost directory's row, which tells it all.
    private func markMovedWith(_ paths: inout [Path]) throws {
        struct Move: Hashable {
            var old: Int64
            var new: Int64
        }
        let directories = DirectoryPaths(db)
        func entry(_ directory: Int64, _ name: Name) throws -> [UInt8] {
            try directories.path(of: directory) + [slash] + name.bytes
        }
        // One that is not in the dictionary held nothing.
        var moves: [(path: [UInt8], move: Move, number: Int)] = []
        for number in paths.indices where paths[number].kind == .renamed && paths[number].isDirectory {
            let path = paths[number]
            guard let old = path.old else { continue }
            let new = try entry(path.directory, path.name)
            guard let before = try directories.id(of: entry(old.directory, old.name)),
                let after = try directories.id(of: new)
            else { continue }
            moves.append((new, Move(old: before, new: after), number))
        }
        var tops: [Move: Int64] = [:]
        // Parents first.
        for (_, move, number) in moves.sorted(by: { $0.path.lexicographicallyPrecedes($1.path) }) {
            let path = paths[number]
            let above = path.old!.name == path.name ? tops[Move(old: path.old!.directory, new: path.directory)] : nil
            if tops[move] == nil { tops[move] = above ?? path.seq }
        }
        guard !tops.isEmpty else { return }
        for number in paths.indices where paths[number].kind == .renamed {
            guard let old = paths[number].old, old.name == paths[number].name else { continue }
            old.movedWith = tops[Move(old: old.directory, new: paths[number].directory)]
        }
    }
}
