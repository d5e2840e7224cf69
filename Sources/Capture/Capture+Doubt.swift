internal import Changes
internal import Kernel

/// Where equal size and times prove nothing, or a time that moved is all there is. The journal may say too much, never too
/// little: what is in doubt counts as changed.
extension Capture {
    /// How far apart two changes are that any file system's times tell apart, nanoseconds: FAT ticks every 2 s.
    private static let coarseTick: Int64 = 2_000_000_000

    /// While a gap is open, a ctime that moved may be the only trace of an event that was lost. To take it over as if nothing
    /// had been would leave the crawl that closes the gap nothing to find.
    func doubtHints(_ node: NodeID) -> Hints { isReconciling(node) || isInGap(node) ? .listed : [] }

    /// Whether a gap is open over a directory.
    private func isInGap(_ node: NodeID) -> Bool {
        guard !gaps.isEmpty else { return false }
        let tops = Set(gaps.values.map(\.node))
        var above: NodeID? = node
        while let id = above {
            if tops.contains(id) { return true }
            above = tree[id]?.parent
        }
        return false
    }

    /// Keeps a name that could not be looked at, with what events said of it, for the crawl that can.
    func keepUnseen(_ place: Place, _ hints: Hints) {
        if unseen.count < Self.unseenLimit || unseen[place] != nil { unseen[place, default: []].formUnion(hints) }
    }

    /// Marks the names below a directory that could not be looked at when events told of them, with what was said in mind.
    func recallUnseen(below top: NodeID) {
        for (place, hints) in unseen {
            if tree[place.node] == nil {
                unseen[place] = nil
            } else if tree.isBelow(place.node, top) || tree.child(at: place) == top {
                unseen[place] = nil
                dirty.insert(place, hints)
            }
        }
    }

    /// Names kept, about 100 bytes each; of what is beyond that only a ctime tells.
    private static let unseenLimit = 65_536

    /// What a reconcile thinks of a file though it may look as before.
    func doubtHints(_ status: FileStatus) -> Hints {
        guard let crawling else { return [] }
        var hints: Hints = []
        // Power may have gone since, and with it content whose size and times have stayed: see ``Writeback``.
        if status.isFile, let since = crawling.unwrittenSince, status.ctime >= since { hints.insert(.content) }
        // Where the clock is coarse, what changed in the last tick before the gap may have changed once more within it, with
        // nobody to see and no time to show it (fact 59).
        if crawling.mode == .reconcile, let since = crawling.notBefore, status.ctime >= since - Self.coarseTick,
            devices[status.device]?.hasCoarseTimes == true
        {
            hints.formUnion([.content, .metadata])
        }
        return hints
    }
}
