import Changes

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
        nil
    }
}
