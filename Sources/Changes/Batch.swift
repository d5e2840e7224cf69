/// What commits together: the way from the state before to the state after, with what is to be logged of it.
///
/// Paths are not in here. A place's path before the batch is where its node was before, its path after it is where
/// ``nodes`` puts the node; the store knows both.
package struct Batch: Sendable {
    package var source: Source
    /// All that happened before this is in this batch or in those before it, wall and boot clock, nanoseconds.
    package var began: Instant
    /// Crawls: its changes happened after this, nanoseconds since 1970.
    package var notBefore: Int64?
    package var filesystems: [(id: Int32, key: [UInt8])] = []
    /// Directories that appeared, moved or went; parents before children.
    package var nodes: [NodeChange] = []
    /// What is to be logged, in this order.
    package var log: [Transition] = []
    /// What is to be stored or dropped.
    package var rows: [RowChange] = []
    /// Files that are to be stored where no row is, and to be logged as created behind ``log``.
    package var arrivals = Arrivals()
    /// Names that came and went between two looks, by directory.
    package var passing: [NodeID: Passing] = [:]
    package var openedGaps: [OpenedGap] = []
    package var closedGaps: [ClosedGap] = []
    /// A root that joins or leaves does so in a batch of its own, so that cursors before and after differ.
    package var joining: Root?
    package var leaving: Root?
    package var rootStates: [(root: RootID, state: RootState)] = []
    /// Roots whose first crawl is complete with this batch: their coverage begins at it.
    package var beginning: [RootID] = []
    /// Roots whose content is as the state has it, on this mount: see ``Root/mount``.
    package var trusted: [(root: RootID, mount: UInt64)] = []
    /// Roots of which a complete crawl that began then (nanoseconds since 1970) ends with this batch.
    package var crawled: [(root: RootID, began: Int64)] = []
    /// Until when a watcher has looked, nanoseconds since 1970, where this batch says so: a downtime begins there.
    package var vouchedUntil: Int64?

    package init(source: Source, began: Instant, notBefore: Int64? = nil) {
        self.source = source
        self.began = began
        self.notBefore = notBefore
    }

    /// Whether there is nothing to commit.
    package var isEmpty: Bool {
        nodes.isEmpty && log.isEmpty && rows.isEmpty && arrivals.isEmpty && passing.isEmpty && openedGaps.isEmpty
            && closedGaps.isEmpty && joining == nil && leaving == nil && rootStates.isEmpty && beginning.isEmpty
            && crawled.isEmpty && trusted.isEmpty && filesystems.isEmpty
    }
}

/// One moment on the two clocks, nanoseconds.
package struct Instant: Hashable, Sendable {
    package var wall: Int64
    package var boot: Int64

    package init(wall: Int64, boot: Int64) {
        self.wall = wall
        self.boot = boot
    }
}

/// One row for the log.
package struct Transition: Sendable, Equatable {
    package var kind: Kind
    package var difference: Difference
    /// Where it is after the batch; deleted: where it was before.
    package var place: Place
    /// Renamed: where it was before.
    package var oldPlace: Place?
    /// What it is after the batch; deleted: what it was.
    package var entry: Entry
    /// The node of a directory.
    package var child: NodeID?
    /// Modified: which other file was here before.
    package var prior: FileID?
    /// Renamed only because this directory above it was.
    package var mover: NodeID?

    package init(
        kind: Kind, difference: Difference, place: Place, oldPlace: Place? = nil, entry: Entry, child: NodeID? = nil,
        prior: FileID? = nil, mover: NodeID? = nil
    ) {
        self.kind = kind
        self.difference = difference
        self.place = place
        self.oldPlace = oldPlace
        self.entry = entry
        self.child = child
        self.prior = prior
        self.mover = mover
    }
}

/// One row for the state.
package struct RowChange: Sendable, Equatable {
    package var place: Place
    /// What is there now; nil drops the row.
    package var entry: Entry?
    package var child: NodeID?
    /// Whether no row was there before: for the counts of the root.
    package var before: StoredRow?
    /// The index in the batch's log of the transition that this belongs to.
    package var transition: Int?

    package init(place: Place, entry: Entry?, child: NodeID?, before: StoredRow?, transition: Int?) {
        self.place = place
        self.entry = entry
        self.child = child
        self.before = before
        self.transition = transition
    }
}

/// One directory that came, moved or went.
package enum NodeChange: Sendable, Equatable {
    case born(NodeID, parent: NodeID?, root: RootID, path: Path, id: FileID, coverage: Coverage)
    /// Its path is another one now: by its own rename (`mover` is itself) or by that of `mover`, the nearest directory
    /// above it that was renamed. All its rows have moved with it, and are logged, but for the names in `except`,
    /// which stand in the batch's log.
    case relocated(NodeID, parent: NodeID, path: Path, mover: NodeID, except: [Name], logged: Bool)
    /// It is no more, and all its rows are dropped and, where `logged`, logged as deleted, but for `except`.
    case gone(NodeID, except: [Name], logged: Bool)
    /// Another directory took its place as a root, or it became covered or not.
    case altered(NodeID, id: FileID, coverage: Coverage)
}

package struct OpenedGap: Sendable, Equatable {
    package var id: GapID
    package var root: RootID
    package var node: NodeID
    package var cause: GapCause
    /// Nothing before this was missed; nanoseconds since 1970.
    package var since: Int64
    /// It begins behind the batch, which is the last that is vouched for.
    package var isBehind: Bool

    package init(id: GapID, root: RootID, node: NodeID, cause: GapCause, since: Int64, isBehind: Bool = false) {
        self.id = id
        self.root = root
        self.node = node
        self.cause = cause
        self.since = since
        self.isBehind = isBehind
    }
}

package struct ClosedGap: Sendable, Equatable {
    package var id: GapID
    /// The differences that the crawl logged.
    package var found: Int64
    /// The subtree had no stored state: its coverage begins with this batch.
    package var isBaseline: Bool

    package init(id: GapID, found: Int64, isBaseline: Bool) {
        self.id = id
        self.found = found
        self.isBaseline = isBaseline
    }
}

/// A root as it is stored.
package struct Root: Sendable, Equatable {
    package var id: RootID
    package var path: Path
    package var node: NodeID
    package var container: NodeID
    package var state: RootState
    package var crossesMounts: Bool
    package var excludes: [[UInt8]]
    /// Where coverage begins; nil until the first crawl is done.
    package var since: Int64?
    /// When the last complete crawl began, nanoseconds since 1970.
    package var crawled: Int64?
    /// The mount, of this boot, on which a crawl last left no gap. On any other one power may have been lost since, and
    /// with it content that was not on the disk while size and times were.
    package var mount: UInt64?

    package init(
        id: RootID, path: Path, node: NodeID, container: NodeID, state: RootState, crossesMounts: Bool,
        excludes: [[UInt8]], since: Int64?, crawled: Int64?, mount: UInt64? = nil
    ) {
        self.id = id
        self.path = path
        self.node = node
        self.container = container
        self.state = state
        self.crossesMounts = crossesMounts
        self.excludes = excludes
        self.since = since
        self.crawled = crawled
        self.mount = mount
    }
}
