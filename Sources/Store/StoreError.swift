internal import GRDB
internal import RawSQL

/// Why the database could not be opened, read or written.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    package enum Reason: Sendable {
        /// Another kind of file, or another application's database.
        case notAJournal
        /// Written by a newer version of this program.
        case newer
        case corrupt
        /// No space for the commit; the database is as it was before.
        case full
        /// Another program writes to the database, for longer than this one waits; the database is as it was before.
        case busy
        case permission
        case inputOutput
        case cannotCreate
    }

    package let reason: Reason
    package let message: String

    /// Whether the same can be tried again later.
    package var passes: Bool { reason == .full || reason == .busy }

    init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { message }

    /// Runs `body` and says what SQLite's result codes, and where they say too little the errno of `database`, mean for us.
    static func wrap<Result>(_ database: Database? = nil, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            let text = error.message ?? "\(error.resultCode)"
            switch error.resultCode.primaryResultCode {
            case .SQLITE_NOTADB: throw StoreError(.notAJournal, text)
            case .SQLITE_CORRUPT: throw StoreError(.corrupt, text)
            case .SQLITE_BUSY: throw StoreError(.busy, text)
            case .SQLITE_FULL: throw StoreError(.full, text)
            // SQLite says FULL for ENOSPC of a write to a file, but not where it makes room in the -shm, nor for EDQUOT. An EIO
            // is no such thing: nobody knows what the disk has lost with it, so it is not tried again.
            case .SQLITE_IOERR where database.map(BulkStatement.isOutOfSpace) ?? false: throw StoreError(.full, text)
            case .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH: throw StoreError(.permission, text)
            case .SQLITE_CANTOPEN: throw StoreError(.cannotCreate, text)
            default: throw StoreError(.inputOutput, text)
            }
        }
    }
}
