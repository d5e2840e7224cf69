internal import GRDB
internal import GRDBSQLite

/// `next_seq()` in SQL: the numbers of log rows that one statement makes of many rows of the state. A window function gives
/// the same and keeps all rows for it first.
@safe final class SequenceFunction {
    /// The number that was given last.
    var last: Int64 {
        get { unsafe counter.pointee }
        set { unsafe counter.pointee = newValue }
    }
    /// Belongs to the connection, which frees it.
    private let counter: UnsafeMutablePointer<Int64>

    init(_ database: Database) throws {
        unsafe counter = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
        unsafe counter.initialize(to: 0)
        let code = unsafe sqlite3_create_function_v2(
            database.sqliteConnection, "next_seq", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, counter,
            { context, _, _ in
                let counter = unsafe sqlite3_user_data(context).assumingMemoryBound(to: Int64.self)
                unsafe counter.pointee += 1
                unsafe sqlite3_result_int64(context, counter.pointee)
            }, nil, nil, { unsafe $0!.deallocate() })
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
}
