internal import Changes
internal import GRDB

/// A net answer in memory, in the order of its paths: it outlives the snapshot, so that a pager never holds the WAL.
struct NetAnswer {
    private var paths: [NetFold.Path]
    /// The order of the answer.
    private var order: [Int32] = []
    private let batches: [NetFold.Batch]
    /// The paths of the directories that occur.
    private var directories: [Int64: [UInt8]] = [:]

    init(_ db: Database, _ span: Span, _ subjects: Subjects, _ selection: Selection) throws {
        let fold = try NetFold(db, span, subjects)
        batches = fold.batches
        paths = fold.paths
        try NetRenames(db, span).match(&paths, renamed: fold.renamed, following: selection.followsRenames)
        try NetCompanions(db, subjects).add(selection.companions, to: &paths)
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
        var names: [Int64: [Int32]] = [:]
        for number in paths.indices { names[paths[number].directory, default: []].append(Int32(number)) }
        let groups = names.map { id, numbers in
            (
                key: directories[id]! + [slash],
                numbers: numbers.sorted { paths[Int($0)].name < paths[Int($1)].name }[...]
            )
        }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        order.reserveCapacity(paths.count)
        var open: [(key: [UInt8], numbers: ArraySlice<Int32>)] = []
        for group in groups {
            while let top = open.last, !group.key.starts(with: top.key) { order += open.removeLast().numbers }
            if let top = open.indices.last {
                let rest = group.key.dropFirst(open[top].key.count)
                while let next = open[top].numbers.first,
                    paths[Int(next)].name.bytes.lexicographicallyPrecedes(rest)
                {
                    order.append(open[top].numbers.removeFirst())
                }
            }
            open.append(group)
        }
        while let top = open.popLast() { order += top.numbers }
    }

    func holdsOnly(directories isFine: ([UInt8]) -> Bool, names: ([UInt8]) -> Bool) -> Bool {
        directories.values.allSatisfy(isFine)
            && paths.allSatisfy { names($0.name.bytes) && ($0.old.map { names($0.name.bytes) } ?? true) }
    }

    func forEach(_ selection: Selection, _ body: (Change) throws -> Void) throws {
        var left = selection.limit ?? .max
        for position in order.indices {
            let path = paths[Int(order[selection.order == .path ? position : order.count - 1 - position])]
            guard left > 0 else { return }
            guard selection.kinds.contains(path.kind), selection.types.contains(FileType(mode: path.mode)),
                selection.presence.map({ ($0 == .present) == path.isThere }) ?? true
            else { continue }
            left -= 1
            try body(change(path))
        }
    }

    private func change(_ path: NetFold.Path) throws -> Change {
        let batch = batches[Int(path.batch)]
        guard let source = Source(rawValue: batch.source) else {
            throw JournalError.corrupt("batch \(batch.seq) has an unknown source")
        }
        return Change(
            seq: path.seq, kind: path.kind, path: bytes(path.directory, path.name),
            oldPath: path.old.map { bytes($0.directory, $0.name) }, difference: Difference(rawValue: Int64(path.flags)),
            mode: path.mode, size: path.size, mtime: path.mtime, uid: path.uid, gid: path.gid,
            ino: UInt64(bitPattern: path.file.ino), time: batch.committed, notBefore: batch.notBefore, source: source,
            batch: batch.seq, movedWith: path.old?.movedWith, before: path.before)
    }

    private func bytes(_ directory: Int64, _ name: Name) -> [UInt8] {
        Path(directories[directory]!).appending(name).bytes
    }
}
