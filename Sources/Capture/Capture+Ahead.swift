internal import Changes
internal import Kernel

/// Directories that others look at before a crawl comes to them: asking, taking, and what may come between.
extension Capture {
    /// Has a directory looked at ahead of its turn, where it is an ordinary one.
    func ahead(_ node: NodeID) -> Crawl.Ahead {
        guard let readAhead, let errand = errand(to: node) else { return Crawl.Ahead(node: node) }
        let flight = ReadAhead.Flight(errand, reusing: takeSpareNames())
        readAhead.ask(for: flight)
        return Crawl.Ahead(node: node, flight: flight)
    }

    /// Where a directory is, and which. Nil for a root, of which more is to be known, and for one that gets no watch.
    private func errand(to node: NodeID) -> ReadAhead.Errand? {
        guard let value = tree[node], value.coverage == .covered, !isAway(node), let watched = roots[value.root],
            node != watched.root.node, let path = tree.path(of: node),
            let (device, filesystem) = devices.first(where: { $0.value.number == value.id.filesystem })
        else { return nil }
        if value.watch == nil, value.parent.map({ tree[$0]?.isUnwatched ?? false }) ?? true { return nil }
        do throws(SystemError) {
            return ReadAhead.Errand(
                anchor: try watched.openAnchor(), path: watched.root.path.relative(path), device: device,
                inode: value.id.inode, birth: value.id.birth, isWatched: value.watch != nil,
                canFoldCase: filesystem.canFoldCase)
        } catch {
            return nil  // The same happens at its turn, and is noted then.
        }
    }

    /// What was seen ahead, when its turn has come. What is newer than that look is not in it, so then it is looked at anew;
    /// and so where the look came to nothing, for the reason.
    func take(_ ahead: Crawl.Ahead) -> Listing? {
        guard let flight = ahead.flight, let readAhead else { return begin(listing: ahead.node) }
        let (names, isListed) = readAhead.take(flight, explorer)
        noteWatch(of: flight, at: ahead.node)
        guard isListed, !ahead.isVoid, tree[ahead.node]?.watch != nil else {
            keep(names)
            return begin(listing: ahead.node)
        }
        return Listing(node: ahead.node, names: names, isFolded: false, hasLooked: true)
    }

    /// Looks that were ahead, of one directory or of all, are no news any more.
    func voidLooksAhead(at node: NodeID? = nil) {
        for crawl in crawls {
            for index in crawl.ahead.indices where node == nil || crawl.ahead[index].node == node {
                crawl.ahead[index].isVoid = true
            }
        }
    }

    /// Takes the watches that were made ahead into the tree: before any event is looked at, which may be one of theirs, and
    /// before a directory is watched here, which may be one of them. A look that begins later makes its watch later.
    func noteWatchesAhead() {
        for crawl in crawls {
            for ahead in crawl.ahead { if let flight = ahead.flight { noteWatch(of: flight, at: ahead.node) } }
        }
    }

    private func noteWatch(of flight: ReadAhead.Flight, at node: NodeID) {
        guard !flight.isNoted, let watch = readAhead?.watch(of: flight) else { return }
        flight.isNoted = true
        // One that left its place may have another node by now, which has its watch.
        if isDetached(node), tree.node(watchedBy: watch) != nil { return }
        if tree[node] != nil { return take(watch, of: node) }
        // It was let go meanwhile. Its directory may have come back as another node, which has the same watch.
        let others = crawls.lazy.flatMap(\.ahead).filter { [tree] in tree[$0.node] != nil }.compactMap(\.flight)
        if tree.node(watchedBy: watch) == nil, !others.contains(where: { readAhead?.watch(of: $0) == watch }) {
            drain.inotify.remove(watch)
        }
    }

    /// Nobody takes what was asked for by a crawl that is dropped.
    func callBack(_ crawl: Crawl) {
        for ahead in crawl.ahead {
            guard let flight = ahead.flight, let readAhead else { continue }
            readAhead.cancel(flight)
            noteWatch(of: flight, at: ahead.node)
        }
        crawl.ahead = []
    }
}
