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
        /// The first batch that it is in.
        var firstBatch: Int64
        /// Whether the path existed before.
        var was: Bool
        var last: Change
    }

    /// How long nothing must have happened, nanoseconds.
    private let quiet: Int64
    /// A path has to wait for all that lies in its directory.
    private let byDirectory: Bool
    private var held: [[UInt8]: Held] = [:]
    /// When what was last heard of will have settled, CLOCK_BOOTTIME in nanoseconds: by path, or by directory.
    private var due: [[UInt8]: Int64] = [:]

    init(quiet: Int64, byDirectory: Bool) {
        self.quiet = quiet
        self.byDirectory = byDirectory
    }

    /// Takes one row of what happened behind `since`. No row is a renamed one.
    ///
    /// Rows of one batch are simultaneous, in any order; a path has at most one for what was there before it, which is a deletion
    /// where there is another one for what is there after it.
    mutating func take(_ change: Change, since: Cursor?, now: Instant) {
        // The time of a change is a label, and clocks are set: it is at most as old as that says, and never to come.
        let age = max(0, now.wall - change.time)
        let unit = unit(of: change.path)
        due[unit] = max(due[unit] ?? 0, now.boot + max(0, quiet - age))
        guard var known = held[change.path] else {
            held[change.path] = Held(
                since: since, firstBatch: change.batch, was: change.kind != .created, last: change)
            return
        }
        if change.kind != .created, change.batch == known.firstBatch { known.was = true }
        let difference = known.last.difference.union(change.difference)
        let isTold = change.kind == .deleted && change.batch == known.last.batch && known.last.kind != .deleted
        if !isTold { known.last = change }
        known.last.difference = difference
        held[change.path] = known
    }

    /// Takes out what has settled by `now`, in the order of paths.
    mutating func settled(by now: Int64) -> [Change] {
        let units = due.filter { $0.value <= now }
        if units.isEmpty { return [] }
        var changes: [Change] = []
        for (path, held) in held where units[unit(of: path)] != nil {
            self.held[path] = nil
            if let change = Self.change(held) { changes.append(change) }
        }
        for unit in units.keys { due[unit] = nil }
        return changes.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private func unit(of path: [UInt8]) -> [UInt8] { byDirectory ? Path(path).parent.bytes : path }

    /// When the next will have settled (CLOCK_BOOTTIME, nanoseconds); nil while nothing is held.
    var nextDue: Int64? { due.values.min() }

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
