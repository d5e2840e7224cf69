internal import GRDB

/// Bringing the WAL into the database, off the commit path and never waiting for a reader: one who reads an old snapshot
/// is served from the WAL until it is done, and the WAL grows meanwhile.
extension Store {
    /// Rows between two checkpoints: about 4 MB of WAL.
    private static let checkpointRows = 40_000
    /// How many rows come to a page of WAL by that.
    private static let rowsAPage = 80

    /// Copies the WAL into the database once enough rows have gathered in it.
    package func checkpointIfDue() throws {
        let changed = database.totalChangesCount + Self.rowsAPage * pagesMoved
        guard changed - lastCheckpoint >= Self.checkpointRows else { return }
        lastCheckpoint = changed
        try checkpoint("PASSIVE")
    }

    /// Makes the file as short as the database, unless a reader holds back the WAL: a checkpoint that has copied all of it cuts
    /// off what lies behind the last page (walCheckpoint in SQLite's wal.c).
    package func shortenFile() throws { try checkpoint("PASSIVE") }

    /// Copies what no reader holds back, and where that is all of it, cuts the WAL's file to nothing.
    package func truncateLog() throws {
        // > SQLITE_CHECKPOINT_TRUNCATE: […] the busy-handler callback is invoked as necessary (sqlite3_wal_checkpoint_v2)
        let usual = patience
        try waitForOthers(milliseconds: 0)
        try checkpoint("TRUNCATE")
        try waitForOthers(milliseconds: usual)
    }

    /// Sets how long a write waits for another program that writes, before it throws ``StoreError/Reason/busy``.
    package func waitForOthers(milliseconds: Int) throws {
        patience = milliseconds
        try StoreError.wrap(database) { try database.execute(sql: "PRAGMA busy_timeout = \(milliseconds)") }
    }

    private func checkpoint(_ mode: String) throws {
        do {
            let row = try StoreError.wrap(database) {
                try GRDB.Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(\(mode))")
            }
            // > The second column is the total number of […] pages in the write-ahead log […] The third column is the
            // > number of pages […] that have been successfully moved back (https://sqlite.org/pragma.html#pragma_wal_checkpoint)
            if let row, row[0] == 0, row[1] == (row[2] as Int?) { isFileLong = false }
        } catch let error as StoreError where error.reason == .full {
            // The database has no room to grow into. Nothing is lost by that: it is all in the WAL.
        }
    }
}
