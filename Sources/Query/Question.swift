package import Changes

/// What is asked: about which paths, from when to when.
package struct Question: Sendable {
    package var since: When
    package var until: When
    /// Absolute and canonical; empty for all roots that are not stopped.
    package var paths: [Path]
    /// The entries by whose way they were found: those that were links may have led elsewhere.
    package var way: [Path] = []
    /// Those of them that are links now. What happened to these has to be known as well.
    package var links: [Link] = []

    /// A symbolic link as it was when it was followed.
    package struct Link: Sendable {
        package var path: Path
        package var inode: UInt64
        /// Nanoseconds since 1970.
        package var ctime: Int64

        package init(path: Path, inode: UInt64, ctime: Int64) {
            self.path = path
            self.inode = inode
            self.ctime = ctime
        }
    }

    package init(since: When, until: When = .now, paths: [Path] = []) {
        self.since = since
        self.until = until
        self.paths = paths
    }
}

/// Which rows of an answer to print, and how it is folded.
package struct Selection: Sendable {
    package enum Shape: Sendable {
        /// What differs between the two ends, a row a path.
        case net
        /// Every row of the log, in `seq` order.
        case log
    }
    package enum Presence: Int64, Sendable {
        case absent, present
    }
    package enum Order: Sendable {
        /// By path bytes: a directory comes before what it holds.
        case path
        /// The same backwards: what a directory holds comes before it.
        case deepestFirst
    }

    /// Paths that did not change and that a list needs beside those that did; of the net answer only.
    package struct Companions: Sendable {
        package enum Entries: Sendable {
            case ofNone, ofAll
            case of(Path)
        }
        /// The other names of each file that is there.
        package var otherNames = false
        /// Of a directory that changed, where nothing in it did, one entry: for tools that tell of a directory by what they find in
        /// it, and descend into one that is named itself.
        package var entries = Entries.ofNone

        package init() {}
    }

    package var shape = Shape.net
    /// Whether what is the same file under another path is one row.
    package var followsRenames = true
    package var kinds = Set(Kind.allCases)
    package var types = Set(FileType.allCases)
    package var presence: Presence?
    package var order = Order.path
    package var limit: Int?
    package var companions = Companions()

    package init() {}

    /// Whether a row is one of those that were chosen.
    package func contains(_ change: Change) -> Bool {
        kinds.contains(change.kind) && types.contains(change.type)
            && presence.map { ($0 == .present) == (change.kind != .deleted) } ?? true
    }

    /// All rows of the same question, for those who choose among them by ``contains(_:)``. Renames are split.
    package var unfiltered: Selection {
        var all = self
        (all.followsRenames, all.presence) = (false, nil)
        (all.kinds, all.types) = (Set(Kind.allCases), Set(FileType.allCases))
        // A page of the log has all rows of its batches.
        if shape == .net { all.limit = nil }
        return all
    }
}
