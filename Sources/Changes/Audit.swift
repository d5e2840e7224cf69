/// One comparison of a subtree with the state, as it is kept: the journal's record of having been right.
package struct Audit: Sendable, Equatable {
    /// Who compared; the raw value stands in the row.
    package enum Kind: Int64, Sendable {
        /// `journal verify`, with eyes of its own.
        case verify = 1
        /// The watcher by itself.
        case audit
    }

    package var kind: Kind
    /// A root, or a part of one.
    package var path: Path
    /// Whether a watcher was live, so that what differed had been missed.
    package var isLive: Bool
    /// Percent of the directories; nil where all were compared.
    package var sample: Double?
    package var began: Instant
    package var ended: Instant
    package var directories: Int64 = 0
    package var entries: Int64 = 0
    package var differences: Int64 = 0
    /// Names that changed whenever they were looked at.
    package var unsettled: Int64 = 0

    /// A comparison that begins, and has compared nothing yet.
    package init(_ kind: Kind, of path: Path, isLive: Bool, sample: Double? = nil, began: Instant) {
        self.kind = kind
        self.path = path
        self.isLive = isLive
        self.sample = sample
        self.began = began
        ended = began
    }
}
