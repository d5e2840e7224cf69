internal import Changes
internal import Kernel

/// Mounts come and go over watched directories, and nothing tells the watches (facts 50 to 55). So the table of mounts is
/// looked at before each commit. It only says which names to look at; as everywhere, statx decides.
///
/// Nothing that is known is ever dropped for a mount:
///
///     covered ──another file system over it──▶ hidden: not covered while that is so, its rows and its gap stay
///     hidden ──that is gone──▶ covered, reconciled with its rows
///     a file system of the root's (--cross-mounts) ──unmounted──▶ away: its rows stay, its gap is open
///     away ──the same file system is back──▶ covered, reconciled with its rows
extension Capture {
    /// What a known directory's place shows now.
    enum Sight {
        /// The directory, or something that hides it.
        case same
        /// Its file system is not mounted.
        case away
        /// Another directory took its place.
        case another
    }

    /// Marks the names at which something is or was mounted, whenever the table of mounts changed.
    ///
    /// What happened before that is still queued, and has to be read while its watches are known.
    func noteMounts() throws {
        guard let points = try mounts.changedPoints() else { return }
        isQueueUnread = true
        voidLooksAhead()
        forgetDevices()
        for point in points.map({ Path($0) }) {
            for watched in roots.values where watched.root.state == .live && watched.root.path.contains(point) {
                // A root itself is a matter of checkRoots; what no row has is found by the listing that finds it.
                guard point != watched.root.path, let parent = node(at: point.parent, in: watched.root),
                    tree.path(of: parent) == point.parent
                else { continue }
                dirty.insert(Place(parent, point.name), [])
            }
        }
        // Its path was another one before, where a directory above it was renamed: that changes no table.
        for node in tree.mountPoints {
            if let place = tree.place(of: node), !tree.isContainer(place.node) { dirty.insert(place, []) }
        }
    }

    /// Any device number may belong to another file system from now on: they are asked for again.
    private func forgetDevices() {
        devices = [:]
        for watched in roots.values where watched.root.state == .live {
            do throws(SystemError) {
                let directory = try Descriptor(opening: watched.root.path.shown, for: .listing)
                _ = try know(directory, device: FileStatus(of: directory).device)
            } catch {
                // Then checkRoots finds it offline.
            }
        }
    }

    /// IN_UNMOUNT: the file system of this watch is gone, and so is the watch. Every watch of it gets one.
    func noteUnmount(_ node: NodeID) {
        tree.setWatch(node, nil)
        guard let watched = roots[tree[node]!.root] else { return }
        var top = node
        while let parent = tree[top]?.parent, !tree.isContainer(parent),
            tree[parent]!.id.filesystem == tree[top]!.id.filesystem
        {
            top = parent
        }
        if top == watched.root.node {
            watched.isUnmounted = true
        } else if tree[top]!.coverage == .covered, !away.contains(top) {
            goAway(top)
            if let place = tree.place(of: top) { dirty.insert(place, []) }
        }
    }

    /// What the place of `known` shows, where a directory `id` was found that is covered as `coverage` says.
    func sight(of known: NodeID, _ id: FileID, _ coverage: Coverage, in root: WatchedRoot) -> Sight {
        let value = tree[known]!
        switch (value.coverage, coverage) {
        case (.covered, .covered), (.unreadable, .covered), (.unreadable, .unreadable), (.covered, .unreadable):
            if away.contains(known) {
                let path = tree.path(of: known)
                guard value.id.filesystem == id.filesystem || path.map(adopted.contains) == true else { return .away }
                if let path { adopted.remove(path) }
                comeBack(known, id)
                return .same
            }
            if value.id == id { return .same }
            guard root.root.crossesMounts, tree.mountPoints.contains(known), value.id.filesystem != id.filesystem else {
                return .another
            }
            goAway(known)
            return .away
        case (.covered, .mount), (.covered, .pseudo):
            hide(known, coverage)
            return .same
        case (.unreadable, .mount), (.unreadable, .pseudo), (.mount, .mount), (.mount, .pseudo), (.pseudo, .mount),
            (.pseudo, .pseudo):
            // What is hidden stays what it is, whatever hides it.
            let id = away.contains(known) ? value.id : id
            if value.id != id || value.coverage != coverage { alter(known, id, coverage) }
            return .same
        case (.mount, .covered), (.pseudo, .covered), (.mount, .unreadable), (.pseudo, .unreadable):
            reveal(known, id)
            return .same
        }
    }

    private func alter(_ node: NodeID, _ id: FileID, _ coverage: Coverage) {
        tree.set(node, id, coverage)
        pending.altered.insert(node)
    }

    /// Another file system is mounted over a covered directory, whose identity stays: its file system is that of the rows in
    /// it.
    ///
    /// So do the watches: a program that has a file open, or a way round the mount, may still write to what has another name
    /// elsewhere.
    private func hide(_ node: NodeID, _ coverage: Coverage) {
        // Nobody knows what is in those, and files in them may have other names elsewhere.
        let isUnlisted = !unlisted.isDisjoint(with: tree.subtree(node))
        settleInPlace(node)
        alter(node, tree[node]!.id, coverage)
        openStanding(node, .hidden)
        if isUnlisted, let watched = roots[tree[node]!.root] { reconcile(watched, cause: .doubt) }
        if let path = tree.path(of: node) { notify(.hidden(path: path)) }
    }

    /// What was mounted over a directory is gone. What is known of it is compared; where nothing is, its coverage begins.
    private func reveal(_ node: NodeID, _ id: FileID) {
        alter(node, id, .covered)
        away.remove(node)
        if let gap = gap(at: node, .hidden), let since = gaps[gap]?.since {
            crawlAgain(node, gap, since: since, unwrittenSince: nil)
        } else {
            beginCoverage(of: node)
        }
    }

    /// The file system that was mounted here is not.
    private func goAway(_ node: NodeID) {
        suspend(node)
        openStanding(node, .offline)
        if let path = tree.path(of: node) { notify(.offline(path: path)) }
    }

    private func comeBack(_ node: NodeID, _ id: FileID) {
        if tree[node]!.id != id { alter(node, id, .covered) }
        away.remove(node)
        if let path = tree.path(of: node) { notify(.back(path: path)) }
        if let gap = gap(at: node, .offline), let since = gaps[gap]?.since {
            crawlAgain(node, gap, since: since, unwrittenSince: since - Writeback.lag)
        }
    }

    /// Opens a gap that stays until the mounts change again, whatever is crawled meanwhile.
    private func openStanding(_ node: NodeID, _ cause: GapCause) {
        away.insert(node)
        leaveOpen(openGap(node, cause))
    }

    /// Reconciles a subtree: by the crawl that has just come here, or by one of its own.
    private func crawlAgain(_ node: NodeID, _ gap: GapID, since: Int64, unwrittenSince: Int64?) {
        if let crawling, crawling.mode != .scan {
            crawling.gaps.append(gap)
            recallUnseen(below: node)
        } else {
            addCrawl(
                Crawl(
                    root: tree[node]!.root, top: node, mode: .reconcile, gaps: [gap], notBefore: since,
                    unwrittenSince: unwrittenSince))
        }
    }

    /// Lets a subtree be what the state has of it, and watches it no more.
    func suspend(_ top: NodeID) {
        settleInPlace(top)
        noteWatchesAhead()
        for node in tree.subtree(top) {
            unwatch(node)
            tree.setWatch(node, nil)
        }
    }

    /// Nothing in a subtree is looked at, or waits to be found elsewhere, from now on.
    private func settleInPlace(_ top: NodeID) {
        let subtree = Set(tree.subtree(top))
        for node in detached {
            guard let place = pending.origins[node], subtree.contains(place.node) else { continue }
            detached.remove(node)
            guard tree.child(at: place) == nil else {
                forget(node)
                continue
            }
            // It may have left its place, which the next look at that will tell, if events of its new one do not.
            tree.attach(node, at: place)
            if pending.observations[place]?.after.isPresent == false { pending.observations[place] = nil }
        }
        unpark(where: subtree.contains)  // to be set aside
        unlisted.subtract(subtree)
    }

    /// Names that events told of in a directory that cannot be looked at now: they wait for the crawl that can. Other names of
    /// their files can be looked at; where nobody knows which file it is, since another has come there, everything is.
    func setAside(_ names: [Name: Hints], in node: NodeID, _ state: some StoredState) throws {
        for (name, hints) in names {
            let place = Place(node, name)
            keepUnseen(place, hints)
            let row = try state.row(at: place)
            let file = row.flatMap { $0.child == nil ? $0.entry.id : nil } ?? links.unlinked[place]
            if let file { links.touch(file, hints.intersection(.content)) }
            let isOther = unseen[place]?.contains(.arrival) ?? true
            if row == nil && file == nil || isOther, let watched = roots[tree[node]!.root] {
                reconcile(watched, cause: .doubt)
            }
        }
    }

    /// A directory that has lost its watch, and is there, is listed once more.
    func watchAgain(_ node: NodeID) {
        guard let value = tree[node], value.watch == nil, !value.isUnwatched, value.coverage == .covered else { return }
        expansions.append(node)
    }

    /// Whether a directory is not to be looked at: its root is not there, or something hides it or took its file system away.
    func isAway(_ node: NodeID) -> Bool {
        guard let root = tree[node]?.root, roots[root]?.root.state == .live else { return true }
        return !away.isEmpty && tree.nearest(of: away, above: node) != nil
    }

    /// Whether a directory can be seen where the tree has it; an error where nobody knows.
    func isThere(_ node: NodeID) throws(SystemError) -> Bool {
        guard let opened = try open(node, for: .anchor) else { return false }
        _ = opened
        return true
    }
}
