package import Changes
internal import GRDB

/// What a journal says of itself: its roots, what of them is covered, its gaps and its ends.
package struct Overview: Sendable {
    package struct RootOverview: Sendable {
        package var path: Path
        package var state: RootState
        package var backend: String
        package var sinceSeq: Int64?
        package var sinceNS: Int64?
        package var directories: Int64
        package var files: Int64
        package var crossesMounts: Bool
        package var excludes: [[UInt8]]
    }

    package struct GapOverview: Sendable {
        package var id: Int64
        package var path: Path
        package var cause: String
        package var openedNS: Int64
    }

    /// A consumer that the horizon has passed.
    package struct DroppedConsumer: Sendable {
        package var name: String
        package var updatedNS: Int64
        package var droppedNS: Int64
    }

    package var uuid: String
    package var createdNS: Int64
    package var head: Changes.Cursor
    package var headNS: Int64
    package var horizon: Int64
    /// When that was committed, nanoseconds since 1970; nil where nothing was forgotten.
    package var horizonNS: Int64?
    package var kept: Retention
    package var droppedConsumers: [DroppedConsumer]
    /// Until when a watcher has looked, nanoseconds since 1970.
    package var vouchedNS: Int64
    package var changes: Int64
    package var roots: [RootOverview]
    package var openGaps: [GapOverview]
    package var closedGaps: Int64
    package var uncovered: [Resolution.Uncovered]
    package var audits: AuditSummary
}

extension Snapshot {
    /// Reads everything `status` shows; few rows, all by small tables or indexes.
    package func overview() throws -> Overview {
        guard
            let row = try Row.fetchOne(db, sql: "SELECT * FROM journal"),
            let head = Changes.Cursor(row["cursor"] as String)
        else { throw JournalError.corrupt("it has no batch") }
        let headNS = try Int64.fetchOne(db, sql: "SELECT committed_ns FROM batch WHERE seq = ?", arguments: [head.seq])
        // The log has no holes but for batches, pruning and forgotten roots: close enough, and not worth a walk.
        let first = try Int64.fetchOne(db, sql: "SELECT min(seq) FROM log")
        let last = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM log")
        let batches = try Int64.fetchOne(
            db, sql: "SELECT count(*) FROM batch WHERE seq > ? AND seq < ?", arguments: [first, last])
        let uncovered = try Subjects(db, paths: []).uncovered(db)
        return Overview(
            uuid: row["uuid"], createdNS: row["created_ns"], head: head, headNS: headNS ?? 0,
            horizon: row["horizon_seq"], horizonNS: row["horizon_ns"],
            kept: Retention(age: row["keep_ns"], size: row["keep_size"], consumer: row["keep_consumer_ns"]),
            droppedConsumers: try droppedConsumers(),
            vouchedNS: try vouchedUntil(),
            changes: first.flatMap { first in last.map { $0 - first + 1 - (batches ?? 0) } } ?? 0,
            roots: try rootOverviews(),
            openGaps: try openGaps().filter { gap in !uncovered.contains { $0.path.contains(gap.path) } },
            closedGaps: try Int64.fetchOne(db, sql: "SELECT count(*) FROM gap WHERE closed_seq IS NOT NULL") ?? 0,
            uncovered: uncovered, audits: try AuditSummary(db))
    }

    private func droppedConsumers() throws -> [Overview.DroppedConsumer] {
        try Row.fetchAll(
            db, sql: "SELECT name, updated_ns, dropped_ns FROM consumers WHERE dropped_ns IS NOT NULL ORDER BY name"
        ).map { .init(name: $0[0], updatedNS: $0[1], droppedNS: $0[2]) }
    }

    private func rootOverviews() throws -> [Overview.RootOverview] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT CAST(path AS BLOB), state, backend, since_seq, since_ns, directories, files, cross_mounts, id
                FROM root ORDER BY CAST(path AS BLOB)
                """)
        var roots: [Overview.RootOverview] = []
        while let row = try rows.next() {
            let patterns = try Row.fetchAll(
                db, sql: "SELECT CAST(pattern AS BLOB) FROM exclude WHERE root = ? ORDER BY position",
                arguments: [row[8] as Int64])
            roots.append(
                .init(
                    path: Path(try row.bytes(0) ?? []), state: RootState(rawValue: row[1]) ?? .stopped, backend: row[2],
                    sinceSeq: row[3], sinceNS: row[4], directories: row[5], files: row[6], crossesMounts: row[7],
                    excludes: try patterns.compactMap { try $0.bytes(0) }))
        }
        return roots
    }

    private func openGaps() throws -> [Overview.GapOverview] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT gap.id, CAST(d.path AS BLOB), gap.cause, gap.opened_ns
                FROM gap LEFT JOIN node ON node.id = gap.node
                JOIN directory AS d ON d.id = coalesce(node.directory, gap.directory)
                WHERE gap.closed_seq IS NULL ORDER BY gap.id
                """)
        var gaps: [Overview.GapOverview] = []
        while let row = try rows.next() {
            gaps.append(.init(id: row[0], path: Path(try row.bytes(1) ?? []), cause: row[2], openedNS: row[3]))
        }
        return gaps
    }
}
