package import Changes

/// Why the journal cannot vouch for an answer.
package enum Reason: Hashable, Sendable {
    /// The cursor names another journal.
    case otherJournal
    /// The cursor is ahead of everything in this journal: it was restored from an older copy, or rolled back.
    case aheadOfHead
    /// The journal has another batch there, or none: it was restored or rolled back after the cursor was handed out.
    case unknownBatch
    /// The log rows after that point, or up to it, have been forgotten.
    case forgotten
    /// The consumer had not moved for so long that the log was forgotten over it, at that time.
    case droppedConsumer(String, at: Int64)
    /// Nothing is stored to ask about.
    case noRoots
    /// The path lies in no root.
    case outside(Path)
    /// A link on the way to a path was changed, so that this was another one when the question begins.
    case ledElsewhere(Path)
    /// The path lies in a part of a root that is not covered.
    case uncovered(Path, Coverage)
    case excluded(Path)
    /// The root's first crawl is not done.
    case beginning(root: Path)
    /// The root joined after the start of the question.
    case joinedLater(root: Path)
    /// Coverage of this subtree begins after the start of the question.
    case beforeCoverage(Path)
    case notWatched(root: Path, RootState)
    /// A gap that is still open.
    case openGap(Path, cause: String, since: Int64)
    /// The end of the question lies within a gap, where the log does not say what came before it and what after.
    case endsInGap(Path, cause: String)
    /// The end lies after the last moment that was looked at.
    case notLookedYet(upTo: Int64)
}

extension Reason {
    /// Whether it goes by itself: somebody looks again, or watches again.
    package var passes: Bool {
        switch self {
        case .beginning, .notWatched, .openGap, .endsInGap, .notLookedYet: true
        case .otherJournal, .aheadOfHead, .unknownBatch, .forgotten, .droppedConsumer, .noRoots, .outside,
            .ledElsewhere,
            .uncovered, .excluded, .joinedLater, .beforeCoverage:
            false
        }
    }
}

/// All that stands in the way of an answer, and what would help.
package struct Refusal: Hashable, Sendable {
    /// At least one, the gravest first.
    package var reasons: [Reason]
    /// Since when the same paths can be asked about: the position, and its time in nanoseconds since 1970.
    package var answersSince: Since?
    /// Where the log begins, where older rows have been forgotten: nanoseconds since 1970.
    package var horizonNS: Int64?
    /// The subtrees whose scan would close what is open.
    package var scan: [Path]
    /// The open gaps among the reasons: number, and the batch that opened it.
    package var gaps: [Int64: Int64]

    package struct Since: Hashable, Sendable {
        package var cursor: Cursor
        package var time: Int64
    }

    /// Whether the first crawl of a root is not done.
    package var isBeginning: Bool {
        reasons.contains { if case .beginning = $0 { true } else { false } }
    }

    /// Whether waiting for these gaps to close is all that has to be done, and for those that were opened behind `seq`, of which
    /// the watcher has not been asked yet.
    package func isOnlyWaiting(for closing: Set<Int64>, asOf seq: Int64) -> Bool {
        !gaps.isEmpty && gaps.allSatisfy { closing.contains($0.key) || $0.value > seq }
            && reasons.allSatisfy {
                switch $0 {
                case .openGap, .beginning: true
                default: false
                }
            }
    }
}

/// Which part of the log a question is about, and whether the journal vouches for it.
package struct Resolution: Sendable {
    /// nil where the question names no place in this journal.
    package var span: Span?
    package var refusal: Refusal?
    /// The end of the journal in this snapshot; nil while nothing was ever committed.
    package var head: Cursor?
    /// Directories within the question whose content is not covered.
    package var uncovered: [Uncovered]
    /// How many exclude patterns its roots have.
    package var patterns: Int

    package struct Uncovered: Hashable, Sendable {
        package var path: Path
        package var coverage: Coverage
    }
}

/// The log rows from `since` (not included) to `until` (included).
package struct Span: Hashable, Sendable {
    package var since: Int64
    package var until: Int64
    /// Where to continue from.
    package var cursor: Cursor

    package init(since: Int64, until: Int64, cursor: Cursor) {
        self.since = since
        self.until = until
        self.cursor = cursor
    }
}
