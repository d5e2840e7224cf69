import Changes
import Kernel
import Query

/// Telling what the journal has missed from what only was in flux.
///
/// The watcher reads late, so under a writer any name may be ahead of its row; and two sights of a name prove nothing if it
/// can have come, gone and come again in between. So a suspect is looked at in rounds, each of which goes
///
///     barrier          all that had happened is committed
///     row  R           with the directories above it, each by the log row that last changed it
///     statx S          with the directories above it that the state does not have
///
/// and it is a difference only if R and S disagree and both are the same two rounds running: R, S, barrier, R, S. Whatever
/// had led to S was told before the barrier, and so the second R would show it; and nothing came back in between, because
/// what does so has another ctime on the one side, or another log row on the other.
///
/// One thing more can look like a miss: a system call shows what it does before it tells of it. write(2) moves the ctime
/// first and queues the event at its end, which may be seconds later. A difference has to outlive that.
extension Verification {
    private struct Suspect {
        let path: Path
        /// Where its line stands among the others.
        let position: Int
        var place: StoredPlace?
        var sight: WalkedTree.Sight?
        /// Since when place and sight have been the same (CLOCK_BOOTTIME).
        var since: Int64 = 0
        /// In how many rounds they were not what they had been.
        var changes = 0
    }

    private enum Verdict {
        case agrees, differs(Mismatch), unknown
        /// It turned out that it cannot be compared.
        case leftOut
    }

    /// Rounds in which a suspect may have changed; then it is one that never settles.
    private static let changeLimit = 12
    /// How long a difference has to stay as it is, nanoseconds; and how long where the file was changed so short ago that the
    /// call may be under way.
    private static let patience: (usual: Int64, changing: Int64) = (1_000_000_000, 5_000_000_000)
    /// The longest pause between two rounds, nanoseconds.
    private static let longestPause: Int64 = 250_000_000

    /// Looks at the suspects again until each has turned out to agree, to differ or never to settle, and reports those that
    /// differ, in the order of the walk.
    func settleSuspects() throws {
        var waiting = suspects.enumerated().map { Suspect(path: $1, position: $0) }
        suspects = []
        var found: [(position: Int, mismatch: Mismatch)] = []
        var pause: Int64 = 5_000_000
        while !waiting.isEmpty {
            try barrier?()
            let places = try stored { snapshot in
                let gaps = try snapshot.openSubtrees()
                return try waiting.map { suspect in
                    (
                        gap: gaps.first { $0.path.contains(suspect.path) },
                        place: try snapshot.place(suspect.path, in: tree)
                    )
                }
            }
            var left: [Suspect] = []
            for (suspect, (gap, place)) in zip(waiting, places) {
                var suspect = suspect
                switch look(at: &suspect, place, in: gap) {
                case .agrees: continue
                case .differs(let mismatch): found.append((suspect.position, mismatch))
                case .unknown: left.append(suspect)
                case .leftOut: audit.entries -= 1
                }
            }
            waiting = left
            guard !waiting.isEmpty else { break }
            ThisProcess.sleep(nanoseconds: pause)
            pause = min(pause * 2, Self.longestPause)
        }
        for (_, mismatch) in found.sorted(by: { $0.position < $1.position }) { try report(mismatch) }
        audit.differences += Int64(found.count)
    }

    /// One round of one suspect.
    private func look(at suspect: inout Suspect, _ place: StoredPlace, in gap: OpenSubtree?) -> Verdict {
        if let gap {
            leftOut.addGap(gap)
            return .leftOut
        }
        let sight: WalkedTree.Sight
        do throws(SystemError) {
            sight = try walked.look(at: suspect.path, known: place.above.count)
        } catch {
            leftOut.addUnreadable(error, suspect.path)
            return .leftOut
        }
        guard let mismatch = Mismatch(suspect.path, place.row, sight.status) else { return .agrees }
        // What was seen before the barrier is what the journal has behind it: it was not behind then.
        if let before = suspect.sight, Mismatch.agree(place.row, before.status) { return .agrees }
        let hasHeld = suspect.place == place && suspect.sight.map { isSame($0, sight, place.row) } ?? false
        (suspect.place, suspect.sight) = (place, sight)
        guard hasHeld else {
            suspect.since = Clock.boot()
            suspect.changes += 1
            if suspect.changes <= Self.changeLimit { return .unknown }
            audit.unsettled += 1
            leftOut.addUnsettled()
            return .leftOut
        }
        return hasOutlived(suspect.since, sight.status) ? .differs(mismatch) : .unknown
    }

    /// Whether nothing happened between two sights. The times of a directory that the state has say nothing: its entries move
    /// them.
    private func isSame(_ a: WalkedTree.Sight, _ b: WalkedTree.Sight, _ row: StoredName?) -> Bool {
        guard let row, row.entry.isDirectory, let first = a.status, let second = b.status, first.isDirectory else {
            return a == b
        }
        return a.above == b.above && first.mode == second.mode && first.uid == second.uid && first.gid == second.gid
            && first.inode == second.inode && first.birth == second.birth
    }

    /// Whether a difference cannot be that of a call under way. Without a watcher no event is on its way.
    private func hasOutlived(_ since: Int64, _ status: FileStatus?) -> Bool {
        guard audit.isLive else { return true }
        let lasted = Clock.boot() - since
        if lasted >= Self.patience.changing { return true }
        let isChanging = status.map { $0.ctime > Clock.wall() - Self.patience.changing } ?? false
        return lasted >= Self.patience.usual && !isChanging
    }
}
