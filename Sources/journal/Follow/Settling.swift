import Changes
import Kernel
import Query

/// Paths that are held back until nothing has happened to them for a while, each as one change: what is different from when
/// it was told of last.
///
/// A path that never settles is never told of. It also holds the cursor to continue from: that stays before the first change
/// that was not told of, so that whoever goes on from there misses nothing, and may hear of others twice.
struct Settling {
    private struct Held {
        /// Where to continue from to hear of it again; nil where no cursor is from before that.
        var since: Cursor?
        /// Whether the path existed before.
        var was: Bool
        var last: Change
        /// CLOCK_BOOTTIME, nanoseconds.
        var due: Int64
    }

    /// How long nothing must have happened, nanoseconds.
    let quiet: Int64
    private var held: [[UInt8]: Held] = [:]

    init(quiet: Int64) { self.quiet = quiet }

    /// Takes one row of what happened behind `since`. No row is a renamed one.
    mutating func take(_ change: Change, since: Cursor?, now: Instant) {
        // The time of a change is a label, and clocks are set: it is at most as old as that says, and never to come.
        let age = max(0, now.wall - change.time)
        let due = now.boot + max(0, quiet - age)
        guard var known = held[change.path] else {
            held[change.path] = Held(since: since, was: change.kind != .created, last: change, due: due)
            return
        }
        let difference = known.last.difference.union(change.difference)
        known.last = change
        known.last.difference = difference
        known.due = max(known.due, due)
        held[change.path] = known
    }

    /// Takes out what has settled by `now`, in the order of paths.
    mutating func settled(by now: Int64) -> [Change] {
        var changes: [Change] = []
        for (path, held) in held where held.due <= now {
            self.held[path] = nil
            if let change = Self.change(held) { changes.append(change) }
        }
        return changes.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// When the next will have settled (CLOCK_BOOTTIME, nanoseconds); nil while nothing is held.
    var nextDue: Int64? { held.values.lazy.map(\.due).min() }

    /// Where to continue from, when all was read up to `head`; nil where no cursor is from before what is held.
    func cursor(_ head: Cursor?) -> Cursor? {
        if held.values.contains(where: { $0.since == nil }) { return nil }
        return held.values.compactMap(\.since).min { $0.seq < $1.seq } ?? head
    }

    /// What is different; nil where it came and went.
    private static func change(_ held: Held) -> Change? {
        var change = held.last
        switch (held.was, held.last.kind != .deleted) {
        case (false, false): return nil
        case (false, true): change.kind = .created
        case (true, false): change.kind = .deleted
        case (true, true): change.kind = change.difference.contains(.content) ? .modified : .attrib
        }
        if change.kind == .created || change.kind == .deleted { change.difference = [.content, .metadata] }
        return change
    }
}
