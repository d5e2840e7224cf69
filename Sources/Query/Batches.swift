internal import Changes
internal import GRDB

/// Looking up batches by seq and by time; each is one step into an index.
struct Batches {
    let db: Database

    struct Batch {
        var seq: Int64
        var check: UInt64
        var beganNS: Int64
        var committedNS: Int64
    }

    func head() throws -> Batch? { try one("ORDER BY seq DESC LIMIT 1") }

    func at(_ seq: Int64) throws -> Batch? { try one("WHERE seq = ?", [seq]) }

    /// The first batch from `seq` on.
    func from(_ seq: Int64) throws -> Batch? { try one("WHERE seq >= ? ORDER BY seq LIMIT 1", [seq]) }

    /// The last batch up to `seq`.
    func upTo(_ seq: Int64) throws -> Batch? { try one("WHERE seq <= ? ORDER BY seq DESC LIMIT 1", [seq]) }

    /// The position before `batch`: that of the batch before it, or 0.
    func before(_ batch: Batch) throws -> Int64 { try upTo(batch.seq - 1)?.seq ?? 0 }

    /// The oldest batch committed at or after `time`. Columns are clamped, so the order of time is that of seq,
    /// and of equal times the first is meant.
    func committed(from time: Int64) throws -> Batch? {
        try one("WHERE committed_ns >= ? ORDER BY committed_ns, seq LIMIT 1", [time])
    }

    /// The first batch whose reading began at or after `time`. It was committed after that too, so the search
    /// begins where the index on the commit has it; few batches lie between.
    func began(from time: Int64) throws -> Batch? {
        guard let first = try committed(from: time) else { return nil }
        return try one("WHERE seq >= ? AND began_ns >= ? ORDER BY seq LIMIT 1", [first.seq, time])
    }

    /// The same two by the boot clock, within one boot.
    func committed(boot: Int64, from time: Int64) throws -> Batch? {
        try one(
            "WHERE boot = ? AND committed_boot_ns >= ? ORDER BY committed_boot_ns, seq LIMIT 1", [boot, time])
    }

    func began(boot: Int64, from time: Int64) throws -> Batch? {
        guard let first = try committed(boot: boot, from: time) else { return nil }
        return try one(
            "WHERE seq >= ? AND boot = ? AND began_boot_ns >= ? ORDER BY seq LIMIT 1", [first.seq, boot, time])
    }

    /// The number of a boot; nil where nothing was committed in it.
    func boot(_ id: String) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT id FROM main.boot WHERE boot_id = ?", arguments: [id])
    }

    private func one(_ clause: String, _ arguments: StatementArguments = []) throws -> Batch? {
        try Row.fetchOne(
            db, sql: "SELECT seq, check_bits, began_ns, committed_ns FROM main.batch \(clause)", arguments: arguments
        ).map {
            Batch(seq: $0[0], check: UInt64(bitPattern: $0[1]), beganNS: $0[2], committedNS: $0[3])
        }
    }
}

/// Which journal this is.
struct Meta {
    var uuid: String
    var horizon: Int64
    var vouchedNS: Int64

    init(_ db: Database) throws {
        guard let row = try Row.fetchOne(db, sql: "SELECT uuid, horizon_seq, vouched_ns FROM main.meta WHERE id = 1")
        else { throw JournalError.corrupt("the journal has no name (its table meta is empty)") }
        (uuid, horizon, vouchedNS) = (row[0], row[1], row[2])
    }

    func cursor(_ batch: Batches.Batch) -> Changes.Cursor {
        Changes.Cursor(journal: uuid, seq: batch.seq, check: batch.check)
    }

    /// Why `cursor` is not one that this very file handed out and can still answer; nil where it is.
    func objection(to cursor: Changes.Cursor, _ batches: Batches) throws -> Reason? {
        guard cursor.journal == uuid else { return .otherJournal }
        guard let head = try batches.head(), cursor.seq <= head.seq else { return .aheadOfHead }
        guard cursor.seq >= horizon else { return .forgotten }
        guard let batch = try batches.at(cursor.seq), batch.check == cursor.check else { return .unknownBatch }
        return nil
    }
}
