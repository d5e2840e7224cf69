import Foundation
import GRDB

/// What a journal has forgotten, and who keeps it from that.
extension Session {
    /// Log rows up to here have been forgotten.
    var horizon: Int64 { get throws { Int64(try views.value("SELECT horizon_seq FROM journal") ?? "") ?? -1 } }

    /// Writes a consumer into a database that nobody has open, as if it had moved to `cursor` so many days ago.
    func put(consumer name: String, at cursor: String, daysAgo: Double = 0) throws {
        let updated = Int64((Date().timeIntervalSince1970 - daysAgo * 86_400) * 1e9)
        try write(
            """
            INSERT INTO consumer(name, seq, cursor, updated_ns) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET seq = ?2, cursor = ?3, updated_ns = ?4
            """, [name, Session.seq(cursor), cursor, updated])
    }

    /// Likewise anything.
    func write(_ sql: String, _ arguments: StatementArguments = []) throws {
        let queue = try DatabaseQueue(path: database.description)
        try queue.write { try $0.execute(sql: sql, arguments: arguments) }
        try queue.close()
    }

    static func seq(_ cursor: String) -> Int64 { Int64(cursor.split(separator: ":")[1]) ?? -1 }

    /// Waits until the horizon is there.
    func waitForHorizon(_ seq: Int64) throws {
        let isThere = try eventually { try horizon == seq }
        guard isThere else { throw Refused(description: "\(try horizon), not \(seq): \(watcher?.said.errors ?? "")") }
    }

    /// `journal prune --before`, which has to do all of it.
    func prune(before when: String) throws {
        let output = try run("prune", "--before", Bytes(when))
        guard output.status == 0 else { throw Refused(description: "\(output)") }
    }
}
