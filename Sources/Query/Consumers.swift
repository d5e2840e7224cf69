package import Changes
internal import GRDB

extension Snapshot {
    /// Who takes lists, by name.
    package func consumers() throws -> [Consumer] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT name, selection, cursor, updated_ns FROM main.consumer ORDER BY name")
        var consumers: [Consumer] = []
        while let row = try rows.next() {
            let name: String = row[0]
            guard let cursor = Changes.Cursor(row[2] as String) else {
                throw JournalError.corrupt("consumer \(name) has no cursor")
            }
            consumers.append(Consumer(name: name, selection: row[1], cursor: cursor, updated: row[3]))
        }
        return consumers
    }

    /// How far a consumer is behind.
    package func lag(of consumer: Consumer) throws -> Lag {
        let batches = Batches(db: db)
        if let reason = try Reason.dropped(consumer.name, db) { return .refused(reason) }
        if let reason = try Meta(db).objection(to: consumer.cursor, batches) { return .refused(reason) }
        guard let head = try batches.head(), let batch = try batches.at(consumer.cursor.seq) else {
            throw JournalError.corrupt("consumer \(consumer.name) is in no batch")
        }
        return .behind(changes: head.seq - batch.seq, since: batch.committedNS)
    }
}

/// How far a consumer is behind.
package enum Lag: Hashable, Sendable {
    /// At most so many changes, from a batch that was committed then, nanoseconds since 1970. Batches take numbers as well.
    case behind(changes: Int64, since: Int64)
    /// Its place cannot be continued from.
    case refused(Reason)
}

extension Reason {
    /// That the horizon has passed a consumer; nil where it has not.
    static func dropped(_ consumer: String, _ db: Database) throws -> Reason? {
        try Int64.fetchOne(db, sql: "SELECT dropped_ns FROM main.consumers WHERE name = ?", arguments: [consumer])
            .map { .droppedConsumer(consumer, at: $0) }
    }
}
