import CTestLinux
import Foundation
import Synchronization

/// Random work, round after round, against one journal; after each round two walks say what it has to answer.
final class Oracle {
    /// What happens to the watcher while a round's work is done.
    enum Round: String, CaseIterable {
        /// Nothing.
        case live
        /// It is killed in the middle, and started again when the work is done.
        case killed
        /// It is stopped before and started after.
        case down
        /// It does not read for a while, with a short queue.
        case overflow
        /// There is no work.
        case idle
    }

    let seed: UInt64
    private let place: Session.Place
    private let session: Session
    private var random: SplitMix64
    private let workers: Int
    private let operations: Int
    /// What was true after each round, the first before any.
    private var history: [Moment] = []
    private(set) var failures: [String] = []

    private struct Moment {
        var cursor: String
        var walk: Tree
        /// What led here from the moment before.
        var touched: Touched
        var crawled: Bool
    }

    init(seed: UInt64, place: Session.Place = .memory, workers: Int = 3, operations: Int = 50) throws {
        self.seed = seed
        self.place = place
        self.workers = workers
        self.operations = operations
        random = SplitMix64(seed: seed)
        session = try Session(on: place)
        for name in Worker.steady { try Sys.mkdir(session.tree / name) }
        work(Touched())
        try session.start()
        let cursor = try session.sync()
        let walk = try Tree(walking: session.tree, contents: true)
        history = [Moment(cursor: cursor, walk: walk, touched: Touched(), crawled: false)]
        report("first crawl", Comparison.state(try session.views.files(), walk))
    }

    /// Runs `count` rounds, or as many as it takes until one fails.
    func run(rounds count: Int) throws {
        var kinds: [Round] = []
        for number in 1...max(1, count) where failures.isEmpty {
            if kinds.isEmpty { kinds = (Round.allCases + [.live, .live]).shuffled(using: &random) }
            let kind = kinds.removeLast()
            do { try play(kind, "round \(number) (\(kind))") } catch {
                report("round \(number) (\(kind))", ["\(error)"])
            }
        }
    }

    private func report(_ place: String, _ wrong: [String]) {
        guard !wrong.isEmpty else { return }
        let shown = wrong.prefix(12).joined(separator: "\n  ")
        let said = session.watcher.map { "\n  watcher: \($0.said.errors)" } ?? ""
        failures.append("ORACLE_SEED=\(seed) on \(self.place), \(place): \(wrong.count) wrong\n  \(shown)\(said)")
    }

    /// Lets the workers work at the same time, and `meanwhile` beside them.
    private func work(_ touched: Touched, meanwhile: () -> Void = {}) {
        let gate = Worker.Gate()
        var known: [Bytes: UInt64] = [:]
        for place in Worker.steady.map({ session.tree / $0 }) {
            for name in (try? Sys.list(place)) ?? [] { known[place / name] = (try? Sys.facts(place / name))??.ino }
        }
        let done = DispatchGroup()
        for _ in 0..<workers {
            let worker = Worker(
                tree: session.tree, outside: session.outside, touched: touched, gate: gate, known: known,
                random: random.split())
            let count = operations
            done.enter()
            Thread.detachNewThread {
                var worker = worker
                worker.work(count)
                done.leave()
            }
        }
        defer { done.wait() }
        meanwhile()
    }

    private func play(_ kind: Round, _ place: String) throws {
        let touched = Touched()
        let gapsBefore = try session.views.gaps()
        guard let watcher = session.watcher, let before = history.last else { return }
        // Cursors handed out while the work goes on; whatever happens, they have to be good for the rest of the log.
        var midway: [String] = []
        switch kind {
        case .live:
            work(touched) { for _ in 0..<3 { if let cursor = try? session.sync() { midway.append(cursor) } } }
        case .killed:
            let pause = random.below(30)
            work(touched) {
                if let cursor = try? session.sync() { midway.append(cursor) }
                usleep(UInt32(pause) * 1000)  // anywhere in the work, and in the middle of a commit as well
                watcher.kill()
            }
            try watcher.restart()
        case .down:
            try watcher.stop()
            work(touched)
            try watcher.restart()
        case .overflow:
            try watcher.stop()
            try watcher.restart(queue: 16)
            watcher.paused { work(touched) }
            work(touched)
        case .idle: break
        }

        let log = try session.query(since: before.cursor, "--log")
        let net = try session.query(since: before.cursor, "--renames", "split")
        let cursor = net.cursor ?? ""
        let walk = try Tree(walking: session.tree, contents: true)
        let crawled = kind != .live && kind != .idle
        history.append(Moment(cursor: cursor, walk: walk, touched: touched, crawled: crawled))

        // A second name that came and went between two reads moves the ctime of the first, and nothing else.
        report(
            "\(place) state",
            Comparison.state(try session.views.files(), walk).filter { line in
                !(line.contains(": ctime: has") && Worker.steady.contains { line.contains("/tree/\($0)/") })
            })
        try judge(from: history.count - 2, net.rows, place)
        report(
            "\(place) log",
            Comparison.replay(log.rows, batches: try session.views.batches(after: 0), before.walk, walk))
        try paging(since: before.cursor, log.rows, place)
        for cursor in midway {
            let rest = try session.query(since: cursor, "--log").rows.map(\.seq)
            if rest != log.rows.map(\.seq).suffix(rest.count) {
                report("\(place) cursor \(cursor)", ["not the rest of the log: \(rest)"])
            }
        }
        if history.count > 2 {
            let early = random.below(history.count - 1)
            try judge(
                from: early, session.query(since: history[early].cursor, "--renames", "split").rows,
                "\(place) since round \(early)")
        }
        try gate(before, net.rows, kind, place)
        try sources(kind, log.rows, Array(try session.views.gaps().dropFirst(gapsBefore.count)), place)
        if kind == .overflow {
            try watcher.stop()
            try watcher.restart()
        }
    }

    /// The net answer since an earlier moment, in both forms.
    private func judge(from index: Int, _ split: [Row], _ place: String) throws {
        guard let now = history.last else { return }
        let (since, steps) = (history[index], history[(index + 1)...])
        let crawled = steps.contains { $0.crawled }
        report(
            "\(place) net",
            Comparison.net(split, since.walk, now.walk) { path in
                let entry = now.walk[path]
                // A crawl reports what moved a ctime unseen: entries of a directory, a second name that came and went.
                return
                    (crawled
                    && (entry?.type == "directory" || Worker.steady.contains { (session.tree / $0).contains(path) }))
                    || steps.contains { $0.touched.contains(path, ino: entry?.ino) }
            })
        let follow = try session.query(since: since.cursor, "--renames", "follow").rows
        report("\(place) follow", Comparison.follow(follow, since.walk, now.walk))
    }

    /// Pages of the log, put together, are the log.
    private func paging(since start: String, _ rows: [Row], _ place: String) throws {
        let limit = Bytes("\(1 + random.below(40))")
        var (cursor, seqs) = (start, [Int64]())
        for _ in 0...rows.count {
            let page = try session.query(since: cursor, "--log", "--limit", limit)
            guard !page.rows.isEmpty, let next = page.cursor else { break }
            seqs += page.rows.map(\.seq)
            cursor = next
        }
        if seqs != rows.map(\.seq) {
            report(
                "\(place) pages of \(limit)", ["\(seqs.count) rows for \(rows.count): \(seqs)\n  \(rows.map(\.seq))"])
        }
    }

    /// `unchanged`: 1 where something is another, 0 where nothing was done, and between these either.
    private func gate(_ before: Moment, _ net: [Row], _ kind: Round, _ place: String) throws {
        guard let now = history.last else { return }
        let since = try session.run("unchanged", "--since", Bytes(before.cursor))
        let paths = Set(before.walk.entries.keys).union(now.walk.entries.keys)
        let changed = paths.contains { Comparison.change(before.walk[$0], now.walk[$0]) != .none }
        if changed && since.status != 1 { report("\(place) unchanged", ["\(since)"]) }
        if kind == .idle && since.status != 0 { report("\(place) unchanged", ["nothing was done: \(since)"]) }
        if !net.isEmpty && since.status == 0 { report("\(place) unchanged", ["but there are rows: \(net[0])"]) }
        let still = try session.run("unchanged", "--since", Bytes(now.cursor))
        if still.status != 0 { report("\(place) unchanged", ["nothing was done since: \(still)"]) }
        if kind == .idle && !net.isEmpty { report("\(place) idle", net.map(\.description)) }
    }

    /// What was found by a crawl says so, and every time that nobody looked is a row of `gaps`.
    private func sources(_ kind: Round, _ log: [Row], _ gaps: [Views.Gap], _ place: String) throws {
        if kind == .down {
            let wrong = log.filter { $0.source != "crawl" || $0.notBefore == nil || $0.notBefore! > $0.time }
            report("\(place) source", wrong.map(\.description))
        }
        let cause: String? =
            switch kind {
            case .live, .idle: nil
            case .killed, .down: "downtime"
            case .overflow: "overflow"
            }
        if let cause, !gaps.contains(where: { $0.cause == cause }) {
            report("\(place) gaps", ["no gap by \(cause): \(gaps)"])
        }
        report("\(place) gaps", gaps.filter(\.isOpen).map { "still open: \($0)" })
    }
}
