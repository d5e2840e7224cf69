import Changes
import Kernel
import Query

/// Asking the journal: first the live watcher for a barrier, then the file, and again while a gap is being closed.
struct Asking {
    var database: Path
    var file: JournalFile
    var question: Question
    var now: Now
    /// Answer as of the last commit, without a watcher.
    var noSync: Bool
    var timeout: Duration

    /// Whether the journal vouches for what was asked, and why not.
    struct Verdict {
        var resolution: Resolution
        /// A watcher was needed and none answered: until when the journal can answer, in nanoseconds since 1970.
        var withoutWatcher: Int64?
        /// Which process has the journal then, and says nothing.
        var silent: Int?
        /// One answered that it cannot commit.
        var obstacle: Obstacle?
        /// The batch up to which a barrier has synced.
        var durable: Int64?

        var isVouched: Bool { resolution.refusal == nil && withoutWatcher == nil && resolution.span != nil }
    }

    /// Runs `body` on the snapshot that the verdict is about; what it returns comes with it.
    func ask<T>(_ body: (Snapshot, Verdict) throws -> T) throws -> (Verdict, T) {
        let deadline = Clock.boot() + timeout.nanoseconds
        var pause: Int64 = 20_000_000
        var obstacle: Obstacle?
        while true {
            let left = max(0, deadline - Clock.boot())
            let reply = noSync ? .silence : try Client.barrier(database: database, timeout: .nanoseconds(left))
            let answer = try file.snapshotOrFailure(database) { snapshot -> (Verdict, T)? in
                var barrier: Barrier?
                // A watcher of another file than this one, which has its name now, vouches for nothing in it.
                if case .done(let done) = reply, try snapshot.has(done.cursor) { barrier = done }
                var verdict = try verdict(snapshot, barrier)
                if case .waiting(let reason) = reply {
                    obstacle = reason
                    if Clock.boot() + pause < deadline { return nil }
                }
                // What is left of the time may be too short for another reply.
                if barrier == nil { verdict.obstacle = obstacle }
                if let refusal = verdict.resolution.refusal, let barrier,
                    refusal.isOnlyWaiting(for: barrier.closing, asOf: barrier.cursor.seq),
                    Clock.boot() + pause < deadline
                {
                    return nil
                }
                return (verdict, try body(snapshot, verdict))
            }
            if let answer { return answer }
            // A crawl takes as long as it takes: ask often at first, then at a pace that costs nothing.
            ThisProcess.sleep(nanoseconds: pause)
            pause = min(pause * 2, 500_000_000)
        }
    }

    private func verdict(_ snapshot: Snapshot, _ barrier: Barrier?) throws -> Verdict {
        let resolution = try snapshot.resolve(question, now: now, synced: barrier != nil)
        var verdict = Verdict(resolution: resolution, withoutWatcher: nil, durable: barrier?.cursor.seq)
        // An end in the past is as good as what is stored; `resolve` has seen to that.
        if barrier == nil, !noSync, question.until == .now {
            verdict.withoutWatcher = try snapshot.vouchedUntil()
            verdict.silent = Client.silentWriter(database)
        }
        return verdict
    }

    /// > Durable before visible: what a cursor covers is synced to disk before the cursor leaves.
    ///
    /// A barrier has synced what it covers. Anything later was committed without a sync, and is in the WAL: SQLite
    /// syncs that before it copies pages out of it. Where there is no WAL, there is nothing that was not synced.
    func makeDurable(_ cursor: Cursor, _ verdict: Verdict) throws(Failure) {
        try makeDurable(cursor, durable: verdict.durable)
    }

    /// Likewise where all up to batch `durable` is known to be synced.
    func makeDurable(_ cursor: Cursor, durable: Int64?) throws(Failure) {
        if let durable, cursor.seq <= durable { return }
        do {
            try FileSync.data(database.shown + Array("-wal".utf8))
        } catch {
            throw Failure(.inputOutput, "\(ShellQuote.text(database.shown))-wal: cannot sync: \(error.reason)")
        }
    }
}

extension Now {
    /// The present of this machine, and its local calendar.
    static func current() throws(Failure) -> Now {
        do {
            return Now(
                wall: Clock.wall(), boot: Clock.boot(), bootID: try Clock.bootID(),
                localDay: { seconds in
                    LocalTime.calendar(seconds).map {
                        DateParts(
                            year: $0.year, month: $0.month, day: $0.day, hour: $0.hour, minute: $0.minute,
                            second: $0.second)
                    }
                },
                localSeconds: {
                    LocalTime.seconds(
                        CalendarTime(
                            year: $0.year, month: $0.month, day: $0.day, hour: $0.hour, minute: $0.minute,
                            second: $0.second))
                })
        } catch {
            throw Failure(.inputOutput, error.shown)
        }
    }
}
