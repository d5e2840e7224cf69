import CTestLinux
import Glibc
import Testing

/// The files of a journal: taken away from under its watcher, known by two names, or put there by somebody else.
@Suite struct FilesTests {
    private static func file(_ session: Session, _ suffix: Bytes) -> Bytes {
        Bytes(session.database.raw + suffix.raw)
    }

    enum Loss: CaseIterable { case deleted, moved, replaced }

    @Test(arguments: ["", "-wal", "-shm", "-lock"] as [Bytes], Loss.allCases)
    func aFileThatIsTakenAwayEndsTheWatcher(suffix: Bytes, loss: Loss) throws {
        let session = try Session()
        let watcher = try session.start()
        try Sys.write(session.tree / "f", "1")
        let (cursor, uuid) = (try session.sync(), try session.views.journal().uuid)
        let path = Self.file(session, suffix)
        switch loss {
        case .deleted: try Sys.unlink(path)
        case .moved: try Sys.rename(path, session.base / "elsewhere")
        case .replaced:
            let copy = session.base / "copy"
            try #require(try Program.run("cp", [path, copy]).status == 0)
            try Sys.rename(copy, path)
        }
        // Whoever asks meanwhile gets no answer that would be believed.
        #expect(try session.run("sync", "--timeout", "10ms").status == 69)
        #expect([3, 66, 69, 74].contains(try session.run("unchanged", "--since", Bytes(cursor)).status))
        let status = try #require(watcher.child.wait(.seconds(30)), "it goes on: \(watcher.said)")
        #expect(status == 74, "\(watcher.said)")
        #expect(watcher.said.errors.contains(path.description), "\(watcher.said)")

        try Sys.write(session.tree / "g", "1")
        try watcher.restart()
        #expect(try session.views.journal().uuid != uuid)
        for command in [["query", "--format", "json"], ["unchanged"]] as [[Bytes]] {
            let output = try session.run(command + ["--since", Bytes(cursor)])
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
        }
        #expect(Comparison.state(try session.views.files(), try Tree(walking: session.tree)).isEmpty)
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
    }

    /// The moved file is whole: nothing of it is left behind in the -wal, which the next database would take for its own.
    @Test func aDatabaseThatIsMovedAwayTakesItsChangesWithIt() throws {
        let session = try Session()
        let watcher = try session.start()
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        let moved = session.base / "moved.db"
        try Sys.rename(session.database, moved)
        try #require(watcher.child.wait(.seconds(30)) != nil, "it goes on: \(watcher.said)")
        #expect(try Sys.facts(Self.file(session, "-wal"))?.size == 0)
        session.database = moved
        let answer = try session.query("--no-sync")
        #expect(answer.paths == [session.tree / "f"])
    }

    @Test func aSecondWatcherIsRefusedWithoutTheLockFileToo() throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        // Stopped, it cannot notice that its lock file is gone.
        try watcher.paused {
            for _ in 0..<2 {
                try Sys.unlink(Self.file(session, "-lock"))
                let output = try session.run("watch", session.tree, timeout: .seconds(20))
                #expect(output.status == 75, "\(output)")
            }
        }
        #expect(try session.run("query", "--no-sync", "--since", Bytes(cursor)).status == 0)
    }

    @Test func B68_aSecondWatcherIsRefusedByAnyNameOfTheDatabase() throws {
        let session = try Session()
        let first = try session.start()
        let link = session.base / "link.db"
        try Sys.symlink(session.database, link)
        try Sys.symlink(session.database.parent, session.base / "directory")
        for name in [link, session.base / "directory" / session.database.name] {
            let output = try Program.run(
                Program.journal, ["watch", "--db", name, session.tree], timeout: .seconds(20))
            #expect(output.status == 75 && output.errors.contains("\(first.pid)"), "\(output)")
            #expect(try Program.run(Program.journal, ["sync", "--db", name]).status == 0)
        }
        let hard = session.base / "hard.db"
        try Sys.link(session.database, hard)
        for name in [hard, session.database] {
            for command in [["watch", session.tree], ["query", "--no-sync"], ["status"]] as [[Bytes]] {
                let output = try Program.run(Program.journal, command + ["--db", name], timeout: .seconds(20))
                #expect(output.status == 65 && output.errors.contains("hard link"), "\(output)")
            }
        }
        #expect(try Sys.facts(Bytes("\(hard)-lock")) == nil && first.isRunning)
        try Sys.unlink(hard)
        #expect(try session.run("sync").status == 0)
    }

    enum Plant: CaseIterable { case link, dangling, file, fifo }

    /// A directory like /tmp: everyone may make files there, and nobody may remove another's.
    @Test(arguments: ["", "-wal", "-shm", "-journal", "-lock", "-socket"] as [Bytes], Plant.allCases)
    func whatAnotherHasPlantedIsNotOpened(suffix: Bytes, plant: Plant) throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let shared = session.base / "shared"
        try Sys.mkdir(shared)
        try Sys.chmod(shared, 0o1777)
        session.database = shared / "journal.db"
        let path = Self.file(session, suffix)
        let target = session.base / "target"
        try Sys.write(target, "precious")
        try Sys.chown(target, Session.nobody, Session.nobody)
        switch plant {
        case .link: try Sys.symlink(target, path)
        case .dangling: try Sys.symlink(session.outside / "made", path)
        case .file: try Sys.write(path, "")
        case .fifo: try Sys.mknod(path, S_IFIFO | 0o666)
        }
        if plant == .file || plant == .fifo { try Sys.chmod(path, 0o666) }
        try Sys.chown(path, 1, 1)
        for command in [["watch"], ["scan"]] as [[Bytes]] {
            let output = try session.run(command + [session.tree], timeout: .seconds(20))
            #expect([73, 77].contains(output.status), "\(output)")
            #expect(output.errors.contains(path.description), "\(output)")
            #expect(output.errors.split(separator: "\n").count == 1, "\(output)")
        }
        #expect(try Sys.read(target) == Array("precious".utf8))
        #expect(try Sys.list(session.outside).isEmpty && Sys.list(shared) == [path.name])
    }

    /// The owner may have the file elsewhere, by a link.
    @Test func onesOwnLinkIsFollowed() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let shared = session.base / "shared"
        try Sys.mkdir(shared)
        try Sys.chmod(shared, 0o1777)
        let real = session.database
        session.database = shared / "journal.db"
        try Sys.symlink(real, session.database)
        try Sys.chown(session.database, Session.nobody, Session.nobody)
        try Sys.write(real, "")
        try Sys.chown(real, Session.nobody, Session.nobody)
        try session.start()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query().rows.map(\.path) == [session.tree / "f"])
        #expect(try Sys.list(shared) == ["journal.db"])
    }

    @Test func aDirectoryThatOthersControlIsRefused() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let directory = session.database.parent
        try session.start().stop()
        for (owner, mode) in [(1, 0o775), (Session.nobody, 0o777), (1, 0o1777)] as [(uid_t, mode_t)] {
            try Sys.chown(directory, owner, Session.nobody)
            try Sys.chmod(directory, mode)
            let output = try session.run("watch", session.tree, timeout: .seconds(20))
            #expect(output.status == 77 && output.errors.contains(directory.description), "\(output)")
            #expect(try session.run("query", "--no-sync").status == 0)
        }
        for (owner, mode) in [(Session.nobody, 0o770), (0, 0o1777), (Session.nobody, 0o700)] as [(uid_t, mode_t)] {
            try Sys.chown(directory, owner, Session.nobody)
            try Sys.chmod(directory, mode)
            try session.start().stop()
        }
    }
}
