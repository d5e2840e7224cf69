package import Changes
internal import GRDB
internal import RawSQL
internal import Schema

/// The write side: the one connection that writes, used by one thread.
///
/// Log and state change in one transaction a batch, so a reader who trusts one may trust the other. `synchronous` is
/// NORMAL: a commit is not synced, because every start reconciles; whoever lets a cursor leave syncs the WAL first.
package final class Store: StoredState {
    let database: Database
    let clock: () -> Instant
    /// The seq of the last batch.
    package internal(set) var head: Int64 = 0
    package internal(set) var headCheck: UInt64 = 0
    package internal(set) var uuid = ""
    /// No batch is labelled earlier than the one before it.
    var lastBegan: Int64 = 0
    var lastCommitted: Int64 = 0
    /// What the clocks showed at the last commit of this boot.
    var lastClock: Instant?
    /// This boot, as the journal numbers it.
    let boot: Int64
    /// Where each directory is, and whose root it is: memory follows directories.
    var nodes: [NodeID: NodePlace] = [:]
    let statements: Statements
    let arrivalTable: ArrivalTable
    /// The rows that had been changed at the last checkpoint.
    var lastCheckpoint = 0
    /// How long a write waits for another program, milliseconds.
    var patience = Store.openingPatience
    /// A reader may have to recover the WAL that a crash has left, which takes a while.
    private static let openingPatience = 10_000
    /// Pages that have moved so that others could be given back, all in all.
    var pagesMoved = 0
    /// Whether the file is longer than the database: no checkpoint since has brought in the whole WAL.
    package internal(set) var isFileLong = false

    struct NodePlace {
        var directory: Int64
        var root: RootID
        /// Of the directory itself, as ``FileID/filesystem``.
        var filesystem: Int32
    }

    /// The cursor of the last batch.
    package var cursor: Changes.Cursor { Changes.Cursor(journal: uuid, seq: head, check: headCheck) }

    /// Opens the journal at `path`, or makes one where there is none, and runs `body` with it. The caller holds the lock
    /// file. Throws ``StoreError``, and what `body` throws.
    ///
    /// One that `isSuspect`, because its last writer did not come to its end, is checked for damage first. Of any other, what
    /// is damaged is told when it is read: the state by the crawl of each start, the log by who asks.
    ///
    /// The connection is used by `body` alone, in one stretch: that is what makes this thread its only one.
    package static func with<Result>(
        path: String, isSuspect: Bool, bootID: String, clock: @escaping () -> Instant, _ body: (Store) throws -> Result
    ) throws -> Result {
        BulkStatement.countNoMemory
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(Double(openingPatience) / 1000)
        configuration.prepareDatabase { database in
            BulkStatement.keepLogFiles(database)
            try database.execute(sql: connectionSettings)
        }
        let queue = try StoreError.wrap { try DatabaseQueue(path: path, configuration: configuration) }
        return try queue.inDatabase { database in
            let store = try StoreError.wrap {
                try Migrations.bringUpToDate(database, isSuspect: isSuspect, uuid: newUUID(), now: clock().wall)
                return try Store(database, bootID: bootID, clock: clock)
            }
            return try body(store)
        }
    }

    /// The page size counts only before the first table; 8,192 bytes keep rows of one directory together. The log of a
    /// million changes would make the WAL large, so checkpoints are our own (``checkpointIfDue()``) and off the commit path.
    private static let connectionSettings = """
        PRAGMA page_size = 8192;
        PRAGMA synchronous = NORMAL;
        PRAGMA secure_delete = OFF;
        PRAGMA cache_size = -8192;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA journal_size_limit = 0;
        PRAGMA temp_store = FILE;
        """

    private init(_ database: Database, bootID: String, clock: @escaping () -> Instant) throws {
        self.database = database
        self.clock = clock
        try database.execute(sql: "INSERT OR IGNORE INTO boot(boot_id) VALUES (?)", arguments: [bootID])
        boot = try Int64.fetchOne(database, sql: "SELECT id FROM boot WHERE boot_id = ?", arguments: [bootID]) ?? 0
        try database.execute(sql: "CREATE TEMP TABLE except_name(name PRIMARY KEY) WITHOUT ROWID")
        arrivalTable = try ArrivalTable(database)
        statements = try Statements(database)
        uuid = try String.fetchOne(database, sql: "SELECT uuid FROM meta") ?? ""
        if let last = try GRDB.Row.fetchOne(database, sql: "SELECT * FROM batch ORDER BY seq DESC LIMIT 1") {
            head = last["seq"]
            headCheck = UInt64(bitPattern: last["check_bits"] as Int64)
            lastBegan = last["began_ns"]
            lastCommitted = last["committed_ns"]
            if last["boot"] == boot { lastClock = Instant(wall: lastCommitted, boot: last["committed_boot_ns"]) }
        }
        try loadNodes()
    }

    /// Reads where each directory is, as it was committed last.
    func loadNodes() throws {
        nodes = [:]
        let select = try BulkStatement(database, "SELECT id, directory, root, filesystem FROM node")
        try select.forEachRow {
            nodes[NodeID(rawValue: select.int(0))] = NodePlace(
                directory: select.int(1), root: RootID(rawValue: select.int(2)),
                filesystem: Int32(truncatingIfNeeded: select.int(3)))
        }
    }

    /// By which time a batch of now is labelled: never an earlier one than a clock can have shown before it.
    ///
    ///     00:10  commit, labelled 00:10
    ///     00:20  someone notes the time, to ask --since 00:20 later
    ///     00:30  the clock is set back an hour
    ///     23:40  commit: not 23:40, and not 00:10 either, which would hide it from who asks, but 00:40
    ///
    /// The boot clock says how far the wall clock has come if nobody touched it.
    func label(_ now: Instant) -> Int64 {
        max(now.wall, lastCommitted, lastClock.map { $0.wall &+ (now.boot &- $0.boot) } ?? 0)
    }

    /// Until when a watcher has looked, nanoseconds since 1970: a downtime begins there.
    package var vouchedUntil: Int64 {
        get throws {
            try StoreError.wrap { try Int64.fetchOne(database, sql: "SELECT vouched_ns FROM meta") ?? 0 }
        }
    }

    /// From when on the content of files may not have been on the disk when a watcher last looked, nanoseconds since 1970.
    ///
    /// A clock that was set forward in that time put later labels on what is older, so this goes back from the earliest
    /// label of that time, as the boot clock has it.
    package var unwrittenSince: Int64 {
        get throws {
            try StoreError.wrap {
                let earliest = try Int64.fetchOne(
                    database,
                    sql: """
                        SELECT min(batch.committed_ns) FROM batch, (SELECT * FROM batch ORDER BY seq DESC LIMIT 1) AS last
                        WHERE batch.boot = last.boot AND batch.committed_boot_ns >= last.committed_boot_ns - ?
                        """, arguments: [Writeback.lag])
                return min(try vouchedUntil, earliest ?? .max) - Writeback.lag
            }
        }
    }

    /// Says which run of a watcher this database is in, by the nonce that the lock file held: where they disagree, this is
    /// a restored copy. It then gets a new UUID, so that no cursor of the other is taken for its own, and its consumers
    /// start anew. The caller syncs the WAL, and only then writes the returned nonce into the lock file: the database keeps
    /// the one before as well, in case the machine stops between the two.
    package func claim(nonce: String?, isNew: Bool) throws -> String {
        try StoreError.wrap {
            let known = try GRDB.Row.fetchOne(database, sql: "SELECT nonce, previous_nonce FROM meta")
            let isOurs = isNew || (nonce != nil && (known?["nonce"] == nonce || known?["previous_nonce"] == nonce))
            if !isOurs { try Migrations.check(database) }
            let next = Store.newUUID()
            try database.inTransaction(.immediate) {
                if !isOurs {
                    uuid = Store.newUUID()
                    try database.execute(sql: "UPDATE meta SET uuid = ?", arguments: [uuid])
                    try database.execute(sql: "DELETE FROM consumer")
                }
                try database.execute(
                    sql: "UPDATE meta SET previous_nonce = coalesce(?, nonce), nonce = ?",
                    arguments: [isOurs ? nonce : nil, next])
                return .commit
            }
            if head == 0 || !isOurs { _ = try commit(Batch(source: .event, began: clock())) }
            return next
        }
    }

    /// Makes this the journal of no lock file, and brings the WAL into the database: the files are not together any more.
    package func disown() throws {
        let unknown = Store.newUUID()
        do {
            try StoreError.wrap(database) {
                try database.execute(sql: "UPDATE meta SET nonce = ?1, previous_nonce = ?1", arguments: [unknown])
            }
        } catch let error as StoreError where error.reason == .full {
            // The lock file has forgotten the nonce; that is one of the two places.
        }
        try truncateLog()
    }

    /// Notes until when a watcher has looked, nanoseconds since 1970. Only who has looked may say so: a downtime begins there,
    /// and what is claimed to have been seen is not asked about again.
    package func noteVouched(until time: Int64) throws {
        try StoreError.wrap(database) {
            try database.execute(sql: "UPDATE meta SET vouched_ns = ?", arguments: [time])
        }
    }

    /// Brings the WAL into the database: a clean stop.
    package func close() throws {
        try StoreError.wrap { try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    /// A random UUID, version 4, in lower case.
    static func newUUID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
        var groups: [Substring] = []
        var rest = Substring(hex)
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}
