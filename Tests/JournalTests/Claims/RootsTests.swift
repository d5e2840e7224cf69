import CTestLinux
import Glibc
import Testing

/// What is between roots, and between what a root covers and what it excludes.
@Suite struct RootsTests {
    private let session: Session

    init() throws { session = try Session() }

    /// It is one inode, and one watch.
    @Test(arguments: [false, true]) func aDirectoryThatMovedToAnotherRootIsWatchedThere(exchanged: Bool) throws {
        let (tree, other) = (session.tree, session.outside)
        try Sys.mkdirs(tree / "d/e")
        try Sys.mkdirs(other / "d/e")
        let watcher = try session.start([tree, other])
        try session.sync()
        try Sys.rename(tree / "d", other / (exchanged ? "d" : "d2"), flags: exchanged ? 2 : 0)
        let cursor = try session.sync()
        let directory = other / (exchanged ? "d" : "d2")
        try Sys.write(directory / "new", "1")
        try Sys.write(directory / "e/new", "1")
        #expect(try session.query(since: cursor).paths == [directory / "e/new", directory / "new"])
        #expect(try session.run("verify").status == 0)
        #expect(watcher.isRunning)
    }

    /// Two roots that are one directory have one watch: what that cannot tell is refused, and looked at from time to time.
    @Test func B50_twoRootsShowOneDirectory() throws {
        guard try Mount.isPossible(session.scratch) else { return try Skipped.note("this user may not mount") }
        try Sys.mkdirs(session.tree / "d")
        try Mount.run("mount", "--bind", session.tree, session.outside)
        defer { _ = try? Program.run("umount", ["-l", session.outside]) }
        try session.start([session.tree, session.outside])
        let cursor = Bytes(try session.sync())
        try Sys.write(session.tree / "d/f", "1")
        let statuses = try [session.tree, session.outside].map {
            try session.run("unchanged", "--since", cursor, "--timeout", "200ms", $0).status
        }
        #expect(!statuses.contains(0), "\(statuses)")
        #expect(statuses.contains(1), "one of them has the watch: \(statuses)")
    }

    /// A covered file is gone, though something has its name that is not covered.
    @Test(arguments: [false, true]) func aDirectoryThatIsExcludedTakesThePlaceOfAFile(down: Bool) throws {
        let (d, e) = (session.tree / "d", session.tree / "e")
        for name in [d, e] { try Sys.write(name, "1") }
        let watcher = try session.start(options: ["--exclude", "d/", "--exclude", "e/"])
        let cursor = try session.sync()
        func replace() throws {
            try Sys.unlink(d)
            try Sys.rename(e, session.tree / "moved")
            for name in [d, e] { try Sys.mkdirs(name / "within") }
        }
        if down {
            try watcher.stop()
            try replace()
            try watcher.restart()
        } else {
            try watcher.paused { try replace() }
        }
        let rows = try session.query(since: cursor, "--type", "file").rows
        #expect(rows.map(\.kind) == ["deleted", "renamed"], "\(rows)")
        #expect(rows.map(\.path) == [d, session.tree / "moved"])
        #expect(try session.query(since: cursor, "--format", "json", "--renames", "split").paths.contains(e))
    }

    /// The kernel tells what is done through an excluded name as well.
    @Test func anExcludedNameIsAnotherOneOfACoveredFile() throws {
        let (name, excluded) = (session.tree / "c", session.tree / "c.o")
        try Sys.write(name, "1")
        try Sys.link(name, excluded)
        try session.start(options: ["--exclude", "*.o"])
        let cursor = try session.sync()
        try Sys.write(excluded, Array("22".utf8), O_WRONLY)
        let rows = try session.query(since: cursor).rows
        #expect(rows.map(\.path) == [name] && rows.map(\.content) == [true], "\(rows)")
        let later = try session.sync()
        try Sys.chmod(excluded, 0o600)
        #expect(try session.query(since: later).rows.map(\.metadata) == [true])
    }

    /// By its new path other names below a directory are excluded: what becomes covered is there, what is no more is gone.
    @Test(arguments: [true, false]) func aRenameChangesWhatIsExcluded(covers: Bool) throws {
        let (old, new) = covers ? ("a", "b") : ("b", "a")
        for name in ["tmp/s/x", "keep/f"] {
            let path = session.tree / Bytes(old) / Bytes(name)
            try Sys.mkdirs(path.parent)
            try Sys.write(path, "1")
        }
        try session.start(options: ["--exclude", "/a/tmp"])
        let cursor = try session.sync()
        try Sys.rename(session.tree / Bytes(old), session.tree / Bytes(new))
        try session.sync()
        let inside = session.tree / Bytes(new) / "tmp/s/x"
        #expect((try session.views.files()[inside] != nil) == covers)
        try Sys.write(inside, "more")
        let rows = try session.query(since: cursor, "--renames", "split").rows
        #expect(rows.contains { $0.path == inside && $0.kind == "created" } == covers, "\(rows)")
        #expect(rows.contains { $0.path == session.tree / Bytes(old) / "tmp/s/x" && $0.kind == "deleted" } == !covers)
        #expect(rows.contains { $0.path == session.tree / Bytes(new) / "keep/f" })
        #expect(try session.run("verify").status == 0)
        let contradictions = try session.views.contradictions()
        #expect(contradictions.isEmpty, "\(contradictions)")
    }

    /// A scan that someone asks for in a root's first crawl does not keep the coverage from beginning.
    @Test func aScanInTheFirstCrawl() throws {
        for index in 0..<20_000 { try Sys.mkdir(session.tree / Bytes("\(index)")) }
        let watcher = try session.start(live: false)
        let scan = try Child(Program.journal, ["scan", session.tree, "--db", session.database])
        defer { scan.signal(SIGKILL) }
        #expect(eventually { (try? session.views.value("SELECT since_seq FROM roots")) != nil })
        try Sys.write(session.tree / "new", "1")
        #expect(try session.query(since: "start").paths == [session.tree / "new"])
        #expect(watcher.isRunning)
    }

    /// Which of the two names moved with which directory can be told by what they are called.
    @Test func linkedFilesMoveWithTheirDirectories() throws {
        for name in ["d1", "d2"] as [Bytes] { try Sys.mkdir(session.tree / name) }
        try Sys.write(session.tree / "d1/x", "1")
        try Sys.link(session.tree / "d1/x", session.tree / "d2/y")
        try session.start()
        let cursor = try session.sync()
        try Sys.rename(session.tree / "d2", session.tree / "e2")
        try session.sync()
        try Sys.rename(session.tree / "d1", session.tree / "e1")
        let rows = try session.query(since: cursor, "--type", "file").rows
        #expect(rows.map(\.path) == [session.tree / "e1/x", session.tree / "e2/y"], "\(rows)")
        #expect(
            rows.map(\.oldPath) == [session.tree / "d1/x", session.tree / "d2/y"]
                && rows.allSatisfy { $0.movedWith != nil })
    }

    /// It was added when nothing could be watched, and was not there when something could.
    @Test func aRootThatNobodyHasSeenYet() throws {
        let words: [Bytes] = ["--nofile=9", Program.journal, "watch", session.tree, "--db", session.database]
        #expect(try Program.run("prlimit", words).status == 74)
        guard try session.views.roots()[session.tree] != nil else { return }
        try Sys.rename(session.tree, session.base / "away")
        let watcher = try session.start([session.outside])
        #expect(watcher.isRunning)
        try watcher.stop()
        try session.start([session.tree], live: false)
        try Sys.rename(session.base / "away", session.tree)
        #expect(try eventually { try session.run("sync").status == 0 && session.run("query").status == 0 })
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).paths == [session.tree / "f"])
    }

    /// The number of a file system is stored, or given to no other.
    @Test func fileSystemsAreNumberedOnce() throws {
        guard try Mount.isPossible(session.scratch) else { return try Skipped.note("this user may not mount") }
        let root = session.base / "mounted"
        try Sys.mkdir(root)
        func mount(_ point: Bytes) throws { try Mount.run("mount", "-t", "tmpfs", "none", point) }
        var points: [Bytes] = []
        defer { for point in points.reversed() { _ = try? Program.run("umount", ["-l", point]) } }
        try mount(root)
        points.append(root)
        for name in ["m", "n"] as [Bytes] { try Sys.mkdir(session.tree / name) }
        let watcher = try session.start([root, session.tree], options: ["--cross-mounts"])
        try session.sync()
        try Mount.run("umount", root)
        #expect(eventually { (try? session.views.roots()[root]) == "offline" })
        // Another one is there: offline, and known by now.
        try mount(root)
        usleep(2_500_000)
        try mount(session.tree / "m")
        points.append(session.tree / "m")
        try Sys.write(session.tree / "m/f", "1")
        _ = try session.run("query", session.tree)
        try watcher.stop()
        try mount(session.tree / "n")
        points.append(session.tree / "n")
        try watcher.restart(live: false)
        #expect(try eventually { try session.run("query", session.tree).status == 0 })
        #expect(watcher.isRunning, "\(watcher.said)")
        let numbers = "SELECT count(*) || ' ' || max(id) FROM filesystem"
        let count = try session.views.value(numbers)?.split(separator: " ")
        #expect(count?.first == count?.last, "a number was given and not stored")
    }
}
