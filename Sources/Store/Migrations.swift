internal import GRDB
internal import Schema

/// From an empty file, or an older schema, to the current one.
enum Migrations {
    /// Runs the steps that are missing, all in one transaction, and turns on WAL. Throws ``StoreError`` where the database is
    /// not ours, newer than this program, or, where it `isSuspect`, damaged; it is not touched then.
    static func bringUpToDate(_ database: Database, isSuspect: Bool, uuid: String, now: Int64) throws {
        let steps = SchemaSQL.migrations
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == SchemaVersion.applicationID || (application == 0 && tables == 0 && version == 0) else {
            throw StoreError(.notAJournal, "is a database of another application")
        }
        guard version <= steps.count else {
            throw StoreError(.newer, "has schema \(version), and this program knows schemas up to \(steps.count)")
        }
        if tables > 0 && isSuspect { try check(database) }
        if version < steps.count {
            // The first commit is made before WAL is on: the header of the file itself then says what it is. Nothing may be in the
            // file before that commit, so this begins the transaction of a new one, and no lock does.
            //
            // > Auto-vacuuming is only possible if the database stores some additional information that allows each database page
            // > to be traced backwards to its referrer. Therefore, auto-vacuuming must be turned on before any tables are created.
            // > (https://sqlite.org/pragma.html#pragma_auto_vacuum)
            //
            // So free pages can be given back (``Store/giveBack()``). It costs 5 bytes a page, and in a commit 0.2 µs more for a
            // log row and a state row, of 2.7.
            try database.inTransaction(version == 0 ? .deferred : .immediate) {
                if version == 0 { try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
                for step in steps[version...] { try database.execute(sql: step) }
                if version == 0 {
                    try database.execute(
                        sql: """
                            INSERT INTO meta(id, uuid, created_ns, nonce, previous_nonce, horizon_seq, vouched_ns)
                            VALUES (1, ?, ?, '', '', 0, ?)
                            """, arguments: [uuid, now, now])
                }
                try database.execute(sql: "PRAGMA application_id = \(SchemaVersion.applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(steps.count)")
                return .commit
            }
        }
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else { throw StoreError(.inputOutput, "WAL is not possible here (\(mode ?? "none"))") }
    }

    /// Throws where the database is damaged. This reads all of it, the log of a year included.
    static func check(_ database: Database) throws {
        if let problem = try String.fetchOne(database, sql: "PRAGMA quick_check(1)"), problem != "ok" {
            throw StoreError(.corrupt, problem)
        }
    }
}
