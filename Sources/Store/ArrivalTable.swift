internal import Changes
internal import GRDB
internal import RawSQL
internal import GRDBSQLite

/// The arrivals of a batch as a table of SQLite, so that one statement inserts them all: no binding, no stepping, no reset
/// a row.
///
/// > The virtual table mechanism allows an application to publish interfaces that are accessible from SQL statements as if
/// > they were tables. (The Virtual Table Mechanism Of SQLite, 1.1)
///
/// It is eponymous-only (xCreate is NULL), so nothing of it is in the database. There are rows while
/// ``with(_:behind:silent:directory:_:)`` runs, on the one thread of the store; else the table is empty.
@safe final class ArrivalTable {
    fileprivate struct Group {
        var node: Int64
        var directory: Int64
        /// Of the first row; that of the others follow where they are logged, and are the same where they are not.
        var seq: Int64
        var isLogged: Bool
        var rows: Range<Int>
    }

    /// What the table shows: memory that stays where it is meanwhile.
    @unsafe fileprivate struct Shown {
        var groups: UnsafeBufferPointer<Group>
        var rows: UnsafeBufferPointer<RowList.Row>
        var names: UnsafeRawBufferPointer
    }

    fileprivate var shown: Shown?

    /// The connection keeps this table as long as it may ask for it.
    init(_ database: Database) throws {
        let code = unsafe sqlite3_create_module_v2(
            database.sqliteConnection, "arrival", Callbacks.module, Unmanaged.passRetained(self).toOpaque(),
            { unsafe Unmanaged<ArrivalTable>.fromOpaque($0!).release() })
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// Runs `body` while the table shows `arrivals`. Those that are logged get the numbers behind `seq`, the others
    /// `silentSeq`.
    func with<Result>(
        _ arrivals: Arrivals, behind seq: Int64, silent silentSeq: Int64, directory: (NodeID) -> Int64,
        _ body: () throws -> Result
    ) rethrows -> Result {
        var next = seq + 1
        let groups = arrivals.groups.map { group in
            defer { if group.isLogged { next += Int64(group.rows.count) } }
            return Group(
                node: group.node.rawValue, directory: directory(group.node), seq: group.isLogged ? next : silentSeq,
                isLogged: group.isLogged, rows: group.rows)
        }
        return try unsafe groups.withUnsafeBufferPointer { groups in
            try unsafe arrivals.list.rows.withUnsafeBufferPointer { rows in
                try unsafe arrivals.list.bytes.withUnsafeBytes { names in
                    unsafe shown = Shown(groups: groups, rows: rows, names: names)
                    defer { unsafe shown = nil }
                    return try body()
                }
            }
        }
    }
}

/// sqlite3_vtab with what it is a table of.
@unsafe private struct Table {
    var base: sqlite3_vtab
    var owner: Unmanaged<ArrivalTable>
}

/// sqlite3_vtab_cursor with where it is: SQLite asks for the columns of a row one by one.
@unsafe private struct Cursor {
    var base: sqlite3_vtab_cursor
    var shown: ArrivalTable.Shown?
    /// The group it is in; at the end of all there is none.
    var group: UnsafePointer<ArrivalTable.Group>?
    var row: UnsafePointer<RowList.Row>?
    /// Which of its group the row is.
    var position = 0

    /// Goes to the first row.
    mutating func begin(_ shown: ArrivalTable.Shown?) {
        unsafe self.shown = shown
        unsafe enter(shown?.groups.baseAddress)
    }

    /// Goes to the next row.
    mutating func advance() {
        unsafe position += 1
        unsafe row = unsafe row! + 1
        if unsafe position == group!.pointee.rows.count { unsafe enter(group! + 1) }
    }

    /// Goes to the first row of a group; none is without one.
    private mutating func enter(_ next: UnsafePointer<ArrivalTable.Group>?) {
        guard let shown = unsafe shown, let next = unsafe next,
            unsafe next < shown.groups.baseAddress! + shown.groups.count
        else { return unsafe group = nil }
        unsafe group = next
        unsafe row = shown.rows.baseAddress! + next.pointee.rows.lowerBound
        unsafe position = 0
    }
}

/// The functions that SQLite calls.
private enum Callbacks {
    /// Made once; SQLite keeps the address.
    nonisolated(unsafe) static let module: UnsafeMutablePointer<sqlite3_module> = {
        var module = sqlite3_module()
        unsafe module.xConnect = { database, owner, _, _, result, _ in
            let code = unsafe sqlite3_declare_vtab(database, ArrivalColumn.schema)
            guard code == SQLITE_OK else { return code }
            let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            unsafe table.initialize(
                to: Table(base: sqlite3_vtab(), owner: Unmanaged<ArrivalTable>.fromOpaque(owner!)))
            unsafe result!.pointee = unsafe UnsafeMutableRawPointer(table).assumingMemoryBound(to: sqlite3_vtab.self)
            return SQLITE_OK
        }
        unsafe module.xDisconnect = { table in
            unsafe UnsafeMutableRawPointer(table!).assumingMemoryBound(to: Table.self).deallocate()
            return SQLITE_OK
        }
        // There is one way: from the first row to the last.
        unsafe module.xBestIndex = { _, index in
            unsafe index!.pointee.estimatedCost = 1
            return SQLITE_OK
        }
        unsafe module.xOpen = { _, result in
            let cursor = UnsafeMutablePointer<Cursor>.allocate(capacity: 1)
            unsafe cursor.initialize(to: Cursor(base: sqlite3_vtab_cursor(), shown: nil))
            unsafe result!.pointee = unsafe UnsafeMutableRawPointer(cursor).assumingMemoryBound(
                to: sqlite3_vtab_cursor.self)
            return SQLITE_OK
        }
        unsafe module.xClose = { cursor in
            unsafe own(cursor).deallocate()
            return SQLITE_OK
        }
        unsafe module.xFilter = { cursor, _, _, _, _ in
            let cursor = unsafe own(cursor)
            let table = unsafe UnsafeMutableRawPointer(cursor.pointee.base.pVtab!).assumingMemoryBound(to: Table.self)
            unsafe cursor.pointee.begin(table.pointee.owner.takeUnretainedValue().shown)
            return SQLITE_OK
        }
        unsafe module.xNext = { cursor in
            unsafe own(cursor).pointee.advance()
            return SQLITE_OK
        }
        unsafe module.xEof = { cursor in unsafe own(cursor).pointee.group == nil ? 1 : 0 }
        // Nobody asks for it of a table that is only gone through.
        unsafe module.xRowid = { _, _ in SQLITE_MISUSE }
        unsafe module.xColumn = { cursor, context, column in
            unsafe ArrivalColumn(rawValue: column)!.give(context!, own(cursor))
            return SQLITE_OK
        }
        let address = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        unsafe address.initialize(to: module)
        return unsafe address
    }()
}

private func own(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> UnsafeMutablePointer<Cursor> {
    unsafe UnsafeMutableRawPointer(cursor!).assumingMemoryBound(to: Cursor.self)
}

/// The columns, by their numbers.
private enum ArrivalColumn: Int32 {
    case node, name, mode, size, mtime, ctime, btime, ino, nlink, uid, gid, seq, directory, filesystem, logged

    static let schema = """
        CREATE TABLE arrival(node INT, name ANY, mode INT, size INT, mtime_ns INT, ctime_ns INT, btime_ns INT, ino INT,
          nlink INT, uid INT, gid INT, seq INT, directory INT, filesystem INT, logged INT)
        """

    @inline(__always)
    func give(_ context: OpaquePointer, _ cursor: UnsafePointer<Cursor>) {
        let (group, row) = unsafe (cursor.pointee.group!, cursor.pointee.row!)
        let value: Int64
        switch self {
        case .name:
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: cursor.pointee.shown!.names[row.pointee.range])
            // SQLITE_STATIC (nil): the names stay where they are until the statement is done.
            if unsafe row.pointee.isText {
                let text = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                unsafe sqlite3_result_text(context, text, Int32(bytes.count), nil)
            } else {
                unsafe sqlite3_result_blob(context, bytes.baseAddress, Int32(bytes.count), nil)
            }
            return
        case .node: value = unsafe group.pointee.node
        case .mode: value = unsafe Int64(row.pointee.entry.mode)
        case .size: value = unsafe row.pointee.entry.size
        case .mtime: value = unsafe row.pointee.entry.mtime
        case .ctime: value = unsafe row.pointee.entry.ctime
        case .btime: value = unsafe row.pointee.entry.id.birth
        case .ino: value = unsafe Int64(bitPattern: row.pointee.entry.id.inode)
        case .nlink: value = unsafe Int64(row.pointee.entry.nlink)
        case .uid: value = unsafe Int64(row.pointee.entry.uid)
        case .gid: value = unsafe Int64(row.pointee.entry.gid)
        case .seq: value = unsafe group.pointee.seq + (group.pointee.isLogged ? Int64(cursor.pointee.position) : 0)
        case .directory: value = unsafe group.pointee.directory
        case .filesystem: value = unsafe Int64(row.pointee.entry.id.filesystem)
        case .logged: value = unsafe group.pointee.isLogged ? 1 : 0
        }
        unsafe sqlite3_result_int64(context, value)
    }
}
