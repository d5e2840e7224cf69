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
    /// What a watcher says to a barrier.
    enum BarrierReply {
        case done(Barrier)
        /// It cannot commit.
        case waiting(Obstacle)
        /// No watcher answers in time: it has died, or nobody listens at the socket.
        case silence
    }

    /// Asks for a barrier, and throws where it may not be asked.
    static func barrier(database: Path, timeout: Duration) throws(Failure) -> BarrierReply {
        guard let reply = try ask(.barrier, database: database, timeout: timeout) else { return .silence }
        if let obstacle = reply.obstacle { return .waiting(obstacle) }
        guard let cursor = reply["cursor"].flatMap({ Cursor($0) }) else { return .silence }
        return .done(Barrier(cursor: cursor, closing: Set(reply.all("closing").compactMap { Int64($0) })))
    }

    /// The process that has the journal although nobody answers: a watcher that hangs, or is just starting or ending. Nil where
    /// nobody has it, or that cannot be known.
    static func silentWriter(_ database: Path) -> Int? {
        do throws(SystemError) {
            return try FileLocks.holders(of: DatabaseFiles(database: database).path(.lock), .flock).first
        } catch {
            return nil
        }
    }

    /// Sends a request and waits for the whole reply. Nil when nobody answers within `timeout`.
    static func ask(_ request: Request, database: Path, timeout: Duration) throws(Failure) -> Reply? {
        let path = socketPath(database)
        let reply: Reply
        do throws(SystemError) {
            let (seconds, attoseconds) = timeout.components
            let connection = try Connection(
                to: path, milliseconds: Int(min(seconds, 1_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
            try checkWatcher(connection, database)
            try connection.write(request.line)
            reply = Reply(try connection.readAll(limit: 64 << 20))
        } catch {
            if isSilence(error) { return nil }
            throw Failure(
                error.isForbidden ? .permission : .inputOutput,
                "\(ShellQuote.text(path)): cannot ask the watcher: \(error.reason)")
        }
        if let refused = reply["refused"] {
            throw Failure(.permission, "\(ShellQuote.text(path)): the watcher refuses: \(refused)")
        }
        if let unable = reply["unable"] {
            throw Failure(.unavailable, "\(ShellQuote.text(path)): the watcher cannot answer: \(unable)")
        }
        // A barrier may be asked for again until it can commit; what changes something was not done.
        if let obstacle = reply.obstacle, !request.isQuestion { throw obstacle.failure(database) }
        // A reply that was cut short is none: the watcher died over it.
        return reply["ok"] == nil ? nil : reply
    }

    /// Whether a conversation failed because nobody listens, or whoever did has died or is too slow.
    static func isSilence(_ error: SystemError) -> Bool {
        error.isNobodyThere || error.isWouldBlock || error.isBrokenPipe || error.isReset
    }

    /// In a directory that others may write to, the socket could be theirs while no watcher runs, and vouch for what it has
    /// not seen. So whoever listens has to be who could have written the database.
    static func checkWatcher(_ connection: borrowing Connection, _ database: Path) throws(SystemError) {
        let listener = try connection.peer.user
        if listener == 0 || listener == ThisProcess.user { return }
        guard try FileStatus(at: database.shown).uid == listener else {
            throw .notPermitted("connect", socketPath(database))
        }
    }

    /// The socket stands beside the database.
    static func socketPath(_ database: Path) -> [UInt8] { database.shown + Array("-socket".utf8) }
}
