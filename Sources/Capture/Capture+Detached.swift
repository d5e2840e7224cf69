internal import Changes
internal import Kernel

/// What is not where the tree has it. A directory that left its place may turn up at another: its event may be a moment
/// behind, or lost, and then a crawl finds it. Until then names in it cannot be looked at, and its rows stay where they were
/// if nobody is answered about that place meanwhile.
extension Capture {
    /// Takes a directory from its place; it may turn up at another.
    func detach(_ node: NodeID) {
        guard let place = tree.place(of: node) else { return }
        pending.noteOrigin(node, place)
        tree.detach(node)
        detached.insert(node)
    }

    /// A directory turned up elsewhere. What a crawl was to find in it went along, to where that has perhaps been already; and
    /// so did the gap that it comes out of. One that is renamed over and over is walked anew once: after that the crawl has
    /// seen each directory in it, or has it in its list.
    func follow(_ moved: NodeID, outOf gap: OpenGap?) {
        let root = tree[moved]!.root
        unpark { tree.isBelow($0, moved) }
        for crawl in crawls where crawl.root == root && !crawl.isWalked && crawl.followed.insert(moved).inserted {
            crawl.add(moved)
        }
        if let gap, !tree.isBelow(moved, gap.node) {
            crawl(toClose: openGap(moved, .doubt, since: gap.since))
        } else if crawling == nil {
            for node in tree.subtree(moved) { watchAgain(node) }
        }
    }

    /// Lets go of the directories that turned up nowhere: they were deleted, or moved out. Files that went with them may
    /// have other names.
    func settleDetached(_ state: some StoredState) throws {
        var leaving = detached.filter { !isHeld($0) }
        while !leaving.isEmpty {
            // One that was taken from a place in another has gone with that.
            for node in leaving where detached.contains(node) {
                try noteLinksLeaving(with: tree.subtree(node), state)
                forget(node)
            }
            try seekLinks(state)
            try resolve(state)
            leaving = detached.filter { !isHeld($0) }
        }
    }

    /// Forgets a directory and all below it, and the watches that nobody else has reclaimed.
    func forget(_ node: NodeID, isLogged: Bool = true) {
        detached.remove(node)
        let isLogged = isLogged && !isSilent(node)
        let subtree = tree.subtree(node)
        // What was taken from a place in it, and has not turned up, has no place to be held at any more.
        let places = Set(subtree)
        for lost in detached where pending.origins[lost].map({ places.contains($0.node) }) ?? false {
            forget(lost, isLogged: isLogged)
        }
        for below in subtree.reversed() {
            letGo(below)
            pending.addGone(below, isLogged: isLogged)
            dropGaps(of: below)
        }
    }

    /// Takes a directory out of all that is kept in memory of where to look. What is below it has gone before.
    func letGo(_ node: NodeID) {
        unwatch(node)
        tree.forget(node)
        detached.remove(node)
        unlisted.remove(node)
        parked.removeAll(in: node)
        away.remove(node)
        remoteTops.remove(node)
    }

    /// Removes the watch of a directory, unless another node has reclaimed it.
    func unwatch(_ node: NodeID) {
        guard let watch = tree[node]?.watch, tree.node(watchedBy: watch) == node else { return }
        drain.inotify.remove(watch)
    }

    /// Forgets a directory that is no longer part of the journal: no change, so nothing is logged.
    func forgetSilently(_ node: NodeID) {
        detach(node)
        forget(node, isLogged: false)
    }

    /// Whether something is missing that the next look at the queue may find.
    var hasLeft: Bool { dirty.hasHalfARename || detached.contains { !isHeld($0) } }

    /// Whether there is something to look at in a directory that the tree has elsewhere than it is. What is below a detached
    /// one goes, or comes back, with it.
    var isUnresolved: Bool { unlisted.contains(where: isLost) || parked.nodes.contains(where: isLost) }

    func isLost(_ node: NodeID) -> Bool { !isReconciling(node) && !isDetached(node) }

    /// Whether a directory is, or lies below, one that is not at its place any more.
    func isDetached(_ node: NodeID) -> Bool { !detached.isEmpty && tree.nearest(of: detached, above: node) != nil }

    /// Makes names due again that were set aside.
    func unpark(where isWanted: (NodeID) -> Bool = { _ in true }) {
        for node in parked.nodes.filter(isWanted) {
            dirty.insert(parked.removeAll(in: node)!, in: node)
        }
    }

    /// Whether a crawl is to reconcile this directory, or one above it, so that questions about it wait anyway. Below a
    /// detached one the place counts that the state has.
    func isReconciling(_ node: NodeID) -> Bool {
        guard let root = tree[node]?.root else { return false }
        let tops = crawls.lazy.filter { $0.root == root && $0.mode == .reconcile && !$0.isWalked }.map(\.top)
        guard !tops.isEmpty else { return false }
        if let watched = roots[root], tops.contains(watched.root.node) { return true }
        return above(node, where: tops.contains) != nil
    }

    /// Whether the place that the state has of a detached directory lies below itself by now.
    func isKnot(_ detached: NodeID) -> Bool {
        pending.origins[detached].map { above($0.node) { $0 == detached } != nil } ?? false
    }

    /// Whether the rows of a detached directory may stay where they are until it is found. Where nobody is to look again, it
    /// is gone from its place, wherever it is; one that the store does not know has no rows.
    func isHeld(_ detached: NodeID) -> Bool { pending.origins[detached].map { isReconciling($0.node) } ?? false }

    /// After all draining, names wait in directories that cannot be found: nobody vouches for them. Below a root that is being
    /// reconciled they wait for the crawl, which finds the directory or its end. In its first crawl there is nothing to be told
    /// of them: another one lists everything.
    func giveUpUnresolved() {
        for node in unlisted.union(parked.nodes) where isLost(node) {
            unlisted.remove(node)
            guard !isAway(node), let root = roots[tree[node]!.root] else { continue }
            notify(.lost(path: tree.path(of: node)))
            reconcile(root, cause: .doubt)
            if isLost(node) { parked.removeAll(in: node) }
        }
    }

    /// The directories above one, itself first, where detached ones count as where the state has them; `isMeant` says which
    /// is sought. Nil where there is none, or where they come round: what was above a directory may be below it by now.
    private func above(_ node: NodeID, where isMeant: (NodeID) -> Bool) -> NodeID? {
        var above: NodeID? = node
        for _ in 0...tree.count {
            guard let id = above else { return nil }
            if isMeant(id) { return id }
            above = tree[id]?.parent ?? pending.origins[id]?.node
        }
        return nil
    }
}
