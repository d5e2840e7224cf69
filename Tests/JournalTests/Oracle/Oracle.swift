import CTestLinux
import Foundation
import Seeded
import Synchronization

/// Random work, round after round, against one journal; after each round two walks say what it has to answer.
final class Oracle {
    /// What happens to the watcher while a round's work is done.
    enum Round: String, CaseIterable {
        /// Nothing.
        case live
        /// It is killed in the middle, and started again when the work is done.
        case killed
        /// It is told to stop in the middle, likewise.
        case stopped
        /// It is stopped before and started after.
        case down
        /// It does not read for a while, with a short queue.
        case overflow
        /// Programs work beside the threads: other processes, whose files close when they exit.
        case programs
        /// The file system that the tree lies on is unmounted, and mounted again.
        case remounted
        /// A file system is mounted over a directory of the tree, and unmounted again.
        case covered
        /// There is no work.
        case idle
    }

    let seed: UInt64
    let place: Session.Place
    let session: Session
    var random: SplitMix64
    /// The watcher is nobody, and directories become unreadable to it.
    let isNobody: Bool
    private let workers: Int
    private let operations: Int
    private let rounds: [Round]
    /// What was true after each round, the first before any.
    var history: [Moment] = []
    private(set) var failures: [String] = []
    var figures = Figures()
    private var hasShortQueue = false
    private let deeds = Deeds()

    struct Moment {
        var cursor: String
        var walk: Tree
        /// What led here from the moment before.
        var touched: Touched
        var crawled: Bool
        /// What was written shortly before counts as written once more: the file system was mounted again.
        var isDoubted = false
    }

    init(
        seed: UInt64, place: Session.Place = .memory, workers: Int = 3, operations: Int = 50, mounts: Bool = false
    ) throws {
        self.seed = seed
        self.place = place
        self.workers = workers
        self.operations = operations
        let kinds = ProcessInfo.processInfo.environment["ORACLE_KINDS"]?.split(separator: ",").map(String.init)
        rounds = Round.allCases.filter {
            if let kinds, !kinds.contains($0.rawValue) { return false }
            switch $0 {
            case .remounted: return mounts && place == .ext4
            case .covered: return mounts
            default: return true
            }
        }
        var random = SplitMix64(seed: seed)
        isNobody = random.chance(25) && geteuid() == 0
        self.random = random
        session = try Session(on: place)
        if isNobody {
            session.wrapper = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            try Sys.chown(session.database.parent, 65534, 65534)
        }
        for name in Worker.steady { try Sys.mkdir(session.tree / name) }
        work(Touched())
        try open()
        try session.start()
        let cursor = try session.sync()
        let walk = try Tree(walking: session.tree, contents: true)
        // All of it was made a moment ago.
        let touched = Touched()
        touched.tree(session.tree)
        history = [Moment(cursor: cursor, walk: walk, touched: touched, crawled: false)]
        report("first crawl", Comparison.state(try session.views.files(), walk))
    }

    /// Runs `count` rounds, or as many as it takes until one fails.
    func run(rounds count: Int) throws {
        var kinds: [Round] = []
        for number in 1...max(1, count) where failures.isEmpty {
            if kinds.isEmpty { kinds = (rounds + [.live, .live]).shuffled(using: &random) }
            let kind = kinds.removeLast()
            deeds.begin("round \(number) (\(kind))")
            do { try play(kind, "round \(number) (\(kind))") } catch {
                report("round \(number) (\(kind))", ["\(error)"])
            }
            figures.rounds += 1
        }
        if !failures.isEmpty, let file = try deeds.save(seed: seed, tree: session.tree, outside: session.outside) {
            failures.append("to do it again one by one: ORACLE_REPLAY=\(file) swift test --filter OracleTests.replay")
            for part in ["", "-wal"] {
                try? FileManager.default.copyItem(atPath: "\(session.database)\(part)", toPath: "\(file).db\(part)")
            }
        }
    }

    func report(_ place: String, _ wrong: [String]) {
        guard !wrong.isEmpty else { return }
        let shown = wrong.prefix(12).joined(separator: "\n  ")
        let said = session.watcher.map { "\n  watcher: \($0.said.errors)" } ?? ""
        failures.append("\(place): \(wrong.count) wrong\n  \(shown)\(said)")
        figures.differences += wrong.count
    }

    /// Lets the workers work at the same time, and `meanwhile` beside them.
    private func work(_ touched: Touched, workers: Int? = nil, meanwhile: () -> Void = {}) {
        let gate = Worker.Gate()
        var known: [Bytes: UInt64] = [:]
        for place in Worker.steady.map({ session.tree / $0 }) {
            for name in (try? Sys.list(place)) ?? [] { known[place / name] = (try? Sys.facts(place / name))??.ino }
        }
        let done = DispatchGroup()
        for number in 0..<(workers ?? self.workers) {
            let worker = Worker(
                tree: session.tree, outside: session.outside, touched: touched, gate: gate, known: known,
                random: random.split())
            let (count, deeds) = (operations, deeds)
            done.enter()
            Thread.detachNewThread {
                var worker = worker
                Deeds.$current.withValue(deeds.of(worker: number)) { worker.work(count) }
                done.leave()
            }
        }
        defer { done.wait() }
        meanwhile()
    }

    private func play(_ kind: Round, _ place: String) throws {
        let touched = Touched()
        guard let watcher = session.watcher, let before = history.last else { return }
        if hasShortQueue, [.live, .programs, .idle, .remounted, .covered].contains(kind) {
            hasShortQueue = false
            try watcher.stop()
            try watcher.restart()
        }
        let gapsBefore = try session.views.gaps().count
        // Cursors handed out while the work goes on; whatever happens, they have to be good for the rest of the log.
        var midway: [String] = []
        let pause = UInt32(random.below(30)) * 1000
        switch kind {
        case .live:
            work(touched) { for _ in 0..<3 { if let cursor = try? session.sync() { midway.append(cursor) } } }
        case .killed:
            work(touched) {
                if let cursor = try? session.sync() { midway.append(cursor) }
                usleep(pause)  // anywhere in the work, and in the middle of a commit as well
                watcher.kill()
            }
            figures.kills += 1
            hasShortQueue = false
            try watcher.restart()
        case .stopped:
            var failed: (any Error)?
            work(touched) {
                usleep(pause)
                do { try watcher.stop() } catch { failed = error }
            }
            if let failed { throw failed }
            figures.stops += 1
            hasShortQueue = false
            try watcher.restart()
        case .down:
            try watcher.stop()
            hasShortQueue = false
            figures.stops += 1
            work(touched)
            try watcher.restart()
        case .overflow:
            if !hasShortQueue {
                try watcher.stop()
                try watcher.restart(queue: 16)
                hasShortQueue = true
            }
            watcher.paused { work(touched) }
            work(touched)
            figures.overflows += 1
        case .programs:
            touched.tree(session.tree)
            var programs = Programs(tree: session.tree, random: random.split())
            var failed: (any Error)?
            work(touched, workers: workers - 1) {
                Deeds.$current.withValue(deeds.of(worker: workers)) {
                    do { try programs.work(8) } catch { failed = error }
                }
            }
            if let failed { throw failed }
        case .remounted:
            work(touched)
            if pause < 10_000 { midway.append(try session.sync()) }
            try session.scratch.unmount(session.base)
            usleep(pause)
            try session.scratch.remount(session.base)
            work(touched)
            figures.remounts += 1
        case .covered:
            let point = session.tree / Worker.steady[0]
            work(touched)
            guard try session.scratch.mount("tmpfs", at: point, megabytes: 8) else { return }
            work(touched)
            try refusedOrExact(before, place, hidden: point)
            try session.scratch.unmount(point)
            work(touched)
        case .idle: break
        }
        if isNobody {
            try refusedOrExact(before, place)
            try open()
        }
        try judge(kind, before, touched, midway, gapsBefore, place)
    }

    /// Makes all directories readable again.
    private func open() throws {
        guard isNobody else { return }
        for (path, entry) in try Tree(walking: session.tree).entries.sorted(by: { $0.key < $1.key })
        where entry.type == "directory" && entry.mode & 0o005 != 0o005 {
            try Sys.chmod(path, mode_t(entry.mode | 0o755))
        }
    }
}
