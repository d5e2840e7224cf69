internal import Changes
internal import Kernel

/// Where equal size and times prove nothing, or a time that moved is all there is. The journal may say too much, never too
/// little: what is in doubt counts as changed.
extension Capture {
    /// How far apart two changes are that a file system's times tell apart, nanoseconds: they are the kernel's time of the last
    /// timer interrupt, up to 10 ms ago, and an event may come a little after its change.
    static let tick: Int64 = 30_000_000
    /// The same for any file system: FAT ticks every 2 s.
    private static let coarseTick: Int64 = 2_000_000_000

    /// While a gap is open, a ctime that moved may be the only trace of an event that was lost. To take it over as if nothing
    /// had been would leave the crawl that closes the gap nothing to find.
    func doubtHints(_ node: NodeID) -> Hints { isReconciling(node) || nearestGap(above: node) != nil ? .listed : [] }

    /// Keeps a name that could not be looked at, with what events said of it, for the crawl that can.
    func keepUnseen(_ place: Place, _ hints: Hints) {
        if unseen.count < Self.unseenLimit || unseen[place] != nil { unseen[place, default: []].formUnion(hints) }
    }

    /// Keeps the names in a directory that cannot be looked into, which is a gap from now on.
    func keepUnseen(_ names: [Name: Hints], in node: NodeID, _ error: SystemError) {
        noteUnreadable(node, error)
        for (name, hints) in names { keepUnseen(Place(node, name), hints) }
    }

    /// Marks the names below a directory that could not be looked at when events told of them, with what was said in mind.
    ///
    /// Files may have come and gone there that nobody saw, and that have other names anywhere in the root.
    func recallUnseen(below top: NodeID) {
        var isDoubtful = false
        for (place, hints) in unseen {
            if tree[place.node] == nil {
                unseen[place] = nil
            } else if isAway(place.node) {
                continue
            } else if tree.isBelow(place.node, top) || tree.child(at: place) == top {
                unseen[place] = nil
                dirty.insert(place, hints)
                isDoubtful = isDoubtful || hints.contains(.entry)
            }
        }
        guard isDoubtful, let root = tree[top]?.root, let watched = roots[root], watched.root.node != top else {
            return
        }
        reconcile(watched, cause: .doubt)
    }

    /// Names kept, about 100 bytes each; of what is beyond that only a ctime tells.
    private static let unseenLimit = 65_536

    /// From which ctime on a reconcile doubts that what looks as before is as before; nanoseconds since 1970.
    func doubtfulSince(_ device: UInt64) -> Int64 { min(unwrittenSince(of: crawling), untoldSince(device)) }

    /// What a reconcile thinks of a file though it may look as before.
    func doubtHints(_ status: FileStatus) -> Hints {
        var hints: Hints = []
        if status.isFile, status.ctime >= unwrittenSince(of: crawling) { hints.insert(.content) }
        if status.ctime >= untoldSince(status.device) {
            hints.formUnion(status.isDirectory ? .metadata : [.content, .metadata])
        }
        return hints
    }

    /// Power may have gone since, and with it content whose size and times have stayed: see ``Writeback``.
    private func unwrittenSince(of crawl: Crawl?) -> Int64 { crawl?.unwrittenSince ?? .max }

    /// What changed after the last complete read may have been seen before its event was lost, with an overflow or with the
    /// watcher, and what changed in the last tick before may have changed once more without a time to show it (fact 59).
    private func untoldSince(_ device: UInt64) -> Int64 {
        guard let crawling, crawling.mode == .reconcile, let since = crawling.notBefore else { return .max }
        return since - (devices[device]?.hasCoarseTimes == true ? Self.coarseTick : Self.tick)
    }
}
