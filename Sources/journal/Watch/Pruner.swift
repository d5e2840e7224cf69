import Changes
import Kernel
import Store

/// Forgets what need not be kept, and gives its space back: a step at a time, between which questions are answered.
final class Pruner {
    /// What came of what was asked for by hand.
    struct Outcome {
        var changes: Int64 = 0
        /// By how many bytes the database became smaller.
        var bytes: Int64 = 0
        /// Who kept it from going as far as was asked.
        var holder: Holder?
    }

    /// One who waits.
    private struct Asked {
        var target: Int64
        var pending: Exchange.Pending
        /// The database's size when it began.
        var size: Int64
        var outcome: Outcome
    }

    private let store: Store
    private let reporter: Reporter
    private let retention: Retention
    private var asked: [Asked] = []
    /// When it looks again (CLOCK_BOOTTIME, nanoseconds).
    private var next: Int64 = 0
    /// Whether free pages are being given back: once begun, all are.
    private var isGivingBack = false
    /// Whether the database is too large and nothing can be forgotten, and for whose sake: said once.
    private var told: Told?
    /// Who kept the last look from forgetting more.
    private var holder: Holder?

    private enum Told: Equatable {
        case state
        case holder(String)
    }

    /// Between two looks whether there is something to forget, nanoseconds.
    private static let interval: Int64 = 1_000_000_000
    /// After a step, so many times as long nothing: a tenth of one CPU.
    private static let restFactor: Int64 = 9
    /// While there is other work, only what is larger by so much of `--keep-size` has a turn: a watcher that is never idle must
    /// not fill the disk either.
    private static let excess: Int64 = 8

    init(_ store: Store, reporter: Reporter) throws {
        self.store = store
        self.reporter = reporter
        retention = try store.retention()
    }

    /// Whether somebody waits for it.
    var isAsked: Bool { !asked.isEmpty }

    /// How long until there is something to look at, milliseconds.
    var pause: Int32 { Int32(clamping: max(0, next - Clock.boot()) / 1_000_000 + 1) }

    /// Takes a step if it is time to.
    func step(isBusy: Bool) throws {
        if !asked.isEmpty { return try stepAsked() }
        guard Clock.boot() >= next else { return }
        let began = Clock.boot()
        do {
            let goesOn = try stepDue(isBusy: isBusy)
            let now = Clock.boot()
            next = now + (goesOn ? (now - began) * Self.restFactor : Self.interval)
        } catch let error as StoreError where error.passes {
            // Nothing is lost by that, and the next commit says it: it is tried again.
            next = Clock.boot() + Self.interval
        }
    }

    /// Does all there is to do now, unless it `isStopped`.
    func finish(_ isStopped: () -> Bool) throws {
        do {
            while !isStopped(), try stepDue(isBusy: false) { try store.checkpointIfDue() }
        } catch let error as StoreError where error.passes {
            // Likewise.
        }
    }

    /// One step; whether there is more to do.
    private func stepDue(isBusy: Bool) throws -> Bool {
        let overdue = try store.overdue(retention)
        holder = overdue.holder
        if !isBusy, try !store.prune(to: overdue.byAge).isDone { return true }
        let isUrgent = overdue.used - retention.size > retention.size / Self.excess
        if let target = overdue.bySize, !isBusy || isUrgent {
            if try !store.prune(to: target, downTo: retention.size).isDone { return true }
            tell(try store.overdue(retention))
        } else if overdue.bySize == nil {
            told = nil
        }
        if isBusy { return false }
        if try isGivingBack || store.hasSpare(over: retention.size) {
            isGivingBack = try !store.giveBack()
            return true
        }
        if store.isFileLong { try store.shortenFile() }
        return false
    }

    /// Says that the database is too large, where it still is, and why.
    private func tell(_ overdue: Overdue) {
        let now = overdue.bySize.map { _ in overdue.holder.map { Told.holder($0.name) } ?? .state }
        if let now, now != told { reporter.isTooLarge(overdue.used, retention, overdue.holder) }
        told = now
    }

    /// Forgets the log up to `seq`, or to where somebody needs it, and answers when that is done.
    func ask(upTo seq: Int64, _ pending: Exchange.Pending) throws {
        do {
            let (target, holder) = try store.prunable(upTo: seq, retention)
            asked.append(
                Asked(target: target, pending: pending, size: try store.bytes(), outcome: Outcome(holder: holder)))
        } catch let error as StoreError where error.passes {
            pending.answer(Reply(Obstacle(error)))
        }
    }

    private func stepAsked() throws {
        do {
            let pruned = try store.prune(to: asked[0].target)
            asked[0].outcome.changes += pruned.changes
            guard pruned.isDone, try store.giveBack() else { return }
            try store.shortenFile()
            asked[0].outcome.bytes = max(0, asked[0].size - (try store.bytes()))
            let done = asked.removeFirst()
            done.pending.answer(Reply(done.outcome))
        } catch let error as StoreError where error.passes {
            asked.removeFirst().pending.answer(Reply(Obstacle(error)))
        }
    }

    /// The same without a watcher.
    func run(upTo seq: Int64) throws -> Outcome {
        let (target, holder) = try store.prunable(upTo: seq, retention)
        let size = try store.bytes()
        var outcome = Outcome(holder: holder)
        var isDone = false
        while !isDone {
            let pruned = try store.prune(to: target)
            outcome.changes += pruned.changes
            isDone = pruned.isDone
            try store.checkpointIfDue()
        }
        try giveBackAll()
        outcome.bytes = max(0, size - (try store.bytes()))
        return outcome
    }

    /// Gives back every free page.
    func giveBackAll() throws {
        while try !store.giveBack() { try store.checkpointIfDue() }
    }

    /// Whoever still waits gets a reply that is none.
    func close() {
        for waiting in asked { waiting.pending.answer(Reply()) }
        asked = []
    }

    /// What is kept although it is old, or too much, for `journal status`.
    var status: [(String, String)] {
        var fields: [(String, String)] = []
        if let holder { fields.append(("holder", holder.words)) }
        if told != nil { fields.append(("too-large", "")) }
        return fields
    }
}

extension Reply {
    init(_ outcome: Pruner.Outcome) {
        let fields = [("ok", ""), ("changes", String(outcome.changes)), ("bytes", String(outcome.bytes))]
        self.init(fields + (outcome.holder.map { [("holder", $0.words)] } ?? []))
    }
}

extension Pruner.Outcome {
    init(_ reply: Reply) {
        func number(_ key: String) -> Int64 { reply[key].flatMap { Int64($0) } ?? 0 }
        self.init(
            changes: number("changes"), bytes: number("bytes"), holder: reply["holder"].flatMap { Holder(words: $0) })
    }
}
