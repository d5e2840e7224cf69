package import Changes
internal import Kernel

/// A gap that is open.
package struct OpenGap: Sendable {
    package var root: RootID
    package var node: NodeID
    package var cause: GapCause
    package var since: Int64

    package init(root: RootID, node: NodeID, cause: GapCause, since: Int64) {
        self.root = root
        self.node = node
        self.cause = cause
        self.since = since
    }
}

/// Where the journal cannot look: every such place becomes a row, and is retried.
extension Capture {
    /// How often what was refused is tried again, nanoseconds.
    private static let retryInterval: Int64 = 10_000_000_000

    /// Opens a gap over the subtree of `node`, or finds the one that is open there for the same cause.
    @discardableResult
    func openGap(_ node: NodeID, _ cause: GapCause) -> GapID {
        if let known = gaps.first(where: { $0.value.node == node && $0.value.cause == cause }) { return known.key }
        let id = GapID(rawValue: nextGap)
        nextGap += 1
        let root = tree[node]!.root
        gaps[id] = OpenGap(root: root, node: node, cause: cause, since: vouchedUntil)
        pending.openedGaps.append(OpenedGap(id: id, root: root, node: node, cause: cause, since: vouchedUntil))
        return id
    }

    /// The gaps whose end is on its way: a crawl is closing them, or waits to.
    package var closing: Set<GapID> { Set(crawls.flatMap(\.gaps)) }

    /// Opens a gap over a live root and has all of it crawled; in its first crawl, has it crawled once more.
    ///
    /// A crawl that has not begun will see whatever was lost up to now. One that has begun may have passed it: what gap it
    /// was to close is the next one's to close then.
    func reconcile(_ watched: WatchedRoot, cause: GapCause) {
        let root = watched.root
        guard root.state == .live, !crawls.contains(where: { $0.top == root.node && $0.mode != .scan && !$0.hasBegun })
        else { return }
        let isFirst = root.since == nil
        let gap = openGap(root.node, isFirst ? .beginning : cause)
        for crawl in crawls { crawl.gaps.removeAll { $0 == gap } }
        addCrawl(
            Crawl(
                root: root.id, top: root.node, mode: isFirst ? .baseline : .reconcile, gaps: [gap],
                notBefore: isFirst ? nil : vouchedUntil, unwrittenSince: watched.unwrittenSince))
    }

    func addCrawl(_ crawl: Crawl) {
        if crawl.mode == .reconcile { crawl.due = roots[crawl.root]?.nextReconcile ?? 0 }
        crawls.append(crawl)
    }

    /// A directory cannot be read, or the kernel does not say why it fails. From the first crawl on it is not covered; later
    /// it is a gap. Nothing that is known of it is dropped.
    func noteUnreadable(_ node: NodeID, _ error: SystemError) {
        guard tree[node] != nil, !tree.isContainer(node) else { return }
        if isSilent(node) && error.reach == .denied {
            tree.setCoverage(node, .unreadable)
            pending.altered.insert(node)
        } else {
            let gap = openGap(node, .unreadable)
            for crawl in crawls { crawl.gaps.removeAll { $0 == gap } }
        }
        if let path = tree.path(of: node) { notify(.unreadable(path: path, error)) }
    }

    /// The kernel has no more watches: what lies below this directory is as good as its last crawl.
    func noteWatchLimit(_ node: NodeID) {
        let isFirst = !gaps.values.contains { $0.cause == .watchLimit }
        let gap = openGap(node, .watchLimit)
        for crawl in crawls { crawl.gaps.removeAll { $0 == gap } }
        if isFirst, let path = tree.path(of: node) { notify(.watchLimit(path: path, limit: Sysctl.inotifyWatches)) }
    }

    /// The permissions of a directory may have changed: if it can be read now, it is crawled, and so is what could not be
    /// reached through it.
    func retryUnreadable(_ node: NodeID) {
        if tree[node]!.coverage == .unreadable {
            guard canList(node) else { return }
            tree.setCoverage(node, .covered)
            pending.altered.insert(node)
            let gap = openGap(node, .beginning)
            addCrawl(Crawl(root: tree[node]!.root, top: node, mode: .baseline, gaps: [gap], notBefore: nil))
        } else {
            retry { $0.cause == .unreadable && tree.isBelow($0.node, node) }
        }
    }

    /// Tries again what was refused, from time to time.
    func retryGaps(_ state: some StoredState) throws {
        guard Clock.boot() >= nextRetry else { return }
        nextRetry = Clock.boot() + Self.retryInterval
        retry { $0.cause == .unreadable || $0.cause == .watchLimit || $0.cause == .doubt }
        try flush(state)
    }

    private func retry(_ isMeant: (OpenGap) -> Bool) {
        let closing = closing
        for (id, gap) in gaps where isMeant(gap) && !closing.contains(id) && roots[gap.root]?.root.state == .live {
            guard canList(gap.node) else { continue }
            if gap.cause == .watchLimit, !canWatch(gap.node) { continue }
            for below in tree.subtree(gap.node) { tree.setUnwatched(below, false) }
            addCrawl(
                Crawl(
                    root: gap.root, top: gap.node, mode: .reconcile, gaps: [id], notBefore: gap.since,
                    unwrittenSince: roots[gap.root]?.unwrittenSince))
        }
    }

    private func canList(_ node: NodeID) -> Bool {
        guard let opened = try? open(node, for: .listing) else { return false }
        _ = opened
        return true
    }

    private func canWatch(_ node: NodeID) -> Bool {
        guard let opened = try? open(node, for: .listing), let watch = try? drain.inotify.watch(opened.descriptor)
        else {
            return false
        }
        tree.setWatch(node, watch)
        return true
    }

    /// Closes the gaps that a crawl has made up for. One without stored state, where coverage begins, says so.
    func close(_ crawl: Crawl) -> [ClosedGap] {
        crawl.gaps.compactMap { id in
            guard let gap = gaps.removeValue(forKey: id) else { return nil }
            return ClosedGap(id: id, found: crawl.found, isBaseline: gap.cause == .beginning)
        }
    }

    /// A directory is no more: what could not be seen below it is gone, and was logged as that.
    func dropGaps(of node: NodeID) {
        for (id, gap) in gaps where gap.node == node {
            gaps[id] = nil
            if let index = pending.openedGaps.firstIndex(where: { $0.id == id }) {
                pending.openedGaps.remove(at: index)
            } else {
                pending.closedGaps.append(ClosedGap(id: id, found: 0, isBaseline: false))
            }
        }
        for crawl in crawls where crawl.top == node && crawl.listing == nil { crawl.stack.removeAll() }
    }

    /// After a crawl: the next reconcile of the root waits as long as this one took.
    func noteEnd(of crawl: Crawl) {
        guard let began = crawl.began else { return }
        let took = Clock.boot() - began.boot
        if crawl.mode == .reconcile { roots[crawl.root]?.nextReconcile = Clock.boot() + took }
        if let root = roots[crawl.root], root.root.node == crawl.top { root.formerExcludes = nil }
        if let ticket = crawl.ticket { finishedTickets.insert(ticket) }
        if let path = tree.path(of: crawl.top) {
            notify(.crawlEnded(path: path, entries: crawl.entries, found: crawl.found, nanoseconds: took))
        }
    }
}
