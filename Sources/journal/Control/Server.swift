import Changes
import Kernel
import Synchronization

/// The answering end of the control socket: a thread that accepts, and one a client, at most ``clientLimit``.
///
/// A client's thread only waits; what it asks for is done by the work thread, in ``Exchange``.
final class Server: Sendable {
    private let socket: ListeningSocket
    private let exchange: Exchange
    private let clients = Atomic(0)

    /// Clients at a time; one more is turned away, and takes that for no watcher.
    private static let clientLimit = 64
    /// How long a client may take over its request, or over reading the reply, milliseconds.
    private static let patience = 10_000

    init(_ socket: consuming ListeningSocket, exchange: Exchange) {
        self.socket = socket
        self.exchange = exchange
    }

    func start() throws(SystemError) {
        try Thread.start("control") { [self] in
            while true {
                do throws(SystemError) {
                    try welcome(Guest(socket.accept()))
                } catch {
                    // Out of descriptors or threads: those who are here will leave.
                    ThisProcess.sleep(nanoseconds: 10_000_000)
                }
            }
        }
    }

    private func welcome(_ guest: Guest) throws(SystemError) {
        guard clients.add(1, ordering: .relaxed).newValue <= Self.clientLimit else {
            clients.subtract(1, ordering: .relaxed)
            return
        }
        try Thread.start("client") { [self] in
            answer(guest)
            clients.subtract(1, ordering: .relaxed)
        }
    }

    private func answer(_ guest: Guest) {
        do throws(SystemError) {
            try guest.connection.setTimeout(milliseconds: Self.patience)
            guard let line = try guest.connection.readLine(limit: Request.sizeLimit) else { return }
            guard let request = Request(line) else {
                return try guest.connection.write(Reply([("refused", "not a request")]).bytes)
            }
            // Whoever may connect is in the database's group, by the socket's mode; the owner and root may do more.
            let peer = try guest.connection.peer
            guard request.isQuestion || peer == 0 || peer == ThisProcess.user else {
                return try guest.connection.write(Reply([("refused", "only its owner may ask that")]).bytes)
            }
            try guest.connection.write(exchange.ask(request).bytes)
        } catch {
            // The client left, or is too slow: it sees a reply that is not whole.
        }
    }

    /// Carries a connection into its thread.
    private final class Guest: Sendable {
        let connection: Connection
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
        private let reply = Mutex<Reply?>(nil)
        private let ready: WakeUp

        init(_ request: Request, barrier: Int) throws(SystemError) {
            self.request = request
            self.barrier = barrier
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
    /// Asks the drain for all that is queued now.
    private let request: @Sendable () -> Int
    /// Wakes the work thread.
    private let wake: @Sendable () -> Void

    init(request: @escaping @Sendable () -> Int, wake: @escaping @Sendable () -> Void) {
        self.request = request
        self.wake = wake
    }

    /// Called by a client's thread: waits until the work thread has answered.
    func ask(_ request: Request) throws(SystemError) -> Reply {
        let pending = try Pending(request, barrier: self.request())
        let isTaken = waiting.withLock {
            guard !isStopping.load(ordering: .acquiring) else { return false }
            $0.append(pending)
            return true
        }
        guard isTaken else { return Reply() }
        // The drain may have answered, and the work thread looked and found nobody, before this one stood in the queue.
        wake()
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
