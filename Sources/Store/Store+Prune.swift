internal import Changes
internal import GRDB

/// What a step of pruning came to.
package struct Pruned: Sendable {
    package var changes: Int64 = 0
    package var batches: Int64 = 0
    /// Whether nothing is left to be forgotten up to there.
    package var isDone = false
}

/// Forgetting: the front of the log goes, in steps that no question waits for.
///
/// The horizon moves to a batch, in the transaction in which the first row up to it goes, or before. So an answer never
/// lacks a row that it vouches for: every row behind the horizon is there. Up to it there may be some for a while: a large
/// batch is more than a step, and a step may be the last one of a process. They are deleted as if nothing had been.
///
///     row row batch row row row row row batch row batch
///                 ↑ horizon     ↑ next  ↑ then the horizon is here, and two rows are left for the next step
///
/// What goes with the rows:
/// - batches before the horizon's own, by which a cursor there is checked. Those of the last ten minutes of work stay: by them a
///   start knows what a power cut may have undone (``unwrittenSince``);
/// - gaps that were closed before. One that a question from there on can meet, by seq or by time, was closed later: where its
///   subtree's coverage begins is ahead of it as well;
/// - names that came and went up to there;
/// - paths of directories that no node has had since;
/// - boots in which nothing was committed, or all of that is forgotten.
///
/// Audits stay. They are a row an audit, and `status` adds them up.
extension Store {
    /// How long a step takes, nanoseconds; a chunk more at most.
    private static let stepTime: Int64 = 3_000_000
    /// Rows after which it looks at the clock.
    private static let chunk: Int64 = 512

    /// Takes a step towards forgetting all up to `target`, a batch; or less, where the database is no larger than `size` by
    /// then.
    package func prune(to target: Int64, downTo size: Int64? = nil) throws -> Pruned {
        try releaseSnapshot()
        return try StoreError.wrap(database) {
            var pruned = Pruned()
            guard try firstRow(upTo: target) != nil || horizon() < target || hasLeftDirectories(upTo: target) else {
                return Pruned(isDone: true)
            }
            let deadline = clock().boot + Self.stepTime
            try database.inTransaction(.immediate) {
                repeat {
                    if let first = try firstRow(upTo: target) {
                        try pruneRows(from: first, upTo: target, &pruned)
                    } else {
                        try moveHorizon(to: target)
                        pruned.isDone = try pruneDirectories(upTo: target)
                    }
                    if let size, try usedBytes() <= size { pruned.isDone = true }
                } while !pruned.isDone && clock().boot < deadline
                return .commit
            }
            return pruned
        }
    }

    /// The first row of the log or of the batches that is to go.
    private func firstRow(upTo target: Int64) throws -> Int64? {
        let row = try Int64.fetchOne(database, sql: "SELECT min(seq) FROM log").flatMap { $0 <= target ? $0 : nil }
        let last = min(target, try firstLateBatch()) - 1
        let batch = try Int64.fetchOne(database, sql: "SELECT min(seq) FROM batch").flatMap { $0 <= last ? $0 : nil }
        return [row, batch].compactMap { $0 }.min()
    }

    /// The first of the batches that ``unwrittenSince`` asks for.
    private func firstLateBatch() throws -> Int64 {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT batch.seq FROM batch, (SELECT * FROM batch ORDER BY seq DESC LIMIT 1) AS last
                WHERE batch.boot = last.boot AND batch.committed_boot_ns >= last.committed_boot_ns - ?
                ORDER BY batch.committed_boot_ns, batch.seq LIMIT 1
                """, arguments: [Writeback.lag]) ?? 0
    }

    private func pruneRows(from first: Int64, upTo target: Int64, _ pruned: inout Pruned) throws {
        let end = min(first + Self.chunk - 1, target)
        let next = try Int64.fetchOne(database, sql: "SELECT min(seq) FROM batch WHERE seq >= ?", arguments: [end])
        let horizon = try moveHorizon(to: next ?? target)
        try database.execute(sql: "DELETE FROM log WHERE seq <= ?", arguments: [end])
        pruned.changes += Int64(database.changesCount)
        try database.execute(sql: "DELETE FROM log_origin WHERE seq <= ?", arguments: [end])
        try database.execute(
            sql: "DELETE FROM batch WHERE seq <= ? AND seq < ?", arguments: [end, min(horizon, try firstLateBatch())])
        pruned.batches += Int64(database.changesCount)
    }

    /// Moves it forward, and forgets what goes with that; returns where it is.
    @discardableResult
    private func moveHorizon(to seq: Int64) throws -> Int64 {
        let before = try horizon()
        guard seq > before else { return before }
        try database.execute(sql: "UPDATE meta SET horizon_seq = ?", arguments: [seq])
        try database.execute(sql: "DELETE FROM passing WHERE seq <= ?", arguments: [seq])
        // Consumers for which nobody had to wait: they are told when they come.
        try database.execute(
            sql: "UPDATE consumer SET dropped_ns = ? WHERE seq < ? AND seq >= ?",
            arguments: [clock().wall, seq, before])
        try database.execute(
            sql: """
                DELETE FROM gap WHERE closed_seq < ?1 AND closed_ns < (SELECT began_ns FROM batch WHERE seq = ?1)
                """, arguments: [seq])
        return seq
    }

    private static let leftDirectories =
        "SELECT id FROM directory WHERE left_seq <= ?1 AND id NOT IN (SELECT directory FROM gap)"

    private func hasLeftDirectories(upTo target: Int64) throws -> Bool {
        try Bool.fetchOne(database, sql: "SELECT EXISTS (\(Self.leftDirectories))", arguments: [target]) ?? false
    }

    /// When all rows up to there are gone. True where that was the last.
    private func pruneDirectories(upTo target: Int64) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM directory WHERE id IN (\(Self.leftDirectories) LIMIT ?2)",
            arguments: [target, Self.chunk])
        guard database.changesCount < Self.chunk else { return false }
        try database.execute(
            sql: """
                DELETE FROM boot
                WHERE id <> ? AND NOT EXISTS (SELECT 1 FROM batch WHERE batch.boot = boot.id)
                  AND id NOT IN (SELECT boot FROM audit)
                  AND id NOT IN (SELECT mount_boot FROM root WHERE mount_boot IS NOT NULL)
                """, arguments: [boot])
        return true
    }
}
