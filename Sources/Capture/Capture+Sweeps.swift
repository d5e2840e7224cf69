internal import Changes
internal import Kernel

/// What makes no events is crawled from time to time: subtrees for which the kernel has no watch left, and file systems
/// that others change too (NFS, SMB, FUSE). Their gap is open in between: such a subtree is as good as its last crawl, the
/// rest of the root is as good as ever.
extension Capture {
    /// Directories of one parent that may be gaps by themselves; where more are refused, the parent is the gap.
    private static let siblingLimit = 32

    /// The kernel has no more watches: what lies below this directory is as good as its last crawl.
    func noteWatchLimit(_ node: NodeID) {
        let limited = gaps.filter { $0.value.cause == .watchLimit }
        if limited.isEmpty, let path = tree.path(of: node) {
            notify(.watchLimit(path: path, limit: Sysctl.inotifyWatches))
        }
        guard let (top, since) = limitedTop(of: node, limited) else { return }
        let gap = openGap(top, .watchLimit, since: since)
        scheduleSweep(of: gap)
        leaveStanding(gap)
    }

    /// The crawl that was to close this gap finds it as it was.
    private func leaveStanding(_ gap: GapID) {
        for crawl in crawls where crawl.gaps.contains(gap) { crawl.standing.insert(gap) }
    }

    /// Which directory is the gap when `node` gets no watch: itself, or its parent instead of many of its children, and
    /// since when. Nil where the gap of a directory above has it already.
    private func limitedTop(of node: NodeID, _ limited: [GapID: OpenGap]) -> (NodeID, since: Int64)? {
        if let top = tree.nearest(of: Set(limited.values.map(\.node)), above: tree[node]?.parent) {
            for (gap, value) in limited where value.node == top { leaveStanding(gap) }
            return nil
        }
        guard let parent = tree[node]?.parent, !tree.isContainer(parent) else { return (node, vouchedUntil) }
        let siblings = limited.filter { tree[$0.value.node]?.parent == parent && $0.value.node != node }
        guard siblings.count >= Self.siblingLimit else { return (node, vouchedUntil) }
        for gap in siblings.keys { dropGap(gap) }
        return (parent, siblings.values.reduce(vouchedUntil) { min($0, $1.since) })
    }

    /// Adds the crawls that are due, or all of those for want of watches when the limit was raised.
    func sweepDue() {
        let limit = Sysctl.inotifyWatches
        let isRaised = limit != watchLimit
        watchLimit = limit
        sweeps = sweeps.filter { gaps[$0.key] != nil }
        let now = Clock.boot()
        for (id, gap) in gaps where Self.isSwept(gap) {
            guard roots[gap.root]?.root.state == .live, !isAway(gap.node),
                !crawls.contains(where: { $0.gaps.contains(id) || tree.isBelow(gap.node, $0.top) })
            else { continue }
            let due = sweeps[id, default: now + sweepInterval]
            sweeps[id] = due
            guard due <= now || (isRaised && gap.cause == .watchLimit) else { continue }
            crawl(toClose: id, isSweep: true)
        }
    }

    /// Whether a gap is crawled from time to time.
    static func isSwept(_ gap: OpenGap) -> Bool { gap.cause == .watchLimit || gap.cause == .remote }

    private func scheduleSweep(of gap: GapID) {
        if sweeps[gap] == nil { sweeps[gap] = Clock.boot() + sweepInterval }
    }

    /// The gaps that are open again behind the end of a crawl: nothing is vouched for there but what it saw.
    func standingGaps(of crawl: Crawl) -> [OpenedGap] {
        var tops: [(node: NodeID, cause: GapCause)] = crawl.standing.compactMap { id in
            sweeps[id] = nil
            return crawl.closed[id].map { ($0.node, $0.cause) }
        }
        for top in remoteTops where tree[top] != nil && tree.isBelow(top, crawl.top) && !isAway(top) {
            if gap(at: top, .remote) == nil { tops.append((top, .remote)) }
        }
        return tops.map { node, cause in
            let gap = OpenedGap(
                id: takeGapID(), root: crawl.root, node: node, cause: cause, since: crawl.began?.wall ?? vouchedUntil,
                isBehind: true)
            gaps[gap.id] = OpenGap(root: gap.root, node: node, cause: cause, since: gap.since)
            scheduleSweep(of: gap.id)
            return gap
        }
    }
}
