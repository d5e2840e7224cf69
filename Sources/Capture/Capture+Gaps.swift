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

    /// Whether what lies below is not looked at while it is open: another file system is mounted there, or the one that was
    /// is not. (A root that is offline is its own business.)
    func keepsAway(from root: NodeID) -> Bool { cause == .hidden || (cause == .offline && node != root) }
}

/// Where the journal cannot look: every such place becomes a row, and is retried.
extension Capture {
    /// How often what was refused is tried again, nanoseconds.
    private static let retryInterval: Int64 = 10_000_000_000

    /// Opens a gap over the subtree of `node`, which nobody vouches for since then, or finds the one that is open there for
    /// the same cause.
    @discardableResult
    func openGap(_ node: NodeID, _ cause: GapCause, since: Int64? = nil) -> GapID {
        if let known = gap(at: node, cause) { return known }
        let id = takeGapID()
        let gap = OpenGap(root: tree[node]!.root, node: node, cause: cause, since: since ?? vouchedUntil)
        gaps[id] = gap
        pending.openedGaps.append(OpenedGap(id: id, root: gap.root, node: node, cause: cause, since: gap.since))
        return id
    }

    /// The gap that is open at a directory itself for this cause.
    func gap(at node: NodeID, _ cause: GapCause) -> GapID? {
        gaps.first { $0.value.node == node && $0.value.cause == cause }?.key
    }

    /// The nearest gap at a directory or above it.
    func nearestGap(above node: NodeID?) -> OpenGap? {
        guard !gapTops.isEmpty, let top = tree.nearest(of: gapTops, above: node) else { return nil }
        return gaps.values.first { $0.node == top }
    }

    /// Lets no crawl that is under way, or waits, close a gap: it has perhaps passed what is news.
    func leaveOpen(_ gap: GapID) {
        for crawl in crawls { crawl.gaps.removeAll { $0 == gap } }
    }

    func takeGapID() -> GapID {
        defer { nextGap += 1 }
        return GapID(rawValue: nextGap)
    }

    /// The gaps whose end is on its way: a crawl is closing them, or waits to. Those that open again at its end are none.
    package var closing: Set<GapID> { Set(crawls.filter { !$0.isSweep }.flatMap(\.gaps)) }

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
        leaveOpen(gap)
        addCrawl(
            Crawl(
                root: root.id, top: root.node, mode: isFirst ? .baseline : .reconcile, gaps: [gap],
                notBefore: isFirst ? nil : vouchedUntil, unwrittenSince: watched.unwrittenSince))
    }

    func addCrawl(_ crawl: Crawl) {
        if isReconcileOfRoot(crawl) { crawl.due = roots[crawl.root]?.nextReconcile ?? 0 }
        crawls.append(crawl)
    }

    /// What overflows ask for, and what is costly.
    private func isReconcileOfRoot(_ crawl: Crawl) -> Bool {
        crawl.mode == .reconcile && crawl.top == roots[crawl.root]?.root.node
    }

    /// A directory cannot be read, or the kernel does not say why it fails. From the first crawl on it is not covered; later
    /// it is a gap. Nothing that is known of it is dropped.
    func noteUnreadable(_ node: NodeID, _ error: SystemError) {
        guard tree[node] != nil, !tree.isContainer(node) else { return }
        if isSilent(node) && error.reach == .denied {
            guard tree[node]!.coverage != .unreadable else { return }
            tree.set(node, tree[node]!.id, .unreadable)
            pending.altered.insert(node)
        } else {
            let isKnown = gap(at: node, .unreadable) != nil
            leaveOpen(openGap(node, .unreadable))
            // Said once, however often it is found so.
            if isKnown { return }
        }
        if let path = tree.path(of: node) { notify(.unreadable(path: path, error)) }
    }

    /// The permissions of a directory may have changed: if it can be read now, it is crawled.
    func retryUnreadable(_ node: NodeID) {
        if tree[node]!.coverage == .unreadable {
            guard canList(node) else { return }
            tree.set(node, tree[node]!.id, .covered)
            beginCoverage(of: node)
        } else if gaps.values.contains(where: { $0.cause == .unreadable }) {
            // A directory that may not be searched makes those below it unreadable too.
            let meant = gaps.filter { $1.cause == .unreadable && tree.isBelow($1.node, node) }
            if crawling == nil {
                for crawl in crawls { crawl.askedAgain.formUnion(crawl.gaps.filter { meant[$0] != nil }) }
            }
            retry { id, _ in meant[id] != nil }
        }
    }

    /// A directory becomes covered of which the state has nothing: a first crawl of its own.
    func beginCoverage(of node: NodeID) {
        pending.altered.insert(node)
        let gap = openGap(node, .beginning)
        addCrawl(Crawl(root: tree[node]!.root, top: node, mode: .baseline, gaps: [gap], notBefore: nil))
    }

    /// Tries again what was refused, from time to time.
    func retryGaps(_ state: some StoredState) throws {
        guard Clock.boot() >= nextRetry else { return }
        nextRetry = Clock.boot() + Self.retryInterval
        retry { Self.isRetried($1) }
        sweepDue()
        try flush(state)
    }

    /// Whether a gap is there only because looking failed.
    static func isRetried(_ gap: OpenGap) -> Bool { gap.cause == .unreadable || gap.cause == .doubt }

    private func retry(_ isMeant: (GapID, OpenGap) -> Bool) {
        for (id, _) in closableGaps(isMeant) { crawl(toClose: id) }
    }

    /// Adds the crawl that closes a gap; `isSweep` where that opens again at its end.
    func crawl(toClose id: GapID, isSweep: Bool = false) {
        guard let gap = gaps[id] else { return }
        addCrawl(
            Crawl(
                root: gap.root, top: gap.node, mode: .reconcile, gaps: [id], notBefore: gap.since,
                unwrittenSince: roots[gap.root]?.unwrittenSince, isSweep: isSweep))
    }

    /// Those of the gaps that a crawl could close now, and none is about to.
    func closableGaps(_ isMeant: (GapID, OpenGap) -> Bool) -> [(key: GapID, value: OpenGap)] {
        let closing = closing
        return gaps.filter { id, gap in
            isMeant(id, gap) && !closing.contains(id) && !isAway(gap.node) && canList(gap.node)
        }.sorted { $0.key.rawValue < $1.key.rawValue }
    }

    /// Whether it can be listed now, or is not where it was, which its crawl finds out; why not has been said when the gap was
    /// opened.
    private func canList(_ node: NodeID) -> Bool {
        do throws(SystemError) {
            _ = try open(node, for: .listing)
            return true
        } catch {
            return false
        }
    }

    /// Closes the gaps that a crawl has made up for. One without stored state, where coverage begins, says so.
    func close(_ crawl: Crawl) -> [ClosedGap] {
        crawl.gaps.compactMap { id in
            guard let gap = gaps.removeValue(forKey: id) else { return nil }
            crawl.closed[id] = gap
            return ClosedGap(id: id, found: crawl.found, isBaseline: gap.cause == .beginning)
        }
    }

    /// A directory is no more: what could not be seen below it is gone, and was logged as that.
    func dropGaps(of node: NodeID) {
        for (id, gap) in gaps where gap.node == node { dropGap(id) }
        for crawl in crawls where crawl.top == node && crawl.listing == nil { crawl.dropRest() }
    }

    func dropGap(_ id: GapID) {
        gaps[id] = nil
        if let index = pending.openedGaps.firstIndex(where: { $0.id == id }) {
            pending.openedGaps.remove(at: index)
        } else {
            pending.closedGaps.append(ClosedGap(id: id, found: 0, isBaseline: false))
        }
    }

    /// After a crawl: the next reconcile of the root waits as long as this one took.
    func noteEnd(of crawl: Crawl) {
        guard let began = crawl.began else { return }
        let took = Clock.boot() - began.boot
        if isReconcileOfRoot(crawl) {
            let next = Clock.boot() + took
            roots[crawl.root]?.nextReconcile = next
            // Those that were asked for meanwhile as well: else one would follow the other without a pause.
            for waiting in crawls where waiting.root == crawl.root && isReconcileOfRoot(waiting) && !waiting.hasBegun {
                waiting.due = max(waiting.due, next)
            }
        }
        if !crawl.askedAgain.isEmpty { retry { id, _ in crawl.askedAgain.contains(id) } }
        if let root = roots[crawl.root], root.root.node == crawl.top { root.formerExcludes = [] }
        if let ticket = crawl.ticket { finishedTickets.insert(ticket) }
        if let path = tree.path(of: crawl.top) {
            notify(.crawlEnded(path: path, entries: crawl.entries, found: crawl.found, nanoseconds: took))
        }
    }
}
