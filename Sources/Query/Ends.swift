internal import Changes
internal import GRDB

/// Where a question begins: after which batch.
enum Start {
    case position(Int64)
    /// The earliest position that can be vouched for.
    case earliest
    case refused(Reason)
}

/// Where a question ends: with which batch, and how that was said.
enum End {
    /// With everything there is.
    case head(Int64)
    case position(Int64)
    /// Everything before `time` is part of it; what came until `position` may be.
    case time(Int64, position: Int64)
    /// By the boot clock, which gaps do not know: `time` is what the wall clock showed, if it was not set since.
    case bootTime(Int64, position: Int64)
    case refused(Reason)
}

/// From a WHEN to a position, by the rules of the contract.
struct Ends {
    let batches: Batches
    let meta: Meta
    let now: Now
    /// Whether everything that happened before the question was asked is committed.
    let synced: Bool
    let head: Batches.Batch

    /// > A time T as `--since` starts before the oldest batch committed at or after T.
    func start(_ when: When) throws -> Start {
        switch when {
        case .start: return .earliest
        case .now: return .position(head.seq)
        case .cursor(let cursor): return try start(cursor)
        case .consumer(let name): return try dropped(name).map(Start.refused) ?? start(consumer(name))
        case .time(let time):
            // A clock that was set back since has not come to what the journal is labelled with.
            guard time <= max(now.wall, head.committedNS) else { throw JournalError.future }
            return try start(before: batches.committed(from: time))
        case .ago(let span):
            return try start(bootTime: now.boot - span, wall: now.wall.subtractingClamped(span))
        case .boot:
            return try start(bootTime: 0, wall: now.wall - now.boot)
        }
    }

    /// Durations that reach back before this boot go on by the wall clock: no other says how long the machine was off. Where
    /// that was set forward, all of this boot is part of them nevertheless.
    private func start(bootTime: Int64, wall: Int64) throws -> Start {
        let mine = try batches.boot(now.bootID).flatMap { try batches.committed(boot: $0, from: max(0, bootTime)) }
        if bootTime >= 0 { return try start(before: mine) }
        let byWall = try batches.committed(from: wall)
        return try start(before: [mine, byWall].compactMap { $0 }.min { $0.seq < $1.seq })
    }

    private func start(_ cursor: Changes.Cursor) throws -> Start {
        try meta.objection(to: cursor, batches).map(Start.refused) ?? .position(cursor.seq)
    }

    /// Before `batch`, or after all. What lies before the horizon's batch has been forgotten, with the batches there or without.
    private func start(before batch: Batches.Batch?) throws -> Start {
        let position = try batch.map(batches.before) ?? head.seq
        return position < meta.horizon ? .refused(.forgotten) : .position(position)
    }

    /// > As `--until` it ends after the first batch whose reading began at or after T.
    func end(_ when: When) throws -> End {
        switch when {
        case .now: return .head(head.seq)
        case .start: throw JournalError.reversed
        case .cursor(let cursor): return try end(cursor)
        case .consumer(let name): return try dropped(name).map(End.refused) ?? end(consumer(name))
        case .time(let time):
            guard time <= max(now.wall, head.beganNS) else { throw JournalError.future }
            return try end(batches.began(from: time), time) { .time(time, position: $0) }
        case .ago(let span):
            return try end(bootTime: now.boot - span, wall: now.wall.subtractingClamped(span))
        case .boot:
            return try end(bootTime: 0, wall: now.wall - now.boot)
        }
    }

    private func end(bootTime: Int64, wall: Int64) throws -> End {
        guard bootTime >= 0 else {
            return try end(batches.began(from: wall), wall) { .time(wall, position: $0) }
        }
        let batch = try batches.boot(now.bootID).flatMap { try batches.began(boot: $0, from: bootTime) }
        return end(batch, wall) { .bootTime(wall, position: $0) }
    }

    private func end(_ cursor: Changes.Cursor) throws -> End {
        try meta.objection(to: cursor, batches).map(End.refused) ?? .position(cursor.seq)
    }

    /// Where no batch began late enough, nothing may have happened, or nobody may have looked.
    private func end(_ batch: Batches.Batch?, _ time: Int64, _ end: (Int64) -> End) -> End {
        // Below the horizon there may have been another batch that began late enough, and was the first.
        if let batch { return meta.horizon > 0 && batch.seq <= meta.horizon ? .refused(.forgotten) : end(batch.seq) }
        return synced || meta.vouchedNS >= time ? end(head.seq) : .refused(.notLookedYet(upTo: meta.vouchedNS))
    }

    private func consumer(_ name: String) throws -> Changes.Cursor {
        let text = try String.fetchOne(
            batches.db, sql: "SELECT cursor FROM main.consumer WHERE name = ?", arguments: [name])
        guard let text else { throw JournalError.noConsumer(name) }
        guard let cursor = Changes.Cursor(text) else { throw JournalError.corrupt("consumer \(name) has no cursor") }
        return cursor
    }

    /// That the horizon has passed a consumer, where it has.
    private func dropped(_ name: String) throws -> Reason? {
        try Int64.fetchOne(
            batches.db, sql: "SELECT dropped_ns FROM main.consumers WHERE name = ?", arguments: [name]
        ).map { .droppedConsumer(name, at: $0) }
    }
}

extension Int64 {
    /// Longer ago than the clock reaches is as long ago as it reaches.
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? .min : value
    }
}
