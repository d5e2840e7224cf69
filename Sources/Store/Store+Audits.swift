package import Changes
internal import GRDB
internal import RawSQL

/// The record of comparisons with the trees: no batches, because they change nothing that a cursor covers.
extension Store {
    package func record(_ audit: Audit) throws {
        try StoreError.wrap(database) {
            let insert = try BulkStatement(
                database,
                """
                INSERT INTO audit(kind, path, live, sample, began_ns, ended_ns, boot, ended_boot_ns, directories, entries,
                  differences, unsettled)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                """)
            insert.bind(1, audit.kind.rawValue)
            insert.bind(2, Name(audit.path.bytes))
            insert.bind(3, audit.isLive ? 1 : 0)
            insert.bind(4, audit.sample)
            insert.bind(5, audit.began.wall)
            insert.bind(6, audit.ended.wall)
            insert.bind(7, boot)
            insert.bind(8, audit.ended.boot)
            insert.bind(9, audit.directories)
            insert.bind(10, audit.entries)
            insert.bind(11, audit.differences)
            insert.bind(12, audit.unsettled)
            try insert.run()
        }
    }

    /// How long ago the watcher's last audit of a root ended, or else its coverage began, in nanoseconds. Within a boot the
    /// boot clock says so; beyond it only the wall clock can, which may have been set back.
    package func sinceAudit(of root: RootID) throws -> Int64 {
        try StoreError.wrap {
            let row = try GRDB.Row.fetchOne(
                database,
                sql: """
                    SELECT audit.boot, audit.ended_boot_ns, coalesce(audit.ended_ns, root.since_ns)
                    FROM root LEFT JOIN audit ON audit.path = root.path AND audit.kind = 2
                    WHERE root.id = ? ORDER BY audit.id DESC LIMIT 1
                    """, arguments: [root.rawValue])
            let now = clock()
            if let ended = row?[1] as Int64?, row?[0] as Int64? == boot { return max(0, now.boot - ended) }
            return max(0, (row?[2] as Int64?).map { now.wall - $0 } ?? 0)
        }
    }
}
