import Capture
import Changes
import Kernel
import Synchronization

/// The answering end of the control socket: a thread that accepts, and one a client, at most ``clientLimit``.
///
/// A client's thread only waits; what it asks for is done by the work thread, in ``Exchange``. Whoever may connect is let in
/// by the socket's mode; whoever may ask, by who it is.
final class Server: Sendable {
    private let socket: ListeningSocket
    private let database: Path
    private let exchange: Exchange
    private let isStopped = Atomic(false)
    /// The clients that are here, in the order in which they came.
    private let guests = Mutex<[Guest]>([])

    /// Clients at a time. One more takes the place of the one that has been silent for longest; where all have asked and
    /// wait for their answers, it is turned away.
    private static let clientLimit = 64
    /// Descriptors that one client takes as well, and what the other threads need meanwhile to open directories: whoever asks
    /// for what changed must not keep the watcher from looking.
    private static let reserve = 5
    /// How long a client may take over its request, and over reading the reply, nanoseconds.
    private static let patience: Int64 = 10_000_000_000
    /// Likewise where others cannot be accepted meanwhile.
    private static let shortPatience: Int64 = 100_000_000

    /// Until others have left, nanoseconds.
    private static let pause: Int64 = 10_000_000

    init(_ socket: consuming ListeningSocket, database: Path, exchange: Exchange) {
        self.socket = socket
        self.database = database
        self.exchange = exchange
    }

    /// Whether the socket's name is still the socket's. What cannot be looked at just now is not called gone.
    var isAtItsPlace: Bool {
        do throws(SystemError) {
            return try FileStatus(at: Client.socketPath(database)).isSameFile(as: socket.file)
        } catch {
            return !error.isMissing
        }
    }

    func start() throws(SystemError) {
        try Thread.start("control") { [self] in
            while !isStopped.load(ordering: .acquiring) {
                do throws(SystemError) {
                    try welcome(Guest(try socket.accept()))
                } catch {
                    // Out of descriptors: those who are here will leave.
                    ThisProcess.sleep(nanoseconds: Self.pause)
                }
            }
        }
    }

    /// Accepts nobody any more; whoever is here gets an answer.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        socket.stop()
    }

    private func welcome(_ guest: Guest) throws(SystemError) {
        let isCramped = guest.connection.room < Self.reserve
        let isSeated = guests.withLock { guests in
            if isCramped || guests.count >= Self.clientLimit {
                guard let index = guests.firstIndex(where: { !$0.hasAsked.load(ordering: .relaxed) }) else {
                    return false
                }
                guests.remove(at: index).connection.hangUp()
            }
            guests.append(guest)
            return true
        }
        guard isSeated else {
            let reason = isCramped ? "too few open files are allowed" : "too many ask at once"
            return answer(guest, patience: Self.shortPatience) { _ in reason }
        }
        // Who has lost the place needs a moment to give up the descriptor.
        if isCramped { ThisProcess.sleep(nanoseconds: Self.pause) }
        do throws(SystemError) {
            try Thread.start("client") { [self] in
                answer(guest, patience: Self.patience)
                leave(guest)
            }
        } catch {
            // Out of threads: one after the other, and nobody may take long, nor ask for what does.
            let reason = "\(error.operation): \(error.reason)"
            answer(guest, patience: Self.shortPatience) { $0 == .barrier || $0 == .status ? nil : reason }
            leave(guest)
        }
    }

    private func leave(_ guest: Guest) { guests.withLock { $0.removeAll { $0 === guest } } }

    /// Reads what a guest asks for and writes the reply; that it cannot be had, where there is a reason `whyNot`.
    private func answer(_ guest: Guest, patience: Int64, whyNot: (Request) -> String? = { _ in nil }) {
        do throws(SystemError) {
            let deadline = Clock.boot() + patience
            guard let line = try guest.connection.readLine(limit: Request.sizeLimit, deadline: deadline) else { return }
            guest.hasAsked.store(true, ordering: .relaxed)
            try guest.connection.setTimeout(milliseconds: Int(patience / 1_000_000))
            guard let request = Request(line) else {
                return try guest.connection.write(Reply([("refused", "not a request")]).bytes)
            }
            if let refusal = try refusal(of: request, from: guest) {
                return try guest.connection.write(Reply([("refused", refusal)]).bytes)
            }
            if let reason = whyNot(request) { return try guest.connection.write(Reply([("unable", reason)]).bytes) }
            let reply: Reply
            do throws(SystemError) {
                reply = try exchange.ask(request)
            } catch {
                reply = Reply([("unable", "\(error.operation): \(error.reason)")])
            }
            try guest.connection.write(reply.bytes)
        } catch {
            // The client left, or is too slow: it sees a reply that is not whole.
        }
    }

    /// Its owner and root may ask for everything, the group of the database what changes nothing. Nobody else, whatever
    /// the mode of the socket or of the directory has become.
    private func refusal(of request: Request, from guest: Guest) throws(SystemError) -> String? {
        let peer = try guest.connection.peer
        if peer.user == 0 || peer.user == ThisProcess.user { return nil }
        let group = try FileStatus(at: database.shown).gid
        guard peer.group == group || guest.connection.peerGroups.contains(group) else {
            return "only its owner and the group of the database may ask"
        }
        return request.isQuestion ? nil : "only its owner may ask that"
    }

    /// Carries a connection into its thread.
    private final class Guest: Sendable {
        let connection: Connection
        /// Its request has come; until then it can lose its place.
        let hasAsked = Atomic(false)
        init(_ connection: consuming Connection) { self.connection = connection }
    }
}

/// Where requests wait for the work thread.
final class Exchange: Sendable {
    /// One request that waits for its reply.
    final class Pending: Sendable {
        let request: Request
        /// The drain's request whose events have to be committed first.
        let barrier: Int
        /// Bytes that waited in the kernel's queue when it was asked.
        let queued: Int
        private let reply = Mutex<Reply?>(nil)
        private let ready: WakeUp

        init(_ request: Request, barrier: Int, queued: Int) throws(SystemError) {
            self.request = request
            self.barrier = barrier
            self.queued = queued
            ready = try WakeUp()
        }

        func answer(_ reply: Reply) {
            self.reply.withLock { $0 = reply }
            ready.set()
        }

        func wait() throws(SystemError) -> Reply {
            while true {
                if let reply = reply.withLock({ $0 }) { return reply }
                _ = try ready.wait(timeout: -1)
            }
        }
    }

    private let waiting = Mutex<[Pending]>([])
    private let isStopping = Atomic(false)
    private let drain: Drain

    init(_ drain: Drain) { self.drain = drain }

    /// Called by a client's thread: asks the drain for all that is queued now, and waits until the work thread has answered.
    func ask(_ request: Request) throws(SystemError) -> Reply {
        let queued = try drain.waitingBytes
        let pending = try Pending(request, barrier: drain.request(), queued: queued)
        let isTaken = waiting.withLock {
            guard !isStopping.load(ordering: .acquiring) else { return false }
            $0.append(pending)
            return true
        }
        guard isTaken else { return Reply() }
        // The drain may have answered, and the work thread looked and found nobody, before this one stood in the queue.
        drain.wakeWork.set()
        return try pending.wait()
    }

    var hasWaiting: Bool { waiting.withLock { !$0.isEmpty } }

    /// Called by the work thread: takes the requests whose events are committed.
    func take(settled: Int) -> [Pending] {
        waiting.withLock { waiting in
            let due = waiting.filter { $0.barrier <= settled }
            waiting.removeAll { $0.barrier <= settled }
            return due
        }
    }

    /// Called by the work thread at its end: whoever still waits gets a reply that is none.
    func close() {
        let left = waiting.withLock { waiting in
            isStopping.store(true, ordering: .releasing)
            defer { waiting = [] }
            return waiting
        }
        for pending in left { pending.answer(Reply()) }
    }
}
