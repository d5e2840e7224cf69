internal import Changes
internal import Kernel

/// One walk over a subtree: the first one of a root, one that reconciles after a gap, or one that was asked for.
///
/// It holds the directories it has yet to see and the names of the one it is in; memory follows directories.
final class Crawl {
    enum Mode {
        /// The subtree was not covered before: what is found only fills the state.
        case baseline
        /// A gap is open: what is found is logged, and no question about the root is answered before the end.
        case reconcile
        /// Someone asked. The state was vouched for all the time; what is found is what nobody can see by events.
        case scan
    }

    /// A directory that comes next.
    struct Ahead {
        let node: NodeID
        /// Nil where it is looked at only when its turn comes.
        var flight: ReadAhead.Flight?
        /// What was seen is not the newest.
        var isVoid = false
    }

    let root: RootID
    let top: NodeID
    let mode: Mode
    /// The gaps that its end closes.
    var gaps: [GapID]
    /// It looks at what makes no events, as it does from time to time; see ``Capture/sweepDue()``.
    let isSweep: Bool
    /// The gaps of ``gaps`` that open again behind its end.
    var standing: Set<GapID> = []
    /// What those it has closed were.
    var closed: [GapID: OpenGap] = [:]
    /// Gaps of ``gaps`` for which there was news while it ran: where it leaves one open, it is tried again at once.
    var askedAgain: Set<GapID> = []
    /// What it finds happened after this, nanoseconds since 1970.
    let notBefore: Int64?
    /// Directories that it has found and not yet seen.
    private var rest: (next: [NodeID], later: [NodeID])
    var listing: Listing?
    /// The directories that come next, and are being listed.
    var ahead: [Ahead] = []
    var began: Instant?
    /// It begins no sooner (CLOCK_BOOTTIME), so that reconciles after repeated overflows take half of the time at most.
    var due: Int64 = 0
    /// Files with a ctime from then on count as written, nanoseconds since 1970; nil where none does.
    let unwrittenSince: Int64?
    /// Directories that were added because they had moved, since one was last not found at its turn.
    var followed: Set<NodeID> = []
    /// Directories that were not found at their turn, and have not been found since; see ``Capture/walkAgain(_:)``.
    var lost: Set<NodeID> = []
    /// All is walked; only the gaps are left to be closed.
    var isWalked = false
    /// Files with several names that changed while it ran, of a whole root.
    var links: Set<FileID> = []
    var entries = 0
    /// Directories that are done.
    var directories = 0
    var found: Int64 = 0
    /// Whom to tell when it is done.
    let ticket: Int?

    init(
        root: RootID, top: NodeID, mode: Mode, gaps: [GapID], notBefore: Int64?, unwrittenSince: Int64? = nil,
        ticket: Int? = nil, isSweep: Bool = false
    ) {
        self.isSweep = isSweep
        self.root = root
        self.top = top
        self.mode = mode
        self.gaps = gaps
        self.notBefore = notBefore
        self.unwrittenSince = unwrittenSince
        self.ticket = ticket
        rest = ([top], [])
    }

    func add(_ node: NodeID) { rest.later.append(node) }

    /// The directory that comes next. They come in the order in which they were found, which mostly is that of their numbers:
    /// rows are written, and read, fastest in the order in which they are kept.
    func takeNext() -> NodeID? {
        if rest.next.isEmpty { rest = (rest.later.reversed(), []) }
        return rest.next.popLast()
    }

    /// There is nothing to see any more.
    func dropRest() { rest = ([], []) }

    /// How many directories are looked at ahead: such as have three pages of names together, if they are like those before.
    var reach: Int {
        let size = entries / max(1, directories)
        return min(ReadAhead.limit, max(Self.leastReach, 3 * Listing.pageSize / max(1, size)))
    }

    private static let leastReach = 8

    var hasBegun: Bool { began != nil }
    var isDue: Bool { due == 0 || Clock.boot() >= due }
}
