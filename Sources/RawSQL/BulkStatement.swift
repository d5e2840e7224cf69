internal import CSQLite
package import Changes
package import GRDB
internal import GRDBSQLite

/// A prepared statement for the hot path, bound and stepped by SQLite's own functions: 1.5 µs for a log row and a state
/// row, against 3.4 through argument arrays. Everyone else uses GRDB as it is meant.
///
/// Beside what SQLite calls of ours (Store's table of arrivals and its function), this is the one file with SQLite's C calls. A
/// statement belongs to the thread of its connection, and is always reset before it is left.
@safe package final class BulkStatement {
    /// Owns the pointer, which is good as long as this is.
    private let owner: GRDB.Statement
    private let pointer: OpaquePointer
    private let database: Database

    /// SQLITE_TRANSIENT: SQLite makes its own copy at once.
    private static let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    package init(_ database: Database, _ sql: String) throws {
        self.database = database
        owner = try database.makeStatement(sql: sql)
        unsafe pointer = owner.sqliteStatement
    }

    package func bind(_ index: Int32, _ value: Int64) { unsafe check(sqlite3_bind_int64(pointer, index, value)) }

    package func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { unsafe check(sqlite3_bind_null(pointer, index)) }
    }

    package func bind(_ index: Int32, _ value: Double?) {
        if let value {
            unsafe check(sqlite3_bind_double(pointer, index, value))
        } else {
            unsafe check(sqlite3_bind_null(pointer, index))
        }
    }

    /// Binds a name or a path: TEXT where it is valid UTF-8, else BLOB, as the schema has it.
    package func bind(_ index: Int32, _ name: Name) {
        unsafe name.bytes.withUnsafeBytes { bytes in
            // An empty array may have no address, which SQLite would take for NULL.
            let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            if name.isText {
                unsafe check(
                    sqlite3_bind_text(
                        pointer, index, start.assumingMemoryBound(to: CChar.self), Int32(bytes.count), Self.transient))
            } else {
                unsafe check(sqlite3_bind_blob(pointer, index, start, Int32(bytes.count), Self.transient))
            }
        }
    }

    package func bind(_ index: Int32, blob bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
            unsafe check(sqlite3_bind_blob(pointer, index, start, Int32(buffer.count), Self.transient))
        }
    }

    package func bind(_ index: Int32, _ name: Name?) {
        if let name { bind(index, name) } else { unsafe check(sqlite3_bind_null(pointer, index)) }
    }

    /// Runs a statement that gives no rows; returns how many rows it changed.
    @discardableResult
    package func run() throws -> Int64 {
        defer { reset() }
        while try step() {}
        return unsafe Int64(sqlite3_changes64(database.sqliteConnection))
    }

    /// Hands each row to `body`, which reads it by ``int(_:)`` and its like.
    package func forEachRow(_ body: () throws -> Void) throws {
        defer { reset() }
        while try step() { try body() }
    }

    package func int(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(pointer, column) }

    package func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(pointer, column) == SQLITE_NULL }

    /// The bytes of TEXT or a BLOB.
    package func bytes(_ column: Int32) -> [UInt8] {
        let start = unsafe sqlite3_column_blob(pointer, column)
        let count = unsafe Int(sqlite3_column_bytes(pointer, column))
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Whether a column that holds a name is TEXT.
    package func isText(_ column: Int32) -> Bool { unsafe sqlite3_column_type(pointer, column) == SQLITE_TEXT }

    /// Adds the bytes of TEXT or a BLOB.
    package func appendBytes(_ column: Int32, to bytes: inout [UInt8]) {
        let start = unsafe sqlite3_column_blob(pointer, column)
        let count = unsafe Int(sqlite3_column_bytes(pointer, column))
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
    }

    private func step() throws -> Bool {
        let code = unsafe sqlite3_step(pointer)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: unsafe String(cString: sqlite3_errmsg(database.sqliteConnection)))
        }
    }

    private func reset() { unsafe _ = sqlite3_reset(pointer) }

    /// Binding fails only for a wrong index or a statement in use: our bugs.
    private func check(_ code: Int32) { precondition(code == SQLITE_OK, "sqlite3_bind: \(code)") }

    /// SQLite counts no memory from now on, which takes a mutex an allocation. SQLITE_MISUSE where the process has used it
    /// already: then it goes on counting, and is as right.
    package static let countNoMemory: Void = { _ = csqlite_count_no_memory() }()

    /// SQLITE_FCNTL_PERSIST_WAL: the -wal and -shm files stay when the last connection closes, so that a reader who may
    /// not write into the directory can still open the database.
    package static func keepLogFiles(_ database: Database) {
        var isOn: Int32 = 1
        unsafe _ = sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &isOn)
    }

    /// sqlite3_system_errno(): whether the last error of input or output was one of space. ENOSPC and EDQUOT have these
    /// numbers on every architecture of Linux but MIPS, where EDQUOT is an error of input or output as any other.
    package static func isOutOfSpace(_ database: Database) -> Bool {
        unsafe [28, 122].contains(sqlite3_system_errno(database.sqliteConnection))
    }
}
