import Glibc
import Testing

/// Bad input: the status, one line on stderr that names the path, nothing on stdout.
@Suite struct RefusalTests {
    private func watch(_ session: Session, _ arguments: Bytes...) throws -> Program.Output {
        try session.run(["watch"] + arguments, timeout: .seconds(20))
    }

    /// What every refusal has to look like.
    private func check(_ output: Program.Output, _ status: Int32, naming path: Bytes? = nil) {
        #expect(output.status == status, "\(output)")
        #expect(output.bytes.isEmpty, "\(output)")
        #expect(output.errors.contains("journal: "), "\(output)")
        if let path { #expect(output.errors.contains(path.description), "\(output)") }
    }

    @Test func aRootThatDoesNotExist() throws {
        let session = try Session()
        check(try watch(session, session.base / "nowhere"), 66, naming: "nowhere")
    }

    @Test func aRootThatIsAFile() throws {
        let session = try Session()
        try Sys.write(session.base / "file", "x")
        check(try watch(session, session.base / "file"), 66, naming: "file")
    }

    @Test func aRootInsideAnother() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "a/b")
        check(try watch(session, session.tree, session.tree / "a/b"), 64, naming: session.tree / "a/b")
        check(try watch(session, session.tree / "a/b", session.tree), 64)
    }

    @Test func aRootThatIsUnreadable() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try Sys.chown(session.tree, 0, 0)
        try Sys.chmod(session.tree, 0o700)
        check(try watch(session, session.tree), 77, naming: session.tree)
    }

    @Test func aRootWhoseNameOnlyBeginsLikeAnother() throws {
        let session = try Session()
        try Sys.mkdir(session.base / "tree2")
        try session.start([session.tree, session.base / "tree2"])
        #expect(try session.views.roots().keys.sorted() == [session.tree, session.base / "tree2"])
    }

    @Test func aPathOutsideOfAllRoots() throws {
        let session = try Session()
        try session.start()
        for command in ["query", "unchanged"] as [Bytes] {
            for path in [session.outside, session.base, Bytes(session.tree.raw + Array("2".utf8))] {
                check(try session.run(command, "--since", "start", path), 3, naming: path)
            }
        }
    }

    @Test func fanotifyIsNotAvailable() throws {
        let session = try Session()
        check(try watch(session, "--backend", "fanotify", session.tree), 69)
    }

    @Test(
        arguments: [
            ["query", "--nonsense"], ["nonsense"], ["query", "--format", "xml"], ["query", "--kind", "eaten"],
            ["query", "--limit", "many"], ["watch", "--latency", "soon"], ["unchanged"],
        ] as [[Bytes]])
    func usage(_ arguments: [Bytes]) throws {
        let session = try Session()
        let output = try Program.run(
            Program.journal, arguments, environment: ["JOURNAL_DB": session.database.description])
        #expect(output.status == 64, "\(output)")
        #expect(output.bytes.isEmpty && !output.errors.isEmpty, "\(output)")
    }

    @Test func theGateHasNoWayAroundTheBarrier() throws {
        let session = try Session()
        try session.start()
        #expect(try session.run("unchanged", "--since", "start", "--no-sync").status == 64)
    }

    @Test func noDatabase() throws {
        let session = try Session()
        for command in [["query"], ["unchanged", "--since", "start"], ["status"]] as [[Bytes]] {
            check(try session.run(command), 66, naming: session.database)
        }
        #expect(try Sys.facts(session.database) == nil, "a question must not make a database")
    }

    @Test func aDatabaseThatCannotBeMade() throws {
        let session = try Session()
        try Sys.write(session.base / "file", "x")
        session.database = session.base / "file" / "journal.db"
        check(try watch(session, session.tree), 73)
    }

    @Test func noWatcher() throws {
        let session = try Session()
        try session.start().stop()
        check(try session.run("sync", "--timeout", "200ms"), 69)
        for format in ["json", "csv", "paths"] as [Bytes] {
            let output = try session.run("query", "--format", format)
            check(output, 3)
            #expect(output.errors.contains("--no-sync"), "\(output)")
        }
        check(try session.run("unchanged", "--since", "start"), 3)
        let output = try session.run("query", "--no-sync", "--format", "json")
        #expect(output.status == 0, "\(output)")
        #expect(try session.run("status").status == 1)
    }

    /// It is there, and holds the journal: to start another one would not help.
    @Test func aWatcherThatHangsIsNamed() throws {
        let session = try Session()
        let watcher = try session.start()
        kill(watcher.pid, SIGSTOP)
        defer { kill(watcher.pid, SIGCONT) }
        let asked = try session.run("query", "--format", "json", "--timeout", "300ms")
        #expect(asked.status == 3 && asked.errors.contains("PID \(watcher.pid)"), "\(asked)")
        let sync = try session.run("sync", "--timeout", "300ms")
        #expect(sync.status == 69 && sync.errors.contains("PID \(watcher.pid)"), "\(sync)")
        #expect(!sync.errors.contains("starts one"), "\(sync)")
        let status = try session.run("status")
        #expect(status.status == 1 && status.text.contains("PID \(watcher.pid)"), "\(status)")
    }

    @Test func theJournalsOwnFilesAreNotCovered() throws {
        let session = try Session()
        session.database = session.tree / "j.db"
        try session.start()
        for name in ["j.db", "j.db-wal", "j.db-lock"] as [Bytes] {
            check(try session.run("query", session.tree / name), 3)
        }
        #expect(try session.run("query", session.tree).status == 0)
    }

    @Test func noWatcherSinceItWasKilled() throws {
        let session = try Session()
        let watcher = try session.start()
        watcher.kill()
        check(try session.run("sync", "--timeout", "200ms"), 69)
        check(try session.run("query", "--format", "json"), 3)
        #expect(try session.run("query", "--no-sync", "--format", "json").status == 0)
    }
}

extension Session {
    static let nobody: UInt32 = 65534

    /// A session whose watcher and questions run as nobody, who owns the tree and the directory of the database; nil
    /// where we are not root and cannot become anybody else.
    static func asNobody() throws -> Session? {
        guard geteuid() == 0 else { return nil }
        let session = try Session()
        session.binary = session.base / "journal"
        guard try Program.run("cp", [Program.journal, session.binary]).status == 0 else { return nil }
        for path in [session.tree, session.outside, session.database.parent] { try Sys.chown(path, nobody, nobody) }
        session.wrapper = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        let probe = try Program.run(session.wrapper[0], session.wrapper.dropFirst() + [session.binary, "--version"])
        return probe.status == 0 ? session : nil
    }
}
