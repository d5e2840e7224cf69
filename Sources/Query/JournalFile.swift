internal import GRDB
internal import Schema

/// A journal, open for reading.
///
/// The connection is `mode=ro`: it takes no lock that a writer waits for, writes nothing, and its end deletes neither -wal nor -shm: SQLite does that after a checkpoint by the last connection, for which it
/// needs a write lock on a descriptor that was opened for reading only.
package final class JournalFile {
    let queue: DatabaseQueue

    /// Opens the file and checks that it is a journal of this version.
    package init(_ path: String) throws(JournalError) {
        var configuration = Configuration()
        configuration.readonly = true
        // Recovery after a writer was killed is exclusive, and short.
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA cache_size = -32768")
        }
        queue = try JournalError.mapping {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { db in
                let application = try Int32.fetchOne(db, sql: "PRAGMA application_id")
                guard application == SchemaVersion.applicationID else { throw JournalError.notAJournal }
                let schema = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                let known = SchemaVersion.current
                if schema > known { throw JournalError.newer(schema: schema, known: known) }
                if schema < known { throw JournalError.older(schema: schema, known: known) }
            }
            return queue
        }
    }

    /// Runs `body` on one snapshot: everything it reads is of one moment, and nothing it reads later is held up.
    package func snapshot<T>(_ body: (Snapshot) throws -> T) throws(JournalError) -> T {
        try JournalError.mapping {
            try queue.writeWithoutTransaction { db in
                var result: T?
                // A deferred transaction is a snapshot from its first read on. It commits nothing: only temporary
                // tables were written.
                try db.inTransaction(.deferred) {
                    result = try body(Snapshot(db: db, file: self))
                    return .commit
                }
                return result!
            }
        }
    }
}

extension JournalError {
    /// SQLite's errors in our words; what `body` throws of ours passes through.
    static func mapping<T>(_ body: () throws -> T) throws(JournalError) -> T {
        do {
            return try body()
        } catch let error as JournalError {
            throw error
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_NOTADB: throw .notAJournal
            case .SQLITE_CORRUPT: throw .corrupt(error.message ?? "database disk image is malformed")
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_READONLY:
                throw .cannotOpen(error.message ?? "unable to open database file")
            default: throw .inputOutput(error.message ?? String(describing: error))
            }
        } catch {
            throw .inputOutput(String(describing: error))
        }
    }
}
