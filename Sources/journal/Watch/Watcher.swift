import Capture
import Changes
import Kernel
import Store

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
    private let files: DatabaseFiles.Held
    private let database: Path
    /// The WAL, to sync it: held open, so that being out of descriptors delays no answer.
    private let log: Descriptor
    private let drain: Drain
    private let capture: Capture
    private let exchange: Exchange
    private let reporter: Reporter
    private let pruner: Pruner
    private let latency: Int64
    private let stop: StopFlag
    /// Clients that wait for a crawl, by its ticket.
    private var scans: [Int: (pending: Exchange.Pending, left: Set<Int>, missing: Path?)] = [:]
    private var nextTicket = 1
    /// Clients that wait for the next batch.
    private var followers = Followers()
    /// When the files are looked at again (CLOCK_BOOTTIME, nanoseconds).
    private var nextLook: Int64 = 0
    /// Whether somebody who reads keeps the WAL longer than it is to be.
    private var isLogHeld = false
    private var server: Server?
    private var end = End.signal
    /// Where what is found is committed.
    private lazy var commits = PatientStore(store, reporter: reporter) { [unowned self] in try whileWaiting($0) }

    /// How often the files are looked at, nanoseconds.
    private static let lookInterval: Int64 = 1_000_000_000
    /// Bytes of WAL that checkpoints have not brought back: somebody reads an old snapshot, or has until now.
    static let logBound: Int64 = 16 << 20

    /// How often things are done, nanoseconds.
    struct Pace {
        /// The longest time that changes wait to be read.
        var latency: Int64
        /// Between two crawls of what makes no events.
        var sweeps: Int64
        /// Between two audits of a root; nil for none.
        var audits: Int64?

        /// For a watcher that lives as long as a crawl.
        static let oneCrawl = Pace(latency: 20_000_000, sweeps: .max / 2, audits: nil)
    }

    /// Prepares to watch, until `stop` is set.
    init(_ store: Store, _ files: DatabaseFiles.Held, database: Path, pace: Pace, stop: StopFlag) throws {
        self.stop = stop
        self.store = store
        self.files = files
        log = try Descriptor(opening: DatabaseFiles(database: database).path(.log), for: .reading)
        self.database = database
        latency = pace.latency
        let drain = try Watcher.drain(pace.latency)
        self.drain = drain
        stop.whenSet { drain.wakeWork.set() }
        exchange = Exchange(drain)
        let reporter = Reporter()
        self.reporter = reporter
        pruner = try Pruner(store, reporter: reporter)
        let counters = try store.counters()
        capture = try Capture(
            drain: drain, nextNode: counters.nextNode,
            nextGap: counters.nextGap, filesystems: counters.filesystems, vouchedUntil: try store.vouchedUntil,
            unwrittenSince: try store.unwrittenSince, sweepInterval: pace.sweeps, auditInterval: pace.audits,
            notify: { reporter.report($0) })
    }

    /// One inotify instance, of which a user has few. EMFILE says so, and also that this process has no descriptor left.
    private static func drain(_ latency: Int64) throws -> Drain {
        do throws(SystemError) {
            return try Drain(latency: latency)
        } catch {
            guard error.isOutOfDescriptors, error.operation == "inotify_init1" else { throw error }
            do throws(SystemError) { _ = try WakeUp() } catch _ { throw error }
            let limit = Sysctl.inotifyInstances
            throw Failure(
                .unavailable,
                "\(error.operation): the limit of \(limit.map(String.init) ?? "all") instances of this user is reached",
                hint: "sysctl fs.inotify.max_user_instances=\((limit ?? 128) * 4)")
        }
    }

    /// Takes up a root; `formerExcludes` are the lists that were in force since it was last crawled to its end.
    /// What is at the path `adopted` is taken for what was there, whatever file system it is on.
    func add(_ root: Root, formerExcludes: [[[UInt8]]], adopting adopted: Path? = nil) throws {
        var nodes: [StoredNode] = []
        try store.forEachNode(of: root) { id, parent, path, file, coverage in
            nodes.append(StoredNode(id: id, parent: parent, name: path.name, file: file, coverage: coverage))
        }
        var gaps: [GapID: OpenGap] = [:]
        for gap in try store.openGaps(of: root.id) {
            gaps[gap.id] = OpenGap(root: root.id, node: gap.node, cause: gap.cause, since: gap.since)
        }
        capture.add(root, nodes: nodes, gaps: gaps, formerExcludes: formerExcludes, adopting: adopted)
        capture.scheduleAudit(of: root.id, since: try store.sinceAudit(of: root.id))
    }

    /// Runs until the end, then commits what is still queued.
    func run(until end: End) throws {
        self.end = end
        try drain.start()
        defer {
            drain.stop()
            server?.stop()
            followers.leave()
            exchange.close()
        }
        do throws(SystemError) {
            try listen()
        } catch {
            throw Failure(
                error.isForbidden ? .permission : error.isFull ? .inputOutput : .cannotCreate,
                "\(ShellQuote.text(Client.socketPath(database))): cannot listen: \(error.reason)")
        }
        capture.ownFiles = try DatabaseFiles(database: database).inodes()
        try store.waitForOthers(milliseconds: PatientStore.patience)
        // That roots were taken up: their gaps are seen from now on.
        try capture.flush(commits)
        var isReady = false
        while !stop.isSet {
            let began = Clock.boot()
            try lookAtFiles()
            try capture.step(commits)
            try answer()
            for audit in capture.finishedAudits { try commits.waiting { try store.record(audit) } }
            capture.finishedAudits = []
            try prune(isBusy: capture.isBusy)
            try store.checkpointIfDue()
            reporter.progress(capture.progress)
            if !isReady && capture.isLive {
                isReady = true
                if case .crawled = end { break }
                reporter.live(capture, database: database)
            }
            try pause(since: began)
        }
        if case .crawled = end { try pruner.finish { stop.isSet } }
        try capture.finish(commits)
        try commits.waiting { try store.noteVouched(until: capture.vouchedUntil) }
        try answer()
        pruner.close()
        reporter.stopped()
    }

    /// Takes a step of pruning, if it is time to. A reader of an old snapshot keeps the WAL, which steps only make longer: where
    /// it is as long as it may be, they wait until a look has brought it back.
    private func prune(isBusy: Bool) throws {
        if try FileStatus(of: log).size > Self.logBound { isLogHeld = true }
        if !isLogHeld { try pruner.step(isBusy: isBusy) }
    }

    /// Binds the socket, in place of whatever has its name.
    private func listen() throws(SystemError) {
        let group = try FileStatus(at: database.shown).gid
        let started = try Server(
            ListeningSocket(at: Client.socketPath(database), group: group), database: database, exchange: exchange)
        try started.start()
        server?.stop()
        server = started
    }

    /// Once a second: whether the files are those that are held, whether the WAL has to be brought back, and whether the
    /// socket is still there for those who ask.
    private func lookAtFiles() throws {
        guard Clock.boot() >= nextLook else { return }
        nextLook = Clock.boot() + Self.lookInterval
        isLogHeld = false
        if try files.look() > Self.logBound {
            try store.truncateLog()
            isLogHeld = try files.look() > Self.logBound
        }
        guard let server, !server.isAtItsPlace else { return }
        do throws(SystemError) {
            try listen()
            reporter.socket(Client.socketPath(database), nil)
        } catch {
            return reporter.socket(Client.socketPath(database), error)
        }
        capture.ownFiles = try DatabaseFiles(database: database).inodes()
    }

    /// While a commit waits: nothing can be vouched for, and whoever asks is told so.
    private func whileWaiting(_ obstacle: Obstacle) throws {
        guard case .signal = end, !stop.isSet else {
            throw Failure(
                .inputOutput,
                "\(ShellQuote.text(database.shown)): \(obstacle.words)",
                hint: "the journal is as it was then; the next start reconciles")
        }
        try lookAtFiles()
        for pending in exchange.take(settled: .max) {
            switch pending.request {
            case .status: pending.answer(status(queued: pending.queued))
            case .prune(let seq): try pruner.ask(upTo: seq, pending)
            case .barrier, .news, .scan, .adopt, .forget, .verified, .move, .dropConsumer:
                pending.answer(Reply(obstacle))
            }
        }
        followers.tell(of: store.cursor)
        // What is to be forgotten anyway makes room: freeing pages takes a few of the WAL, which is empty by now.
        if obstacle.cause == .full { try prune(isBusy: false) }
    }

    /// How long nothing is looked after while nothing happens, milliseconds.
    private static let longestWait: Int32 = 1000

    /// Waits for something to do, and not before `latency` has passed, unless someone waits for an answer.
    private func pause(since began: Int64) throws {
        if stop.isSet || capture.isBusy || exchange.hasWaiting || (pruner.isAsked && !isLogHeld) { return }
        if !capture.isBehind {
            let untilPruned = isLogHeld ? Self.longestWait : pruner.pause
            _ = try drain.wakeWork.wait(
                timeout: min(Self.longestWait, untilPruned, capture.auditPause ?? Self.longestWait))
        }
        while Clock.boot() < began + latency, !exchange.hasWaiting, !stop.isSet {
            ThisProcess.sleep(nanoseconds: 2_000_000)
        }
    }

    /// Answers the requests whose events are committed. What leaves has to be on the disk: one sync for all of them.
    private func answer() throws {
        let due = exchange.take(settled: capture.settled)
        if due.contains(where: { $0.request == .barrier }) {
            _ = try files.look()
            try syncLog()
        }
        for pending in due {
            switch pending.request {
            case .barrier:
                let closing = capture.closing.map { ("closing", String($0.rawValue)) }
                pending.answer(
                    Reply(
                        [("ok", ""), ("cursor", store.cursor.description), ("live", capture.isLive ? "yes" : "no")]
                            + closing))
            case .status: pending.answer(status(queued: pending.queued))
            case .news(let seq): followers.add(pending, after: seq)
            case .scan(let paths): scan(paths, pending)
            case .adopt(let path):
                if try capture.adopt(path, commits) {
                    scan([path], pending)
                } else {
                    pending.answer(Reply([("ok", ""), ("missing", Hex.encode(path.bytes))]))
                }
            case .forget(let path): pending.answer(try forget(path))
            case .prune(let seq): try pruner.ask(upTo: seq, pending)
            case .verified(let audit):
                try commits.waiting { try store.record(audit) }
                pending.answer(Reply([("ok", "")]))
            case .move(let move):
                let outcome = try commits.waiting { try store.move(move) }
                pending.answer(Reply([("ok", ""), (outcome.rawValue, "")]))
            case .dropConsumer(let name):
                let isKnown = try commits.waiting { try store.dropConsumer(name) }
                pending.answer(Reply([("ok", "")] + (isKnown ? [] : [("missing", "")])))
            }
        }
        followers.tell(of: store.cursor)
        guard !scans.isEmpty else { return }
        let finished = capture.finishedTickets
        for (id, scan) in scans where scan.left.isSubset(of: finished) {
            scans[id] = nil
            try syncLog()
            let missing = scan.missing.map { ("missing", Hex.encode($0.bytes)) }
            scan.pending.answer(
                Reply([("ok", ""), ("cursor", store.cursor.description)] + (missing.map { [$0] } ?? [])))
        }
        if scans.isEmpty { capture.finishedTickets = [] }
    }

    private func syncLog() throws { try log.synchronizeData() }

    private func scan(_ paths: [Path], _ pending: Exchange.Pending) {
        let paths = paths.isEmpty ? capture.rootPaths : paths
        var tickets: Set<Int> = []
        var missing: Path?
        // What can be looked at is, whatever else was asked for.
        for path in paths {
            if capture.scan(path, ticket: nextTicket) { tickets.insert(nextTicket) } else { missing = missing ?? path }
            nextTicket += 1
        }
        scans[nextTicket] = (pending, tickets, missing)
        nextTicket += 1
    }

    private func forget(_ path: Path) throws -> Reply {
        guard let root = try store.roots().first(where: { $0.path == path }) else {
            return Reply([("ok", ""), ("missing", Hex.encode(path.bytes))])
        }
        try capture.remove(root.id, commits)
        try commits.waiting { try store.forget(root) }
        return Reply([("ok", "")])
    }

    private func status(queued: Int) -> Reply {
        var fields = [
            ("ok", ""), ("pid", String(ThisProcess.id)),
            ("live", capture.isLive && commits.obstacle == nil ? "yes" : "no"),
            ("watches", String(capture.watches)), ("directories", String(capture.directories)),
            ("unwatched", String(capture.unwatched)),
            ("overflows", String(capture.overflows)), ("queued", String(queued)),
        ]
        if let obstacle = commits.obstacle { fields.append(obstacle.field) }
        if let limit = Sysctl.inotifyWatches { fields.append(("watch-limit", String(limit))) }
        if let progress = capture.progress {
            fields.append(("crawl", "\(Hex.encode(progress.path.bytes)) \(progress.entries) \(progress.nanoseconds)"))
        }
        fields += capture.closing.map { ("closing", String($0.rawValue)) }
        fields += pruner.status
        return Reply(fields)
    }
}
