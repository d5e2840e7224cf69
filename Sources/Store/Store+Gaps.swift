package import Changes
internal import GRDB
internal import RawSQL

/// Gaps and roots, of which there are few: plain GRDB.
extension Store {
    /// Names the rows that a bulk statement leaves out.
    func except(_ names: [Name]) throws {
        try database.execute(sql: "DELETE FROM temp.except_name")
        let insert = try BulkStatement(database, "INSERT INTO temp.except_name(name) VALUES (?1)")
        for name in names {
            insert.bind(1, name)
            try insert.run()
        }
    }

    func writeGaps(_ batch: Batch, seq: Int64, now: Int64, directory: (NodeID) -> Int64) throws {
        for gap in batch.openedGaps {
            try database.execute(
                sql: """
                    INSERT INTO gap(id, root, node, directory, cause, opened_seq, opened_ns, found)
                    VALUES (?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    gap.id.rawValue, gap.root.rawValue, gap.node.rawValue, directory(gap.node), gap.cause.rawValue,
                    gap.isBehind ? seq + 1 : seq, min(gap.since, now),
                ])
        }
        for gap in batch.closedGaps {
            try database.execute(
                sql: """
                    UPDATE gap SET closed_seq = ?1, closed_ns = ?2, baseline_seq = iif(?3, ?1, NULL), found = ?4,
                      directory = coalesce((SELECT directory FROM node WHERE node.id = gap.node), directory), node = NULL
                    WHERE id = ?5
                    """, arguments: [seq, now, gap.isBaseline, gap.found, gap.id.rawValue])
        }
    }

    func writeRoots(_ batch: Batch, seq: Int64, now: Int64) throws {
        if let root = batch.joining { try insert(root, seq: seq) }
        if let root = batch.leaving { try delete(root, seq: seq) }
        for (root, state) in batch.rootStates {
            try database.execute(
                sql: "UPDATE root SET state = ? WHERE id = ?", arguments: [state.rawValue, root.rawValue])
        }
        for root in batch.beginning {
            try database.execute(
                sql: "UPDATE root SET since_seq = ?, since_ns = ? WHERE id = ?", arguments: [seq, now, root.rawValue])
        }
        for (root, mount) in batch.trusted {
            try database.execute(
                sql: "UPDATE root SET mount_boot = ?, mount_id = ? WHERE id = ?",
                arguments: [boot, Int64(bitPattern: mount), root.rawValue])
        }
        for (root, began) in batch.crawled {
            try database.execute(
                sql: "UPDATE root SET crawled_ns = ? WHERE id = ?", arguments: [began, root.rawValue])
            try database.execute(sql: "DELETE FROM former_exclude WHERE root = ?", arguments: [root.rawValue])
        }
    }

    /// The gaps that are open, by their number.
    package func openGaps(of root: RootID) throws -> [(id: GapID, node: NodeID, cause: GapCause, since: Int64)] {
        try StoreError.wrap {
            try GRDB.Row.fetchAll(
                database,
                sql:
                    "SELECT id, node, cause, opened_ns FROM gap WHERE closed_seq IS NULL AND root = ? AND node IS NOT NULL",
                arguments: [root.rawValue]
            ).map { row in
                (
                    GapID(rawValue: row["id"]), NodeID(rawValue: row["node"]),
                    GapCause(rawValue: row["cause"]) ?? .doubt, row["opened_ns"]
                )
            }
        }
    }
}
