import CTestLinux
import Foundation
import Seeded
import Testing

/// A tree and a journal that lose power, again and again, each time in the middle of work.
///
/// FS_IOC_SHUTDOWN is as good as the plug: from one moment on nothing reaches the disk, and what comes back at the next
/// mount is what the file system's log had by then. Metadata may have been written and content not; the journal may know
/// of changes that the tree has lost, and the tree have changes that the journal has lost.
final class PowerCut {
    /// What lies on which file system, and which of them lose power.
    struct Layout: Sendable, CustomTestStringConvertible {
        var tree: String
        /// Nil: the tree's own file system. `tmpfs` cannot lose power.
        var journal: String?
        var treeIsCut = true
        var journalIsCut = true

        var testDescription: String {
            "tree on \(tree)\(treeIsCut ? " (cut)" : ""), "
                + (journal.map { "journal on \($0)\(journalIsCut ? " (cut)" : "")" } ?? "journal beside it")
        }
    }

    /// What a consumer saw when it got its cursor.
    private struct Moment {
        var cursor: String
        var walk: Tree
    }

    let layout: Layout
    private let seed: UInt64
    private let session: Session
    /// The file systems that lose power.
    private let disks: [Bytes]
    private var random: SplitMix64
    private var moments: [Moment] = []
    private(set) var failures: [String] = []
    private(set) var figures = Figures()

    /// Nil where one of the file systems cannot be made here.
    init?(_ layout: Layout, seed: UInt64) throws {
        self.layout = layout
        self.seed = seed
        random = SplitMix64(seed: seed)
        let scratch = try Scratch()
        func disk(_ type: String, _ name: Bytes) throws -> Bytes? {
            if type == "tmpfs" { return scratch.path }
            return try scratch.mount(type, name: name, megabytes: type == "xfs" ? 320 : 128)
        }
        guard let base = try disk(layout.tree, "tree-disk") else { return nil }
        guard let beside = try layout.journal.map({ try disk($0, "journal-disk") }) ?? base else { return nil }
        disks = Set((layout.treeIsCut ? [base] : []) + (layout.journalIsCut ? [beside] : [])).sorted()
        session = try Session(in: scratch, base: base, state: beside / "state")
        for name in Worker.steady { try Sys.mkdir(session.tree / name) }
        try session.start()
    }

    /// Cuts power `count` times, or until an answer is wrong.
    func run(cuts count: Int) throws {
        for number in 1...count where failures.isEmpty {
            do {
                try work()
                try cut()
                try judge("cut \(number)")
            } catch {
                report("cut \(number)", ["\(error)"])
            }
            figures.cuts += 1
            figures.rounds += 1
        }
    }

    private func report(_ place: String, _ wrong: [String]) {
        guard !wrong.isEmpty else { return }
        let shown = wrong.prefix(8).joined(separator: "\n  ")
        failures.append(
            "POWER_SEED=\(seed) \(layout.testDescription), \(place): \(wrong.count) wrong\n  \(shown)"
                + "\n  watcher: \(session.watcher?.said.errors ?? "none")")
        figures.differences += wrong.count
    }

    /// Changes the tree, and now and then, at a quiet moment, takes a cursor with what is there.
    private func work() throws {
        for _ in 0...random.below(3) {
            var worker = worker()
            worker.work(5 + random.below(40))
            try overwrite()
            if random.chance(30) { try sync() }
            moments.append(
                Moment(cursor: try session.sync(), walk: try Tree(walking: session.tree, contents: true)))
            if random.chance(50) { try commitMetadata() }
        }
    }

    private func worker() -> Worker {
        var known: [Bytes: UInt64] = [:]
        for place in Worker.steady.map({ session.tree / $0 }) {
            for name in (try? Sys.list(place)) ?? [] { known[place / name] = (try? Sys.facts(place / name))??.ino }
        }
        return Worker(
            tree: session.tree, outside: session.outside, touched: Touched(), gate: Worker.Gate(), known: known,
            random: random.split())
    }

    /// New content in place, of the same length: what comes back may be the same inode with other bytes.
    private func overwrite() throws {
        let path = session.tree / Worker.steady[0] / Bytes("in-place\(random.below(4))")
        let letter = UInt8(97 + random.below(26))
        // The worker may have put something else there.
        if let facts = try Sys.facts(path), facts.mode & S_IFMT != S_IFREG || facts.nlink > 1 { return }
        try Sys.write(path, [UInt8](repeating: letter, count: 3000), O_WRONLY | O_CREAT)
    }

    /// All of it to the disk, so that there is something to roll back to.
    private func sync() throws {
        let directory = try Sys.open(session.base, O_RDONLY | O_DIRECTORY)
        defer { close(directory) }
        try SystemError.check(test_syncfs(directory), "syncfs", session.base)
    }

    /// Another program's fsync: the file system's log is written, and content of other files is not.
    private func commitMetadata() throws {
        let path = session.outside / "synced"
        let file = try Sys.open(path, O_WRONLY | O_CREAT)
        defer { close(file) }
        try Sys.write(file, [1], path)
        try SystemError.check(fsync(file), "fsync", path)
    }

    /// Power goes while a worker is at it and the watcher commits what it does.
    private func cut() throws {
        guard let watcher = session.watcher else { return }
        let descriptors = try disks.map { try Sys.open($0, O_RDONLY | O_DIRECTORY) }
        let done = DispatchGroup()
        let worker = worker()
        let pause = UInt32(random.below(120)) * 1000
        let flags = UInt32(random.chance(75) ? 2 : 1)
        done.enter()
        Thread.detachNewThread {
            var worker = worker
            worker.work(300)
            done.leave()
        }
        usleep(pause)
        for descriptor in descriptors {
            let result = test_shutdown(descriptor, flags)
            close(descriptor)
            try SystemError.check(result, "FS_IOC_SHUTDOWN")
        }
        watcher.kill()
        done.wait()
        for disk in disks { try session.scratch.unmount(disk) }
        for disk in disks { try session.scratch.remount(disk) }
        try watcher.restart()
    }

    /// No cursor was lost, and none has lost a change: neither those of the time after, nor those that were taken back.
    private func judge(_ place: String) throws {
        let walk = try Tree(walking: session.tree, contents: true)
        report("\(place) state", Comparison.state(try session.views.files(), walk))
        let chosen = moments.suffix(3) + (moments.count > 3 ? [moments[random.below(moments.count - 3)]] : [])
        for moment in chosen {
            let rows = try session.query(since: moment.cursor, "--renames", "split").rows
            report("\(place) since \(moment.cursor)", Comparison.net(rows, moment.walk, walk) { _ in true })
            figures.paths += moment.walk.entries.count
        }
        let check = try session.views.value("PRAGMA quick_check")
        if check != "ok" { report("\(place) database", [check ?? "none"]) }
    }
}
