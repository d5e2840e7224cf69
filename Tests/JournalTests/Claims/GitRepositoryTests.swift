import Foundation
import Testing

/// Whole repositories: git with the hook says what git without it says. And how the hook gets there and away again.
@Suite struct GitRepositoryTests {
    private func settings(_ repository: Repository) throws -> [String: String] {
        let output = try repository.git("config", "--local", "--list", "-z")
        return Dictionary(
            uniqueKeysWithValues: output.text.split(separator: "\0").map {
                let parts = $0.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            })
    }

    @Test func installSetsThreeKeysAndUninstallUnsetsThem() throws {
        let repository = try Repository.watched()
        let before = try settings(repository)
        let output = try repository.fsmonitor("--install")
        #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        let after = try settings(repository)
        #expect(after["core.fsmonitorhookversion"] == "2" && after["core.untrackedcache"] == "true")
        #expect(after.count == before.count + 3)
        for key in ["core.fsmonitor", "core.fsmonitorHookVersion", "core.untrackedCache"] {
            #expect(output.errors.contains(key), "\(output)")
        }
        try Sys.write(repository.top / "g", "22")
        #expect(try repository.judge().isEmpty)
        #expect(try repository.fsmonitor("--install").status == 0, "once more")
        #expect(try settings(repository) == after)
        #expect(try repository.fsmonitor("--uninstall").status == 0)
        #expect(try settings(repository) == before)
        let again = try repository.fsmonitor("--uninstall")
        #expect(again.status == 0 && again.errors.contains("nothing"), "\(again)")
        #expect(try repository.judge().isEmpty)
    }

    @Test func whatWasThereBeforeIsPutBack() throws {
        let repository = try Repository.watched()
        try repository.git("config", "core.fsmonitor", "other 'hook'\n")
        try repository.git("config", "core.fsmonitorHookVersion", "1")
        try repository.git("config", "core.untrackedCache", "keep")
        let before = try settings(repository)
        try repository.install()
        try repository.install()
        #expect(try settings(repository)["core.fsmonitorhookversion"] == "2")
        #expect(try repository.fsmonitor("--uninstall").status == 0)
        #expect(try settings(repository) == before)
        try repository.install()
        try repository.git("config", "core.untrackedCache", "false")
        #expect(try repository.fsmonitor("--uninstall").status == 0)
        #expect(try settings(repository) == before.merging(["core.untrackedcache": "false"]) { $1 }, "it was set since")
    }

    /// git hands the value to sh(1).
    @Test(arguments: ["it's here", "a b\"c$d`e\\f", "*;&"] as [Bytes])
    func theHookIsFoundUnderAnyName(name: Bytes) throws {
        let repository = try Repository(Session())
        try repository.commitSomething()
        let session = repository.session
        try Sys.mkdir(session.base / name)
        session.database = session.base / name / "journal.db"
        session.binary = session.base / name / "journal"
        guard
            try Program.run("ln", [Program.journal, session.binary]).status == 0
                || Program.run("cp", [Program.journal, session.binary]).status == 0
        else { return }
        try session.start()
        try repository.install()
        let log = session.outside / "trace"
        _ = try repository.attempt(["status"])
        let status = try repository.attempt(["status"], environment: ["GIT_TRACE2_EVENT": "\(log)"])
        #expect(status.status == 0 && status.errors.isEmpty, "\(status)")
        let trace = String(decoding: try Sys.read(log), as: UTF8.self)
        #expect(trace.contains("query/response-length") && !trace.contains("trivial-response"), "\(trace)")
    }

    @Test func whereJournalIsInPATHTheHookIsShort() throws {
        let repository = try Repository.watched()
        let path = "\(Program.journal.parent):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
        #expect(try repository.fsmonitor("--install", environment: ["PATH": path]).status == 0)
        #expect(
            try settings(repository)["core.fsmonitor"] == "journal git-fsmonitor --db \(repository.session.database)")
        // The database of the contract's place needs no word.
        let home = repository.session.base / "home"
        let environment = ["PATH": path, "XDG_STATE_HOME": "\(home)"]
        guard geteuid() != 0 else { return }
        try Sys.mkdirs(home / "journal")
        let watcher = try Watcher([repository.session.tree], database: home / "journal/journal.db")
        defer { watcher.kill() }
        let command: [Bytes] = ["git-fsmonitor", "--install"]
        #expect(
            try Program.run(Program.journal, command, environment: environment, directory: repository.top).status == 0)
        #expect(try settings(repository)["core.fsmonitor"] == "journal git-fsmonitor")
    }

    @Test func installOutsideOfARepository() throws {
        let session = try Session()
        try session.start()
        for option in ["--install", "--uninstall"] as [Bytes] {
            let output = try Program.run(
                Program.journal, ["git-fsmonitor", option, "--db", session.database],
                environment: ["GIT_CEILING_DIRECTORIES": "\(session.base)"], directory: session.tree)
            #expect(output.status == 66 && output.bytes.isEmpty && output.errors.contains("hint"), "\(output)")
        }
    }

    @Test func installWithoutAWatcherWarns() throws {
        let repository = try Repository.watched()
        try repository.session.watcher?.stop()
        let output = try repository.fsmonitor("--install")
        #expect(output.status == 0 && output.errors.contains("warning"), "\(output)")
        try Sys.write(repository.top / "g", "22")
        #expect(try repository.judge().isEmpty)
    }

    @Test func linkedWorktrees() throws {
        let session = try Session()
        let repository = try Repository(session, at: session.tree / "r")
        try repository.commitSomething()
        try session.start()
        try repository.install()
        try repository.git("worktree", "add", "-q", "../linked", "-b", "other")
        let linked = try Repository(session, at: session.tree / "linked", isThere: true)
        let both = [repository, linked]
        for one in both { #expect(try one.judge().isEmpty) }
        let tokens = try both.map { try $0.token() }
        try Sys.write(linked.top / "d/f", "in the linked one")
        try Sys.write(linked.top / ".git", try Sys.read(linked.top / ".git"))
        #expect(try zip(both, tokens).map { try $0.ask($1).paths } == [[], ["d/f"]])
        for one in both { #expect(try one.judge().isEmpty) }
        try Sys.unlink(repository.top / "g")
        for one in both { #expect(try one.judge().isEmpty) }
        // Outside of the root there is no gain, and nothing wrong.
        try repository.git("worktree", "add", "-q", session.outside / "w", "-b", "third")
        let outside = try Repository(session, at: session.outside / "w", isThere: true)
        #expect(try outside.judge().isEmpty)
        try Sys.write(outside.top / "g", "22")
        #expect(try outside.judge().isEmpty)
    }

    @Test func submodulesAndNestedRepositories() throws {
        let session = try Session()
        let library = try Repository(session, at: session.outside / "library")
        try library.commitSomething()
        let repository = try Repository(session)
        try repository.commitSomething()
        try session.start()
        try repository.install()
        func expectSame(_ when: String) throws {
            let wrong = try repository.judge()
            #expect(wrong.isEmpty, "\(when)\n\(wrong.joined(separator: "\n"))")
        }
        try expectSame("at first")
        try repository.git("submodule", "--quiet", "add", library.top, "sub")
        try expectSame("with a submodule")
        try repository.git("commit", "-qm", "sub")
        try expectSame("committed")
        let sub = try Repository(session, at: session.tree / "sub", isThere: true)
        #expect(try sub.fsmonitor("--install").status == 0)
        for (name, content) in [("sub/d/f", "22"), ("sub/new", "1")] as [(Bytes, String)] {
            try Sys.write(session.tree / name, content)
            try expectSame("\(name)")
            #expect(try sub.judge().isEmpty)
        }
        try sub.git("add", ".")
        try sub.git("commit", "-qm", "two")
        try expectSame("the submodule is ahead")
        try repository.git("submodule", "--quiet", "deinit", "-f", "sub")
        try expectSame("without it")

        // A directory becomes a repository, and no longer is one.
        try Sys.mkdirs(session.tree / "plain/deep")
        try Sys.write(session.tree / "plain/deep/f", "1")
        try expectSame("a directory")
        let nested = try Repository(session, at: session.tree / "plain")
        try expectSame("a nested repository")
        try Sys.write(session.tree / "plain/deep/g", "1")
        try expectSame("with a file")
        try Sys.rename(session.tree / "plain/deep", session.tree / "plain/deeper")
        try Sys.removeTree(nested.top / ".git")
        try expectSame("a directory again")
    }

    /// `git mv` leaves an index that believes the new name, with a token from before it.
    @Test func whatGitItselfMovedAndSomebodyRemovedAtOnce() throws {
        let repository = try Repository.watched()
        try repository.install()
        #expect(try repository.judge().isEmpty)
        for number in 0..<10 {
            let name = Bytes("moved\(number)")
            try repository.git("mv", number == 0 ? "g" : Bytes("moved\(number - 1)"), name)
            let content = try Sys.read(repository.top / name)
            try Sys.unlink(repository.top / name)
            #expect(try repository.judge().isEmpty)
            try Sys.write(repository.top / name, content)
        }
    }

    /// git doubts its untracked cache for the length of one command that is told `/`, though that command may not look.
    @Test func afterAGapTheFirstCommandIsNotStatus() throws {
        let repository = try Repository.watched()
        try repository.install()
        #expect(try repository.judge().isEmpty)
        let watcher = try #require(repository.session.watcher)
        watcher.kill()
        try Sys.write(repository.top / "d/untracked", "1")
        try watcher.restart()
        try Sys.write(repository.top / "g", "22")
        try repository.git("add", "g")
        #expect(try repository.judge().isEmpty)
        #expect(try repository.git("status", "--porcelain").text.contains("d/untracked"))
    }

    @Test func oneIndexForTwoTrees() throws {
        let session = try Session()
        let repository = try Repository(session, at: session.tree / "r")
        try repository.commitSomething()
        try Sys.mkdir(session.tree / "elsewhere")
        try session.start()
        try repository.install()
        #expect(try repository.judge().isEmpty)
        _ = try repository.git("--work-tree", session.tree / "elsewhere", "checkout", "-f", "main")
        #expect(try Sys.list(session.tree / "elsewhere") == ["d", "g"])
        try Sys.unlink(repository.top / "g")
        #expect(try repository.judge().isEmpty)
    }
}
