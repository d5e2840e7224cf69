package import Changes
internal import GRDB

/// What there is to forget. All targets are batches that stay.
package struct Overdue: Sendable {
    /// What is older than it has to be, up to here, or what a step before has left.
    package var byAge: Int64
    /// What makes the database too large, up to here at most; nil where it is not.
    package var bySize: Int64?
    /// How large it is, bytes.
    package var used: Int64
    /// Who keeps it from being more.
    package var holder: Holder?
}

/// How far the log may be forgotten.
extension Store {
    package func retention() throws -> Retention {
        try StoreError.wrap {
            let row = try GRDB.Row.fetchOne(database, sql: "SELECT keep_ns, keep_size, keep_consumer_ns FROM meta")
            guard let row else { throw StoreError(.corrupt, "the journal has no name (its table meta is empty)") }
            return Retention(age: row[0], size: row[1], consumer: row[2])
        }
    }

    package func setRetention(_ retention: Retention) throws {
        try StoreError.wrap(database) {
            try database.execute(
                sql: "UPDATE meta SET keep_ns = ?, keep_size = ?, keep_consumer_ns = ?",
                arguments: [retention.age, retention.size, retention.consumer])
        }
    }

    /// Log rows up to here have been forgotten.
    package func horizon() throws -> Int64 {
        try StoreError.wrap { try Int64.fetchOne(database, sql: "SELECT horizon_seq FROM meta") ?? 0 }
    }

    /// What is to be forgotten by now.
    package func overdue(_ retention: Retention) throws -> Overdue {
        try StoreError.wrap {
            let holder = try holder(retention)
            let age = try last(before: oldest(youngerThan: retention.age))
            let used = try usedBytes()
            let isTooLarge = used > retention.size
            let bound = holder?.seq ?? head
            let holds = age > bound || (isTooLarge && bound < head)
            return Overdue(
                byAge: try max(batch(upTo: min(age, bound)), horizon()),
                bySize: isTooLarge ? try batch(upTo: bound) : nil, used: used, holder: holds ? holder : nil)
        }
    }

    /// Up to where the log can be forgotten where somebody asks for that up to `seq`, and who keeps it from being more.
    package func prunable(upTo seq: Int64, _ retention: Retention) throws -> (horizon: Int64, holder: Holder?) {
        try StoreError.wrap {
            let holder = try holder(retention).flatMap { $0.seq < seq ? $0 : nil }
            return (try batch(upTo: min(seq, holder?.seq ?? head)), holder)
        }
    }

    /// The consumer whose cursor lies furthest back, of those that have moved lately. The horizon may come to a cursor: what it
    /// covers is what is behind it.
    private func holder(_ retention: Retention) throws -> Holder? {
        try GRDB.Row.fetchOne(
            database,
            sql: """
                SELECT name, seq, updated_ns FROM consumer
                WHERE updated_ns > ? AND seq >= (SELECT horizon_seq FROM meta) ORDER BY seq LIMIT 1
                """, arguments: [label(clock()) - retention.consumer]
        ).map { Holder(name: $0[0], seq: $0[1], updated: $0[2]) }
    }

    /// The oldest batch that is not older than `age`, as `--since` takes a duration: by the boot clock within this boot, by the
    /// wall clock beyond it. What was committed in this boot is not older than it, whatever the wall clock was set to.
    private func oldest(youngerThan age: Int64) throws -> Int64? {
        let now = clock()
        let ofBoot =
            "SELECT seq FROM batch WHERE boot = ? AND committed_boot_ns >= ? ORDER BY committed_boot_ns, seq LIMIT 1"
        let mine = try Int64.fetchOne(database, sql: ofBoot, arguments: [boot, now.boot - age])
        if now.boot >= age { return mine }
        let others = try Int64.fetchOne(
            database, sql: "SELECT seq FROM batch WHERE committed_ns >= ? ORDER BY committed_ns, seq LIMIT 1",
            arguments: [now.wall - age])
        return [mine, others].compactMap { $0 }.min()
    }

    /// The batch before `seq`, or the last of all.
    private func last(before seq: Int64?) throws -> Int64 { try seq.map { try batch(upTo: $0 - 1) } ?? head }

    private func batch(upTo seq: Int64) throws -> Int64 {
        try Int64.fetchOne(database, sql: "SELECT max(seq) FROM batch WHERE seq <= ?", arguments: [seq]) ?? 0
    }
}
