import Glibc
import Testing

/// `journal query --follow`: what is committed comes, once, in order, through restarts, until someone has had enough.
@Suite struct FollowTests {
    private let session: Session

    init() throws {
        session = try Session()
        try session.start()
    }

    private func follow(_ options: Bytes...) throws -> Child {
        try Child(Program.journal, ["query", "--follow", "--db", session.database] + options)
    }

    private func waitFor(_ child: Child, _ text: String, count: Int = 1) -> Bool {
        eventually { child.output(status: 0).text.split(separator: "\n").count { $0 == text } >= count }
    }

    private func path(_ name: String) -> String { "\(session.tree)/\(name)" }

    /// SIGINT, and what was printed until then.
    private func end(_ child: Child) throws -> Program.Output {
        kill(child.pid, SIGINT)
        let status = try #require(child.wait(.seconds(30)))
        #expect(status == 0)
        return child.output(status: status)
    }

    @Test func whatIsCommittedComesOnceAndInOrder() throws {
        let cursor = try session.sync()
        let child = try follow("--since", Bytes(cursor), "--format", "json")
        for number in 0..<200 {
            try Sys.write(session.tree / Bytes("\(number)"), "x")
            if number % 20 == 0 { try session.sync() }
        }
        try Sys.rename(session.tree / "7", session.tree / "seven")
        #expect(eventually { child.output(status: 0).text.contains("seven") })
        let followed = try Answer(end(child)).rows
        let log = try session.query(since: cursor, "--log").rows
        #expect(followed.map(\.description) == log.map(\.description))
        #expect(followed.map(\.seq) == followed.map(\.seq).sorted())
    }

    @Test func itGoesOnFromAnyCursorAndTellsTheNext() throws {
        try Sys.write(session.tree / "a", "1")
        let first = try follow("--format", "json", "--cursor")
        #expect(eventually { first.output(status: 0).text.contains("/a\"") })
        let cursor = try #require(try Answer(end(first)).cursor)
        try Sys.write(session.tree / "b", "1")
        let file = session.base / "cursor"
        let second = try follow("--since", Bytes(cursor), "--format", "paths", "--cursor-out", file)
        #expect(waitFor(second, path("b")))
        try Sys.write(session.tree / "c", "1")
        #expect(waitFor(second, path("c")))
        let head = try session.sync()
        #expect(eventually { (try? Sys.read(file)) == Array((head + "\n").utf8) })
        #expect(try end(second).text == "\(path("b"))\n\(path("c"))\n")
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func itWaitsForAnotherWatcher(_ signal: Int32) throws {
        let watcher = try #require(session.watcher)
        let child = try follow("--since", Bytes(try session.sync()), "--format", "paths")
        try Sys.write(session.tree / "a", "1")
        #expect(waitFor(child, path("a")))
        watcher.child.signal(signal)
        _ = watcher.child.wait(.seconds(30))
        try Sys.write(session.tree / "b", "1")
        try watcher.restart()
        #expect(waitFor(child, path("b")))
        try Sys.write(session.tree / "c", "1")
        #expect(waitFor(child, path("c")))
        // One that is created and closed in two batches is there twice.
        let lines = try end(child).lines.filter { $0 != "\(session.tree)" }.map(String.init)
        #expect(zip(["a"] + lines, lines).filter { $0 != $1 }.map(\.1) == ["a", "b", "c"].map(path))
    }

    /// The journal without a daemon writes too.
    @Test func itSeesWhatAScanFinds() throws {
        try session.watcher?.stop()
        let child = try follow("--since", Bytes(try session.views.journal().cursor), "--format", "paths")
        try Sys.write(session.tree / "a", "1")
        #expect(try session.run("scan").status == 0)
        #expect(waitFor(child, path("a")))
        _ = try end(child)
    }

    @Test func whoReadsMayLeave() throws {
        let script = "\"$0\" query --follow --format paths --db \"$1\" | head -n 1; echo ${PIPESTATUS[0]}"
        let child = try Child("bash", ["-c", Bytes(script), Program.journal, session.database])
        try Sys.write(session.tree / "a", "1")
        #expect(child.wait(.seconds(30)) == 0)
        #expect(child.output(status: 0).text == "\(path("a"))\n0\n")
    }

    @Test func itEndsWhereItCannotVouch() throws {
        let cursor = try session.sync()
        let child = try follow("--since", Bytes(cursor), "--format", "paths")
        try Sys.write(session.tree / "a", "1")
        #expect(waitFor(child, path("a")))
        // What the root that joins holds is in no log.
        try session.watcher?.stop()
        try Sys.write(session.outside / "b", "1")
        try session.start([session.tree, session.outside])
        #expect(child.wait(.seconds(30)) == 3)
        let output = child.output(status: 3)
        #expect(output.errors.contains("joined after that"), "\(output)")
        for since in ["\(cursor.dropLast())\(cursor.last == "0" ? "1" : "0")", "2001-01-01"] {
            let refused = try Program.run(
                Program.journal, ["query", "--follow", "--since", Bytes(since), "--db", session.database])
            #expect(refused.status == 3 && refused.bytes.isEmpty, "\(refused)")
        }
    }

    /// The file that has its name now is another journal.
    @Test func itDoesNotGoOnWithAnotherJournal() throws {
        let child = try follow("--format", "paths")
        try Sys.write(session.tree / "a", "1")
        #expect(waitFor(child, path("a")))
        try session.watcher?.stop()
        for suffix in ["", "-wal", "-shm", "-lock"] { try Sys.unlink(Bytes("\(session.database)\(suffix)")) }
        try session.start()
        try Sys.write(session.tree / "b", "1")
        #expect(child.wait(.seconds(60)) == 3)
        #expect(child.output(status: 3).text == "\(path("a"))\n")
    }

    @Test func aPathThatIsStillBeingWrittenIsHeldBack() throws {
        let file = session.base / "cursor"
        let start = try session.sync()
        let child = try follow(
            "--since", Bytes(start), "--settle", "1h", "--format", "paths", "--cursor-out", file)
        try Sys.write(session.tree / "a", "1")
        try session.sync()
        // It would miss the file if it went on from later.
        #expect(eventually { (try? Sys.read(file)) == Array((start + "\n").utf8) })
        #expect(try end(child).text == "")
        let again = try follow("--since", Bytes(start), "--settle", "1s", "--format", "json")
        #expect(eventually { again.output(status: 0).text.contains("/a\"") })
        try Sys.write(session.tree / "came and went", "1")
        try session.sync()
        try Sys.unlink(session.tree / "came and went")
        try Sys.write(session.tree / "b", "1")
        try session.sync()
        try Sys.write(session.tree / "b", "2")
        try session.sync()
        #expect(eventually { again.output(status: 0).text.contains("/b\"") })
        let rows = try Answer(end(again)).rows
        #expect(rows.map { "\($0.kind) \($0.path)" } == ["created \(path("a"))", "created \(path("b"))"])
    }

    /// Rows of one batch are simultaneous: `log.1` is the old `log` in one, and no longer the old `log.1` in another.
    @Test func aChainOfRenamesSettlesAsWhatIsThere() throws {
        for name in ["log", "log.1", "log.2", "a", "b"] as [Bytes] { try Sys.write(session.tree / name, "\(name)") }
        let cursor = try session.sync()
        let child = try follow("--since", Bytes(cursor), "--settle", "300ms", "--format", "json")
        for (from, to) in [("log.2", "log.3"), ("log.1", "log.2"), ("log", "log.1")] as [(Bytes, Bytes)] {
            try Sys.rename(session.tree / from, session.tree / to)
        }
        try Sys.write(session.tree / "log", "new")
        try Sys.rename(session.tree / "a", session.tree / "b", flags: 2)
        let expected: Set = [
            "modified \(path("log"))", "modified \(path("log.1"))", "modified \(path("log.2"))",
            "created \(path("log.3"))", "modified \(path("a"))", "modified \(path("b"))",
        ]
        #expect(eventually { child.output(status: 0).text.split(separator: "\n").count >= expected.count })
        #expect(try Set(Answer(end(child)).rows.map { "\($0.kind) \($0.path)" }) == expected)
    }

    /// What was in a directory that is gone is told by the one that this was in, whatever rows are asked for.
    @Test func onlyDirectoriesThatAreThereAreTold() throws {
        for directory in ["p/gone/deep", "p/file", "swapped/1", "swapped/2"] as [Bytes] {
            try Sys.mkdirs(session.tree / directory)
            try Sys.write(session.tree / directory / "f", "1")
        }
        let cursor = try session.sync()
        try Sys.removeTree(session.tree / "p/gone")
        try Sys.removeTree(session.tree / "p/file")
        try Sys.write(session.tree / "p/file", "1")
        try Sys.rename(session.tree / "swapped/1", session.tree / "swapped/2", flags: 2)
        try session.sync()
        let within = ["p", "swapped/1", "swapped/2"]
        for (options, expected) in [
            ([], within), (["--log"], ["p", "swapped", "swapped/1", "swapped/2"]), (["--type", "file"], within),
            (["--type", "file", "--log"], within),
        ] as [([Bytes], [String])] {
            let told = try session.run(["query", "--since", Bytes(cursor), "--by-directory"] + options)
            #expect(told.lines.map(String.init) == expected.map(path), "\(options): \(told)")
        }
        let below = try session.run(
            "query", "--since", Bytes(cursor), "--by-directory", "--relative-to", session.tree / "p/gone",
            session.tree / "p/gone")
        #expect(below.text == ".\n", "\(below)")
        let limited = try session.run("query", "--since", Bytes(cursor), "--by-directory", "--limit", "1")
        #expect(limited.text == path("p") + "\n")
    }

    @Test func aDirectorySettlesWithAllThatIsInIt() throws {
        try Sys.mkdir(session.tree / "d")
        let cursor = try session.sync()
        let child = try follow("--since", Bytes(cursor), "--settle", "1h", "--by-directory")
        let quick = try follow("--since", Bytes(cursor), "--settle", "1s", "--by-directory")
        try Sys.write(session.tree / "d/one", "1")
        for number in 0..<8 {
            try Sys.write(session.tree / "d/two", "\(number)")
            usleep(200_000)
            #expect(quick.output(status: 0).bytes.isEmpty)
        }
        #expect(waitFor(quick, path("d")))
        #expect(try end(quick).text == path("d") + "\n")
        #expect(try end(child).bytes.isEmpty)
    }

    @Test func directoriesAreToldOnce() throws {
        for directory in ["d", "e", "gone"] as [Bytes] { try Sys.mkdir(session.tree / directory) }
        try Sys.write(session.tree / "gone/f", "1")
        try Sys.write(session.tree / "e/moved", "1")
        let cursor = try session.sync()
        for number in 0..<10 { try Sys.write(session.tree / "d" / Bytes("\(number)"), "x") }
        try Sys.rename(session.tree / "e/moved", session.tree / "d/moved")
        try Sys.removeTree(session.tree / "gone")
        let net = try session.run("query", "--since", Bytes(cursor), "--by-directory")
        #expect(net.lines.map(String.init) == ["\(session.tree)", path("d"), path("e")], "\(net)")
        let child = try follow("--since", Bytes(cursor), "--by-directory", "-0", "--settle", "100ms")
        #expect(eventually { child.output(status: 0).bytes.count { $0 == 0 } >= 3 })
        #expect(
            try Set(end(child).bytes.split(separator: 0).map { Bytes($0) })
                == [session.tree, session.tree / "d", session.tree / "e"])
    }

    @Test(
        arguments: [
            ["--until", "now-ish"], ["--until", "2001-01-01"], ["--limit", "3"], ["--partial"], ["--present"],
            ["--settle", "2s", "--renames", "follow"], ["--settle", "soon"], ["--by-directory", "--format", "json"],
        ] as [[Bytes]])
    func whatDoesNotGoTogether(_ options: [Bytes]) throws {
        #expect(try session.run(["query", "--follow"] + options).status == 64)
        #expect(try session.run(["query", "--settle", "2s"]).status == 64)
    }

    /// So many that there is not a place for each at the watcher: all are served, and so is whoever asks.
    @Test func manyMayFollow() throws {
        let cursor = try session.sync()
        let children = try (0..<70).map { _ in try follow("--since", Bytes(cursor), "--format", "paths") }
        try Sys.write(session.tree / "a", "1")
        try session.sync()
        for child in children { #expect(waitFor(child, path("a"))) }
        #expect(try session.run("query", "--since", Bytes(cursor), "--format", "paths").text == "\(path("a"))\n")
        for child in children { kill(child.pid, SIGINT) }
        for child in children { #expect(child.wait(.seconds(30)) == 0) }
    }

    /// However often what it holds has settled, it waits with the watcher in one place: there are few.
    @Test func whatSettlesTakesOnePlaceOfTheWatcher() throws {
        let watcher = try #require(session.watcher)
        func descriptors() throws -> Int { try Sys.list(Bytes("/proc/\(watcher.pid)/fd")).count }
        let cursor = try session.sync()
        let before = try descriptors()
        let child = try follow("--since", Bytes(cursor), "--settle", "2s", "--format", "paths")
        for number in 0..<12 {
            try Sys.write(session.tree / Bytes("\(number)"), "x")
            try session.sync()
            usleep(50_000)
        }
        // Each at its own time, while nothing else happens.
        #expect(waitFor(child, path("11")), "\(watcher.said)")
        // A connection and what wakes its thread.
        #expect(try descriptors() <= before + 4)
        _ = try end(child)
    }
}
