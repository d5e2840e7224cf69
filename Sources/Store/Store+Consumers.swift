package import Changes
internal import GRDB

/// Where consumers are: no batches, because nothing in a tree changes by it.
extension Store {
    /// Moves a consumer, if it is where its list began, or where that ends: then whoever asks has not heard that it was moved.
    /// A place that is lost to a power failure is an older one: the same list is taken once more, so this needs no sync.
    package func move(_ move: Consumer.Move) throws -> Consumer.Outcome {
        try StoreError.wrap {
            guard move.to.journal == uuid else { return .unknown }
            // Its batch may be gone with the rest.
            if try move.to.seq < horizon() { return .forgotten }
            guard try isOurs(move.to) else { return .unknown }
            if let from = move.from {
                let known = try String.fetchOne(
                    database, sql: "SELECT cursor FROM consumer WHERE name = ? AND selection = ?",
                    arguments: [move.name, move.selection])
                guard known == from.description || known == move.to.description else { return .elsewhere }
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO consumer(name, selection, seq, cursor, updated_ns) VALUES (?, ?, ?, ?, ?)",
                arguments: [move.name, move.selection, move.to.seq, move.to.description, label(clock())])
            return .moved
        }
    }

    /// Forgets a consumer; false where there is none of that name.
    package func dropConsumer(_ name: String) throws -> Bool {
        try StoreError.wrap {
            try database.execute(sql: "DELETE FROM consumer WHERE name = ?", arguments: [name])
            return database.changesCount > 0
        }
    }

    private func isOurs(_ cursor: Changes.Cursor) throws -> Bool {
        let check = try Int64.fetchOne(
            database, sql: "SELECT check_bits FROM batch WHERE seq = ?", arguments: [cursor.seq])
        return check.map(UInt64.init(bitPattern:)) == cursor.check
    }
}
