import Glibc
import Foundation
import Testing

/// The kernel's queue: what it merges and drops, and how it is read.
@Suite struct QueueTests {
    private func overflows(_ session: Session) throws -> Int {
        try session.views.gaps().filter { $0.cause == "overflow" }.count
    }

    private func watcher(_ session: Session, _ member: String) throws -> Int64? {
        try JSON(session.run("status", "--json").bytes)["watcher"]?[member]?.integer
    }

    /// The length is copied when the instance is made: raising the limit is for the next watcher.
    @Test func B4_aQueueKeepsTheLengthItWasMadeWith() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        let watcher = try session.start(queue: 16)
        func work(_ round: Int) throws {
            let cursor = try session.sync()
            let before = try Tree(walking: session.tree, contents: true)
            try watcher.paused {
                for index in 0..<100 { try Sys.write(session.tree / Bytes("f\(index)"), "round \(round)") }
            }
            let wrong = try session.judge(since: cursor, before)
            #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        }
        try Queue.whileItHolds(16_384) { try work(1) }
        let short = try overflows(session)
        #expect(short > 0, "the limit was raised while it ran, and it has a longer queue")
        try watcher.stop()
        try watcher.restart(queue: 16_384)
        try work(2)
        #expect(try overflows(session) == short, "started with a longer queue, it overflows all the same")
    }

    /// 6,000 events of up to 272 bytes are several reads, wherever one ends. On ramfs, which has no birth times, nothing but
    /// the cookies says that a file that is gone and one that is new are the same.
    @Test(arguments: ["tmpfs", "ramfs"] as [Bytes]) func B7_aReadMayEndBetweenTheHalvesOfARename(type: Bytes) throws {
        let session = try Session()
        guard try Mount.isPossible(session.scratch),
            try Program.run("mount", ["-t", type, "none", session.tree]).status == 0
        else { return try Skipped.note("no \(type) can be mounted here") }
        defer { _ = try? Program.run("umount", ["-l", session.tree]) }
        let (here, there) = (session.tree / "here", session.tree / "there")
        for directory in [here, there] { try Sys.mkdir(directory) }
        func name(_ index: Int) -> Bytes { Bytes("\(index)-" + String(repeating: "n", count: 150 + index % 80)) }
        // Longer by one unit of padding: were both halves as long, they would fill a read of a power of two by pairs.
        func after(_ name: Bytes) -> Bytes { there / Bytes(name.raw + "-with-a-new-name".utf8) }
        let names = (0..<3000).map(name)
        for name in names { try Sys.write(here / name, "") }
        let watcher = try session.start()
        let cursor = try session.sync()
        try watcher.paused { for name in names { try Sys.rename(here / name, after(name)) } }
        let log = try session.query(since: cursor, "--log", "--type", "file").rows
        let split = log.filter { $0.kind != "renamed" }
        #expect(split.isEmpty, "\(split.count) rows, \(split.first?.description ?? "")")
        #expect(Set(log.map(\.path)) == Set(names.map(after)))
        #expect(log.allSatisfy { row in row.oldPath.map { after($0.relative(to: here)) } == row.path })
    }

    /// Only the crawl that is under way, or the next, finds where these directories are.
    @Test func B2_anOverflowInAFirstCrawlLosesDirectoriesForAWhile() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        for index in 0..<2000 { try Sys.mkdirs(session.tree / Bytes("d\(index)/e")) }
        let watcher = try session.start(queue: 16, live: false)
        usleep(100_000)
        try watcher.paused {
            for index in 0..<20 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
            for index in 0..<2000 {
                try Sys.rename(session.tree / Bytes("d\(index)"), session.tree / Bytes("moved\(index)"))
            }
        }
        let isLive = try eventually(.seconds(30)) {
            for index in 0..<2000 { try Sys.write(session.tree / Bytes("moved\(index)/g"), "2") }
            // Time for the crawls that this calls for, before the next round calls for others.
            return try session.run("sync", "--timeout", Bytes("\(4 * Sanitizer.patience)s")).status == 0
        }
        #expect(isLive, "\(watcher.said)")
        try session.sync()
        let wrong = try session.run("verify")
        #expect(wrong.status == 0, "\(wrong)")
    }

    @Test func B8_whatWaitsInTheQueueIsShown() throws {
        let session = try Session()
        // It would read in a minute, or when somebody asks.
        try session.start(options: ["--latency", "60s"])
        try session.sync()
        for index in 0..<100 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
        // Each file is created, modified and closed: three events of a header and a name of at least 16 bytes.
        #expect(try watcher(session, "queued_bytes") ?? 0 >= 100 * 3 * 32)
        #expect(try session.query().rows.count == 100)
        #expect(try watcher(session, "queued_bytes") == 0)
    }

    /// A program that is stopped and continued has its system calls interrupted.
    @Test func B8_interruptionsLoseNothing() throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let (tree, done) = (session.tree, DispatchGroup())
        done.enter()
        Thread.detachNewThread {
            for index in 0..<4000 {
                let path = tree / Bytes("d\(index % 20)") / Bytes("f\(index % 200)")
                try? Sys.mkdirs(path.parent)
                try? Sys.write(path, "\(index)")
                if index % 50 == 0 { try? Sys.rename(path.parent, tree / Bytes("d\((index + 7) % 20)")) }
                if index % 70 == 0 { try? Sys.removeTree(path.parent) }
            }
            done.leave()
        }
        while done.wait(timeout: .now()) == .timedOut { _ = watcher.paused { sched_yield() } }
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
    }

    /// Serves a new directory at `point`, with twenty in it; nil where that cannot be done here, which is said.
    private func server(_ session: Session, of point: Bytes) throws -> Child? {
        guard try Bindfs.isPossible() else { return nil }
        let source = session.outside / "source"
        for directory in [point, source] { try Sys.mkdir(directory) }
        for index in 0..<20 { try Sys.mkdir(source / Bytes("d\(index)")) }
        let server = try Child("bindfs", ["-f", source, point])
        let limit = ContinuousClock.now + .seconds(30)
        while try Sys.facts(point / "d0") == nil {
            guard server.isRunning, .now < limit else {
                end(server, of: point)
                try Skipped.note("bindfs cannot mount here")
                return nil
            }
            usleep(10_000)
        }
        return server
    }

    private func end(_ server: Child, of point: Bytes) {
        server.signal(SIGCONT)
        _ = try? Program.run("umount", ["-l", point])
        server.signal(SIGKILL)
    }

    /// `mv a b; echo >> b`, and `mv b c` once that has been looked at and is not committed: `c` was written to as well.
    @Test func whatWasWrittenUnderANameThatDidNotLastIsSaidOfTheNext() throws {
        let session = try Session()
        let (point, there) = (session.tree / "point", session.tree / "there")
        try Sys.mkdir(there)
        try Sys.write(session.tree / "a", "1")
        try Sys.utimens(session.tree / "a", access: nil, modification: 1)
        guard let server = try server(session, of: point) else { return }
        defer { end(server, of: point) }
        let watcher = try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        try watcher.paused {
            try Sys.rename(session.tree / "a", session.tree / "b")
            try Sys.write(session.tree / "b", Array("2".utf8), O_WRONLY)
            try Sys.utimens(session.tree / "b", access: nil, modification: 1)
            try Sys.rmdir(there)  // which may have gone elsewhere, so the queue is read once more
            try Sys.write(point / "d0/f", "1")
            usleep(1_500_000)  // until the kernel asks the server about d0 again
            server.signal(SIGSTOP)
        }
        usleep(500_000)
        try Sys.rename(session.tree / "b", session.tree / "c")
        usleep(500_000)
        server.signal(SIGCONT)
        let rows = try session.query(since: cursor, "--type", "file", session.tree / "a", session.tree / "c").rows
        #expect(rows.count == 1 && rows[0].oldPath == session.tree / "a" && rows[0].content, "\(rows)")
    }

    /// `mv g c; mv --exchange c z/f`, when the first was looked at, and of the second only what is at `z/f`: the directory is
    /// at one place at a time, in the log too.
    @Test func aDirectoryIsAtOnePlaceInABatch() throws {
        let session = try Session()
        let (point, there) = (session.tree / "point", session.tree / "z/f")
        try Sys.mkdirs(session.tree / "g/sub")
        try Sys.mkdir(session.tree / "z")
        try Sys.write(there, "1")
        guard let server = try server(session, of: point) else { return }
        defer { end(server, of: point) }
        let watcher = try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        func walk() throws -> Tree {
            var walk = try Tree(walking: session.tree)
            walk.entries = walk.entries.filter { !point.contains($0.key) && $0.key != point }
            return walk
        }
        let before = try walk()
        try watcher.paused {
            try Sys.rename(session.tree / "g", session.tree / "c")
            try Sys.chmod(there, 0o600)
            try Sys.write(point / "f", "1")
            usleep(1_500_000)  // until the kernel asks the server again
            server.signal(SIGSTOP)
        }
        usleep(500_000)
        try Sys.rename(session.tree / "c", there, flags: 2)  // RENAME_EXCHANGE
        usleep(100_000)
        server.signal(SIGCONT)
        let paths = ["c", "g", "z"].map { session.tree / $0 }
        let log = try session.query(since: cursor, "--log", paths[0], paths[1], paths[2]).rows
        let wrong = Comparison.replay(log, batches: try session.views.batches(after: 0), before, try walk())
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))\n\(log)")
    }

    /// A file system whose server does not answer holds up whoever looks at it, but not the one who reads the queue.
    @Test func B9_aFileSystemThatHangsFillsNoQueue() throws {
        let session = try Session()
        let (point, local) = (session.tree / "point", session.tree / "local")
        try Sys.mkdir(local)
        guard let server = try server(session, of: point) else { return }
        defer { end(server, of: point) }
        let limit = ContinuousClock.now + .seconds(30)
        try session.start(options: ["--cross-mounts"], queue: Queue.isAdjustable ? 16_384 : nil)
        let cursor = try session.sync()
        server.signal(SIGSTOP)
        let scan = try Child(Program.journal, ["scan", point, "--db", session.database])
        while try session.run("sync", "--timeout", "500ms").status == 0 {
            guard scan.isRunning, .now < limit else { throw Disk.Failed(description: "the crawl does not hang") }
        }
        // At least three events each: several times what the queue holds.
        for index in 0..<20_000 { try Sys.write(local / Bytes("f\(index)"), "1") }
        server.signal(SIGCONT)
        let rows = try session.query(since: cursor, local).rows
        #expect(rows.count == 20_000)
        #expect(try watcher(session, "overflows") == 0)
        #expect(try overflows(session) == 0)
        #expect(scan.wait(.seconds(60)) == 0)
    }
}
