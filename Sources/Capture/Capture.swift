package import Changes
package import Kernel

/// The second of the two paces: what the kernel said and what crawls found become batches.
///
/// Everything here runs on one thread. Events are folded into dirty names; each is then looked at by statx, in a
/// directory whose identity was confirmed; what was found waits in ``pending`` until it is committed. Crawls run in
/// slices, so that dirty names and barriers overtake them. The order of observation is the order of commits: what a
/// crawl found is committed before newer events are looked at, so no older sight of a name can overwrite a newer one.
package final class Capture {
    /// What the caller wants to know while it runs, or has to tell someone.
    package enum Notice: Sendable {
        case overflow
        case watchLimit(path: Path, limit: Int?)
        case unreadable(path: Path, SystemError)
        /// A directory is neither where the tree has it nor anywhere else that events told of.
        case lost(path: Path?)
        case offline(path: Path)
        case back(path: Path)
        /// Another file system was mounted over a covered directory.
        case hidden(path: Path)
        case crawlBegan(path: Path, isFirst: Bool)
        case crawlEnded(path: Path, entries: Int, found: Int64, nanoseconds: Int64)
        case audited(Audit)
    }

    let drain: Drain
    let notify: (Notice) -> Void
    /// The database and its companions, by device and inode: the journal never journals itself.
    package var ownFiles: Set<OwnFile> = []

    var tree: Tree
    var roots: [RootID: WatchedRoot] = [:]
    var dirty = DirtyNames()
    /// Names in directories that are not where the tree has them: they wait for the event or the crawl that finds those.
    var parked = HintedNames()
    /// Names that events told of and that could not be looked at.
    var unseen: [Place: Hints] = [:]
    var links = Links()
    var pending = Pending()
    /// New directories that wait to be listed.
    var expansions: [NodeID] = []
    /// Directories that could not be listed because they were not where the tree has them.
    var unlisted: Set<NodeID> = []
    var crawls: [Crawl] = []
    /// The crawl whose slice is running; nil while events are looked at.
    var crawling: Crawl?
    /// When the last slice of a crawl was run (CLOCK_BOOTTIME, nanoseconds).
    private var lastSlice: Int64 = 0
    /// So long a crawl lets everything else go first, nanoseconds.
    private static let crawlPatience: Int64 = 100_000_000
    /// The audit that is running.
    var audit: AuditWalk?
    /// The time from the end of one audit of a root to the next, nanoseconds; nil where none is asked for.
    let auditInterval: Int64?
    /// Audits that are done and wait to be kept.
    package var finishedAudits: [Audit] = []
    /// Directories that are no longer where they were, and may yet turn up elsewhere.
    var detached: Set<NodeID> = []
    var gaps: [GapID: OpenGap] = [:] { didSet { gapTops = Set(gaps.values.map(\.node)) } }
    /// Where ``gaps`` are: asked for every name that is looked at.
    private(set) var gapTops: Set<NodeID> = []
    var nextGap: Int64
    var filesystems: [[UInt8]: Int32]
    /// What is known of each `st_dev`.
    var devices: [UInt64: MountedFileSystem] = [:]
    var mounts: MountTable
    /// Mounts came or went since all of the queue was read.
    var isQueueUnread = false
    /// Directories that are hidden by a mount, or whose file system is not mounted: nothing below them is looked at.
    var away: Set<NodeID> = []
    /// Offline roots and mount points for which whatever is there now is to be taken.
    var adopted: Set<Path> = []
    /// Where file systems begin that others change too.
    var remoteTops: Set<NodeID> = []
    /// How often what makes no events is crawled, nanoseconds.
    let sweepInterval: Int64
    /// When each such gap is due (CLOCK_BOOTTIME).
    var sweeps: [GapID: Int64] = [:]
    /// The limit of watches as it was seen last.
    var watchLimit = Sysctl.inotifyWatches
    /// When refused things are tried again (CLOCK_BOOTTIME, nanoseconds).
    var nextRetry: Int64 = 0
    /// The crawls asked for that are done.
    package var finishedTickets: Set<Int> = []
    let explorer = Explorer()
    /// Memory for the names of the next directories.
    var spareNames: [DirectoryListing] = []
    /// Lists directories for crawls; nil where there is no thread to be had.
    private(set) lazy var readAhead: ReadAhead? = ReadAhead(drain)
    /// The rows of the page that is looked at.
    var rows = RowList()
    /// From 5.3 to 5.16 IN_DELETE could be read while the name was still there (fixed by a37d9a17f099).
    let announcesDeletionsEarly =
        KernelRelease.current.map { $0 >= KernelRelease(5, 3) && $0 < KernelRelease(5, 17) } ?? false

    /// Requests of the drain up to this number have been answered by commits.
    package internal(set) var settled = 0
    /// All that happened before this is committed.
    var vouched: Instant
    /// The same, nanoseconds since 1970: where a gap begins.
    package var vouchedUntil: Int64 { vouched.wall }
    /// From when on content may not have been on the disk when the last watcher looked.
    let unwrittenSince: Int64
    package internal(set) var overflows = 0

    package init(
        drain: Drain, nextNode: Int64, nextGap: Int64, filesystems: [[UInt8]: Int32],
        vouchedUntil: Int64, unwrittenSince: Int64, sweepInterval: Int64, auditInterval: Int64?,
        notify: @escaping (Notice) -> Void
    ) throws(SystemError) {
        self.drain = drain
        self.sweepInterval = sweepInterval
        self.auditInterval = auditInterval
        mounts = try MountTable()
        self.nextGap = nextGap
        self.filesystems = filesystems
        vouched = Instant(wall: vouchedUntil, boot: 0)
        self.unwrittenSince = unwrittenSince
        self.notify = notify
        tree = Tree(nextID: nextNode)
    }

    /// Whether there is work that does not wait.
    package var isBusy: Bool { isDue || crawls.contains { $0.isDue } }
    /// Whether there is something to look at before any crawl.
    private var isDue: Bool { dirty.isDue || !expansions.isEmpty }
    /// Whether events have been read that wait for the next time.
    package var isBehind: Bool { !dirty.isEmpty }
    package var watches: Int { tree.watches }
    package var directories: Int { tree.count }
    /// Directories without a watch.
    package var unwatched: Int { tree.unwatched }

    /// Commits all that is queued now: the end. A tick later nothing that was seen is in doubt for the next start, unless
    /// somebody is at work.
    package func finish(_ state: some StoredState) throws {
        for pause in [0, Self.tick] {
            ThisProcess.sleep(nanoseconds: pause)
            try settleEvents(absorbQueued(), state)
        }
    }

    package var rootPaths: [Path] { roots.values.map(\.root.path).sorted() }

    /// The crawl that is running or comes next, for those who wait.
    package var progress: (path: Path, entries: Int, nanoseconds: Int64)? {
        guard let crawl = crawls.first(where: \.hasBegun) ?? crawls.first, let path = tree.path(of: crawl.top) else {
            return nil
        }
        return (path, crawl.entries + (crawl.listing?.next ?? 0), crawl.began.map { Clock.boot() - $0.boot } ?? 0)
    }

    /// Whether every root that is there is vouched for, or has only gaps that stay until someone acts.
    package var isLive: Bool { !crawls.contains { $0.mode != .scan && !$0.isSweep } }

    /// Does what there is to do: commits all that has been read, or else runs one slice of a crawl. When nothing is left, an
    /// audit has its turn; under a steady stream of events there would be none else.
    package func step(_ state: some StoredState) throws {
        defer { closeAnchors() }
        let take = try drain.take()
        try noteMounts()
        let isAsked = take.completed > settled
        try checkRoots(state, isAsked: isAsked)
        if isAsked || !take.buffers.isEmpty || isBehind || isDue { try settleEvents(take, state) }
        // Where directories or questions come all the time, there is always something else to do.
        let isOverdue = Clock.boot() - lastSlice >= Self.crawlPatience
        if isOverdue || (!isAsked && !isDue), let crawl = crawls.first(where: \.isDue) {
            try runSlice(of: crawl, state)
            lastSlice = Clock.boot()
        } else {
            // Likewise.
            try retryGaps(state)
        }
        if !isBusy && !isBehind { try runAudit(state) }
    }

    /// Commits what is pending, but for what waits for a detached directory. `complete` says before when there is nothing else.
    package func flush(_ state: some StoredState, complete: Instant? = nil) throws {
        let batch = try takeBatch(state, complete: complete)
        // A commit may have to wait for space.
        closeAnchors()
        if !batch.isEmpty { _ = try state.commit(batch) }
    }

    private func closeAnchors() { for watched in roots.values { watched.anchor = nil } }

    /// Makes one batch of what is pending.
    private func takeBatch(_ state: some StoredState, complete: Instant?) throws -> Batch {
        // Where another directory took its place, or that went itself, the rows of one that is detached cannot wait.
        func cannotWait(_ node: NodeID) -> Bool {
            guard let place = pending.origins[node] else { return false }
            return tree[place.node] == nil || isKnot(node) || pending.observations[place]?.after.isPresent ?? false
        }
        // One that the store does not know yet has no place there: neither it nor what is below it is committed, and what has
        // moved into it stays where it was.
        func unborn() -> [NodeID] { detached.filter(pending.bornSet.contains).flatMap { tree.subtree($0) } }
        while let node = detached.first(where: cannotWait) ?? unborn().first(where: cannotWait) { forget(node) }
        let uncommitted = Set(unborn())
        var held: [NodeID: Place] = [:]
        for node in detached.union(uncommitted) { held[node] = pending.origins[node] }
        let taken = pending.take(holding: held, unborn: uncommitted)
        // A part of what is to come says nothing of the time that it was read in.
        var batch = try BatchBuilder(
            taken, began: complete ?? vouched, tree: tree, renames: dirty.renames, held: held,
            unborn: pending.bornSet
        ).build(state: state)
        batch.vouchedUntil = complete?.wall
        for row in batch.rows where row.entry != nil { tree.setHasRows(row.place.node) }
        for group in batch.arrivals.groups { tree.setHasRows(group.node) }
        crawling?.found += Int64(batch.log.count + batch.arrivals.logged)
        return batch
    }
}

extension Instant {
    static var now: Instant { Instant(wall: Clock.wall(), boot: Clock.boot()) }
}

/// A file by what `stat` calls it now; good while the watcher runs.
package struct OwnFile: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}
