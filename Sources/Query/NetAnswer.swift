internal import Changes
internal import GRDB

/// A net answer in memory, in the order of its paths: it outlives the snapshot, so that a pager never holds the WAL.
struct NetAnswer {
    private var paths: [NetFold.Path]
    private let batches: [NetFold.Batch]
    /// The paths of the directories that occur.
    private var directories: [Int64: [UInt8]] = [:]

    init(_ db: Database, _ span: Span, _ subjects: Subjects, followingRenames: Bool) throws {
        let fold = try NetFold(db, span, subjects)
        batches = fold.batches
        paths = fold.paths
        try NetRenames(db, span).match(&paths, renamed: fold.renamed, following: followingRenames)
        let known = DirectoryPaths(db)
        for path in paths {
            for id in [path.directory, path.old?.directory].compactMap({ $0 }) where directories[id] == nil {
                directories[id] = try known.path(of: id)
            }
        }
        sort()
    }

    /// By the bytes of the whole path: `d`, `d-e`, `d/f`, `d0`. Within a directory names are sorted by themselves. Those below
    /// a directory in it come where its name with a slash does.
    private mutating func sort() {
        let names = Dictionary(grouping: paths.indices, by: { paths[$0].directory })
            .mapValues { $0.sorted { paths[$0].name < paths[$1].name } }
        let groups = names.keys.map { (key: directories[$0]! + [slash], names: names[$0]![...]) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        var order: [Int] = []
        order.reserveCapacity(paths.count)
        var open: [(key: [UInt8], names: ArraySlice<Int>)] = []
        for group in groups {
            while let top = open.last, !group.key.starts(with: top.key) { order += open.removeLast().names }
            if let top = open.indices.last {
                let rest = group.key.dropFirst(open[top].key.count)
                while let next = open[top].names.first, paths[next].name.bytes.lexicographicallyPrecedes(rest) {
                    order.append(open[top].names.removeFirst())
                }
            }
            open.append(group)
        }
        while let top = open.popLast() { order += top.names }
        paths = order.map { paths[$0] }
    }

    func forEach(_ selection: Selection, _ body: (Change) throws -> Void) throws {
        var left = selection.limit ?? .max
        for position in paths.indices {
            let path = paths[selection.order == .path ? position : paths.count - 1 - position]
            guard left > 0 else { return }
            guard selection.kinds.contains(path.kind), selection.types.contains(FileType(mode: UInt32(path.mode))),
                selection.presence.map({ ($0 == .present) == path.isThere }) ?? true
            else { continue }
            left -= 1
            try body(change(path))
        }
    }

    private func change(_ path: NetFold.Path) throws -> Change {
        let batch = batches[path.batch]
        guard let source = Source(rawValue: batch.source) else {
            throw JournalError.corrupt("batch \(batch.seq) has an unknown source")
        }
        return Change(
            seq: path.seq, kind: path.kind, path: directories[path.directory]! + [slash] + path.name.bytes,
            oldPath: path.old.map { directories[$0.directory]! + [slash] + $0.name.bytes },
            difference: Difference(rawValue: path.flags), mode: UInt32(path.mode), size: path.size, mtime: path.mtime,
            uid: UInt32(path.uid), gid: UInt32(path.gid), ino: UInt64(bitPattern: path.file.ino),
            time: batch.committed, notBefore: batch.notBefore, source: source, movedWith: path.movedWith)
    }

    /// How many paths moved by the rename of a directory alone, by the `seq` of its row; only of directories whose own row is
    /// there to stand for them.
    var folded: [Int64: Int] {
        var counts: [Int64: Int] = [:]
        let tops = Set(
            paths.lazy.filter { $0.kind == .renamed && $0.mode & 0o170000 == 0o040000 }.map(\.seq))
        for path in paths where path.kind == .renamed && path.flags == 0 {
            if let top = path.movedWith, tops.contains(top) { counts[top, default: 0] += 1 }
        }
        return counts
    }
}
