import Changes
import Kernel

/// Waiting with the live watcher for the next batch, over one connection for as long as nothing happens: each keeps a place in
/// the watcher until it is answered.
struct News: ~Copyable {
    /// What ends a wait.
    enum Event {
        /// The last batch there is.
        case head(Cursor)
        /// Nobody is there to wait with.
        case silence
        case other(Stopping.Event)
    }

    private let database: Path
    /// Where a reply is due.
    private var connection: Connection?

    init(database: Path) { self.database = database }

    /// Waits until there is a batch behind `seq`, or something else happens, at most so many nanoseconds. A batch that was asked
    /// for before and has come meanwhile is told of, too.
    mutating func wait(after seq: Int64, _ stopping: Stopping, timeout: Int64) throws(SystemError) -> Event {
        do throws(SystemError) {
            let asked: Connection
            if let kept = connection.take() { asked = kept } else { asked = try ask(after: seq) }
            let event = try stopping.wait(for: asked, timeout: timeout)
            guard case .readable = event else {
                connection = consume asked
                return .other(event)
            }
            let reply = Reply(try asked.readAll(limit: 4096))
            return reply["cursor"].flatMap { Cursor($0) }.map { .head($0) } ?? .silence
        } catch {
            // Whoever may not ask, or has come too late, can still read the file.
            guard Client.isSilence(error) || error.isForbidden else { throw error }
            return .silence
        }
    }

    private func ask(after seq: Int64) throws(SystemError) -> Connection {
        let connection = try Connection(to: Client.socketPath(database), milliseconds: 1000)
        try Client.checkWatcher(connection, database)
        try connection.write(Request.news(after: seq).line)
        return connection
    }
}
