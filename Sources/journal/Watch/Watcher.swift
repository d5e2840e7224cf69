import Capture
import Changes
import Kernel
import Store
import Synchronization

/// The work thread's loop: commits what the kernel said, crawls, and answers requests, until it is told to stop.
final class Watcher {
    /// How long it runs.
    enum End {
        /// Until a signal.
        case signal
        /// Until all that was asked for is crawled: the journal without a daemon.
        case crawled
    }

    private let store: Store
    private let database: Path
    private let drain: Drain
    private let capture: Capture
    private let exchange: Exchange
    private let reporter: Reporter
    private let latency: Int64
    private let isStopping = StopFlag()
    /// Clients that wait for a crawl, by its ticket.
    private var scans: [Int: (pending: Exchange.Pending, left: Set<Int>)] = [:]
    private var nextTicket = 1

    /// Set by the thread that waits for signals.
    private final class StopFlag: Sendable {
        private let flag = Atomic(false)
        var isSet: Bool { flag.load(ordering: .acquiring) }
        func set() { flag.store(true, ordering: .releasing) }
    }

    /// Prepares to watch; `latency` and `auditInterval` in nanoseconds.
    init(_ store: Store, database: Path, latency: Int64, auditInterval: Int64? = nil) throws {
        self.store = store
        self.database = database
        self.latency = latency
        let drain = try Drain(latency: latency)
        self.drain = drain
        exchange = Exchange(request: { drain.request() }, wake: { drain.wakeWork.set() })
        let reporter = Reporter()
        self.reporter = reporter
        let counters = try store.counters()
        capture = Capture(
            drain: drain, nextNode: counters.nextNode,
            nextGap: counters.nextGap, filesystems: counters.filesystems, vouchedUntil: try store.vouchedUntil,
            notify: { reporter.report($0) })
        capture.auditInterval = auditInterval
    }

    /// Takes up a root; `formerExcludes` are those by which it was crawled the last time.
    func add(_ root: Root, formerExcludes: [[UInt8]], adopts: Bool = false) throws {
        var nodes: [StoredNode] = []
        try store.forEachNode(of: root) { id, parent, path, file, coverage in
            nodes.append(StoredNode(id: id, parent: parent, name: path.name, file: file, coverage: coverage))
        }
        var gaps: [GapID: OpenGap] = [:]
        for gap in try store.openGaps(of: root.id) {
            gaps[gap.id] = OpenGap(root: root.id, node: gap.node, cause: gap.cause, since: gap.since)
        }
        capture.add(root, nodes: nodes, gaps: gaps, formerExcludes: formerExcludes, adopts: adopts)
        capture.scheduleAudit(of: root.id, since: try store.sinceAudit(of: root.id))
    }

    /// Runs until the end, then commits what is still queued.
    func run(until end: End) throws {
        try drain.start()
        defer {
            drain.stop()
            exchange.close()
        }
        try Server(ListeningSocket(at: Client.socketPath(database)), exchange: exchange).start()
        capture.ownFiles = try OwnFiles.all(database)
        try capture.begin(store)
        var isReady = false
        while !isStopping.isSet {
            let began = Clock.boot()
            try capture.step(store)
            try answer()
            for audit in capture.finishedAudits { try store.record(audit) }
            capture.finishedAudits = []
            try store.checkpointIfDue()
            reporter.progress(capture.progress)
            if !isReady && capture.isLive {
                isReady = true
                if case .crawled = end { break }
                try reporter.live(capture, database: database)
            }
            try pause(since: began)
        }
        try capture.finish(store)
        try store.noteVouched(until: capture.vouchedUntil)
        try answer()
        reporter.stopped()
    }

    /// How long nothing is looked after while nothing happens, milliseconds.
    private static let longestWait: Int32 = 1000

    /// Waits for something to do, and not before `latency` has passed, unless someone waits for an answer.
    private func pause(since began: Int64) throws {
        if capture.isBusy || exchange.hasWaiting { return }
        _ = try drain.wakeWork.wait(timeout: capture.auditPause.map { min($0, Self.longestWait) } ?? Self.longestWait)
        while Clock.boot() < began + latency, !exchange.hasWaiting, !isStopping.isSet {
            ThisProcess.sleep(nanoseconds: 2_000_000)
        }
    }

    /// Ends the loop at the first of the signals that ``Signals`` has blocked.
    func stopOnSignal() throws(SystemError) {
        let (drain, isStopping) = (drain, isStopping)
        try Thread.start("signals") {
            _ = Signals.wait()
            isStopping.set()
            drain.wakeWork.set()
        }
    }

    /// Answers the requests whose events are committed. What leaves has to be on the disk: one sync for all of them.
    private func answer() throws {
        let due = exchange.take(settled: capture.settled)
        if due.contains(where: { $0.request == .barrier }) { try syncLog() }
        for pending in due {
            switch pending.request {
            case .barrier:
                let closing = capture.closing.map { ("closing", String($0.rawValue)) }
                pending.answer(
                    Reply(
                        [("ok", ""), ("cursor", store.cursor.description), ("live", capture.isLive ? "yes" : "no")]
                            + closing))
            case .status: pending.answer(status())
            case .scan(let paths): scan(paths, pending)
            case .adopt(let path):
                if try capture.adopt(path, store) {
                    scan([path], pending)
                } else {
                    pending.answer(Reply([("ok", ""), ("missing", Hex.encode(path.bytes))]))
                }
            case .forget(let path): pending.answer(try forget(path))
            case .verified(let audit):
                try store.record(audit)
                pending.answer(Reply([("ok", "")]))
            }
        }
        guard !scans.isEmpty else { return }
        let finished = capture.finishedTickets
        for (id, scan) in scans where scan.left.isSubset(of: finished) {
            scans[id] = nil
            try syncLog()
            scan.pending.answer(Reply([("ok", ""), ("cursor", store.cursor.description)]))
        }
        if scans.isEmpty { capture.finishedTickets = [] }
    }

    private func syncLog() throws { try FileSync.data(database.shown + Array("-wal".utf8)) }

    private func scan(_ paths: [Path], _ pending: Exchange.Pending) {
        let paths = paths.isEmpty ? capture.rootPaths : paths
        var tickets: Set<Int> = []
        for path in paths {
            guard capture.scan(path, ticket: nextTicket) else {
                return pending.answer(Reply([("ok", ""), ("missing", Hex.encode(path.bytes))]))
            }
            tickets.insert(nextTicket)
            nextTicket += 1
        }
        scans[nextTicket] = (pending, tickets)
        nextTicket += 1
    }

    private func forget(_ path: Path) throws -> Reply {
        guard let root = try store.roots().first(where: { $0.path == path }) else {
            return Reply([("ok", ""), ("missing", Hex.encode(path.bytes))])
        }
        try capture.begin(store)
        capture.remove(root.id)
        try store.forget(root)
        return Reply([("ok", "")])
    }

    private func status() -> Reply {
        var fields = [
            ("ok", ""), ("pid", String(ThisProcess.id)), ("live", capture.isLive ? "yes" : "no"),
            ("watches", String(capture.watches)), ("directories", String(capture.directories)),
            ("overflows", String(capture.overflows)), ("queued", String(capture.queuedBytes)),
        ]
        if let limit = Sysctl.inotifyWatches { fields.append(("watch-limit", String(limit))) }
        if let progress = capture.progress {
            fields.append(("crawl", "\(Hex.encode(progress.path.bytes)) \(progress.entries) \(progress.nanoseconds)"))
        }
        fields += capture.closing.map { ("closing", String($0.rawValue)) }
        return Reply(fields)
    }
}
