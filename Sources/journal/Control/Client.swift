import Changes
import Kernel

/// What the live watcher answers when asked to commit everything that has happened so far.
struct Barrier {
    /// The batch by which all of it is committed, synced to disk.
    var cursor: Cursor
    /// The gaps (ids of the table) that a crawl is closing now, or will without being asked. An open gap that is
    /// not among them stays open until someone acts.
    var closing: Set<Int64>
}

/// The asking end of the control socket beside the database.
enum Client {
    /// Asks for a barrier: returns nil when no watcher answers within `timeout` (a watcher that has died, a socket
    /// nobody listens at), and throws where it may not be asked.
    static func barrier(database: Path, timeout: Duration) throws(Failure) -> Barrier? {
        guard let reply = try ask(.barrier, database: database, timeout: timeout) else { return nil }
        guard let cursor = reply["cursor"].flatMap({ Cursor($0) }) else { return nil }
        return Barrier(cursor: cursor, closing: Set(reply.all("closing").compactMap { Int64($0) }))
    }

    /// Sends a request and waits for the whole reply. Nil when nobody answers within `timeout`.
    static func ask(_ request: Request, database: Path, timeout: Duration) throws(Failure) -> Reply? {
        let path = socketPath(database)
        let reply: Reply
        do throws(SystemError) {
            let connection = try Connection(to: path)
            let (seconds, attoseconds) = timeout.components
            try connection.setTimeout(
                milliseconds: Int(min(seconds, 1_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
            try connection.write(request.line)
            reply = Reply(try connection.readAll(limit: 64 << 20))
        } catch {
            if error.isNobodyThere || error.isWouldBlock || error.isBrokenPipe || error.isReset { return nil }
            throw Failure(
                error.isForbidden ? .permission : .inputOutput,
                "\(ShellQuote.text(path)): cannot ask the watcher: \(error.reason)")
        }
        if let refused = reply["refused"] {
            throw Failure(.permission, "\(ShellQuote.text(path)): the watcher refuses: \(refused)")
        }
        // A reply that was cut short is none: the watcher died over it.
        return reply["ok"] == nil ? nil : reply
    }

    /// The socket stands beside the database.
    static func socketPath(_ database: Path) -> [UInt8] { database.shown + Array("-socket".utf8) }
}
