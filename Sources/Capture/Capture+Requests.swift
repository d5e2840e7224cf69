package import Changes
internal import Kernel

/// What people ask for: to look again, and to take what is there for what was.
extension Capture {
    /// Asks for a crawl of a directory's subtree; the ticket is in ``finishedTickets`` when it is done. It closes the gaps there
    /// that wait for nothing but to be looked at again; those that are looked at from time to time, as far as there is anything
    /// to watch them with by now. False where no live root has the directory.
    package func scan(_ path: Path, ticket: Int) -> Bool {
        guard let root = roots.values.first(where: { $0.root.path.contains(path) }), root.root.state == .live,
            let node = node(at: path, in: root.root)
        else { return false }
        let isReconciled = crawls.contains { $0.root == root.root.id && $0.mode != .scan }
        let top = isReconciled ? root.root.node : node
        // Each by a crawl of its own subtree: what waits for a crawl to be found again may do so where a gap says that.
        let closable = closableGaps { [tree] _, gap in
            tree.isBelow(gap.node, top) && (Self.isRetried(gap) || Self.isSwept(gap))
        }
        for (id, gap) in closable where gap.node != top { crawl(toClose: id, isSweep: Self.isSwept(gap)) }
        let own = closable.filter { $0.value.node == top }
        addCrawl(
            Crawl(
                root: root.root.id, top: top, mode: own.isEmpty ? .scan : .reconcile, gaps: own.map(\.key),
                notBefore: own.map(\.value.since).min() ?? root.root.crawled ?? vouchedUntil, ticket: ticket,
                isSweep: !own.isEmpty && own.allSatisfy { Self.isSwept($0.value) }))
        return true
    }

    /// Takes the directory that is at the path of an offline root, or of an offline mount point below one, for what was there,
    /// though it is on another file system. False where there is none.
    package func adopt(_ path: Path, _ state: some StoredState) throws -> Bool {
        guard let watched = roots.values.first(where: { $0.root.path.contains(path) }) else { return false }
        adopted.insert(path)
        defer { adopted.remove(path) }
        if path == watched.root.path {
            if watched.root.state == .offline { lookFor(watched, isStart: false) }
        } else if let node = node(at: path, in: watched.root), tree.path(of: node) == path,
            let place = tree.place(of: node)
        {
            dirty.insert(place, [])
            try resolve(state)
        }
        try flush(state)
        return watched.root.state == .live
    }
}
