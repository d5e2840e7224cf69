import Changes
import Kernel

/// The clients that wait for the next batch.
struct Followers {
    private var waiting: [(pending: Exchange.Pending, seq: Int64, until: Int64)] = []

    /// At a time: half of the places that there are for clients.
    private static let limit = 32
    /// After how long one is told that nothing happened, nanoseconds: so long may somebody who left keep a place.
    static let patience: Int64 = 20_000_000_000

    mutating func add(_ pending: Exchange.Pending, after seq: Int64) {
        guard waiting.count < Self.limit else {
            return pending.answer(Reply([("ok", ""), ("unable", "too many follow at once")]))
        }
        waiting.append((pending, seq, Clock.boot() + Self.patience))
    }

    /// Tells those who wait for less than the last batch, and those who have waited for long.
    mutating func tell(of head: Cursor) {
        guard !waiting.isEmpty else { return }
        let now = Clock.boot()
        waiting.removeAll { pending, seq, until in
            guard head.seq > seq || now >= until else { return false }
            pending.answer(Reply([("ok", ""), ("cursor", head.description)]))
            return true
        }
    }

    /// Lets all of them go, at the watcher's end.
    mutating func leave() {
        for (pending, _, _) in waiting { pending.answer(Reply()) }
        waiting = []
    }
}
