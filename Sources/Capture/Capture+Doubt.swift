internal import Changes
internal import Kernel

/// Where equal size and times prove nothing, or a time that moved is all there is. The journal may say too much, never too
/// little: what is in doubt counts as changed.
extension Capture {
    /// How far apart two changes are that any file system's times tell apart, nanoseconds: FAT ticks every 2 s.
    private static let coarseTick: Int64 = 2_000_000_000

    /// While a gap is open, a ctime that moved may be the only trace of an event that was lost.
    func doubtHints(_ node: NodeID) -> Hints { isReconciling(node) ? .listed : [] }

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
