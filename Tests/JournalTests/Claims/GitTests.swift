import Foundation
import Testing

/// Version 2 of git's fsmonitor hook, byte by byte.
@Suite struct GitTests {
    @Test func anAnswerIsATokenAndPathsEachEndedByNUL() throws {
        let repository = try Repository.watched()
        let cursor = try repository.session.sync()
        try Sys.write(repository.top / "d/f", "22")
        let output = try repository.fsmonitor("2", Bytes(cursor))
        let next = try repository.session.sync()
        #expect(output.status == 0 && output.bytes == Array("\(next)\0d/f\0".utf8), "\(output)")
        // Nothing since: a token and no path.
        #expect(try repository.fsmonitor("2", Bytes(next)).bytes == Array("\(next)\0".utf8))
        // An old token is answered as well.
        #expect(try repository.ask(Bytes(cursor)).paths == ["d/f"])
    }

    @Test func whatWentAndBothSidesOfARenameAreNamed() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        try Sys.unlink(repository.top / "g")
        try Sys.rename(repository.top / "d/f", repository.top / "d/h")
        #expect(try repository.ask(token).paths == ["d/f", "d/h", "g"])
    }

    /// `d` may have been a file, `d/` is all that the index has below, and a name in it makes git list it anew.
    @Test func aDirectoryIsNamedWithAllBelow() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        try Sys.rename(repository.top / "d", repository.top / "e")
        let below: (Bytes) -> [Bytes] = { [$0, Bytes($0.raw + [0x2f]), $0 / ".gitignore", $0 / "f"] }
        #expect(try repository.ask(token).paths == below("d") + below("e"))
    }

    @Test func namesAreBytes() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        let names: [Bytes] = [
            Bytes([0xff, 0xfe]), "new\nline", "-dash", "#hash", " space ", "\"quote\"", "back\\slash", "tab\t", "*",
            "ä", ":x",
        ]
        for name in names { try Sys.write(repository.top / name, "1") }
        let answer = try repository.ask(token)
        #expect(answer.paths == names.sorted())
    }

    @Test func whatIsInDotGitIsLeftOut() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        try Sys.write(repository.top / "g", "22")
        try repository.git("commit", "-qam", "two")
        #expect(try repository.ask(token).paths == ["g"])
    }

    /// git takes no path with `.git` in it, and lists a directory in another way that is a repository of its own.
    @Test func aNestedRepositoryIsNamedByItsTop() throws {
        let repository = try Repository.watched()
        var token = try repository.token()
        let nested = try Repository(repository.session, at: repository.top / "d")
        #expect(try repository.ask(token).paths == ["d"])
        token = try repository.token()
        try Sys.removeTree(nested.top / ".git")
        #expect(try repository.ask(token).paths == ["d"])
    }

    /// git's own first token is a time; the others are what a broken index may hold, or what WHEN takes and git never says.
    @Test func aTokenThatIsNotOursMeansEverything() throws {
        let repository = try Repository.watched()
        let cursor = try repository.session.sync()
        let other = try Repository.watched()
        let parts = cursor.split(separator: ":")
        let tokens = [
            "", "1795371618123456789", "now", "start", "-x", "@0", "1h", "\(cursor)0", "\(cursor) ", " \(cursor)",
            "\(parts[0]):\(Int(parts[1])! + 1000):\(parts[2])", "\(parts[0]):\(parts[1]):0000000000000000",
            try other.session.sync(), String(repeating: "x", count: 5000),
        ]
        for token in tokens {
            let output = try repository.fsmonitor("2", Bytes(token))
            #expect(output.status == 0 && output.bytes == Array("\(cursor):untracked\0/\0".utf8), "\(output)")
        }
    }

    /// After `/` git believes its untracked cache all the same, unless it is told of each directory.
    @Test func afterEverythingEachDirectoryIsNamed() throws {
        let repository = try Repository.watched()
        try Sys.mkdirs(repository.top / "e" / Bytes([0xff]))
        let cursor = try repository.session.sync()
        let doubting = try repository.ask("")
        #expect(doubting.isEverything)
        let answer = try repository.ask(doubting.token)
        #expect(
            answer.token == Bytes(cursor)
                && answer.paths == [
                    ".gitignore", "d/.gitignore", "e/.gitignore",
                    Bytes(Array("e/\u{0}/.gitignore".utf8).map { $0 == 0 ? 0xff : $0 }),
                ])
        #expect(try repository.ask(answer.token).paths.isEmpty)
    }

    @Test func otherVersionsAreRefused() throws {
        let repository = try Repository.watched()
        let first = try repository.fsmonitor("1", "1795371618123456789")
        #expect(first.status == 1 && first.bytes.isEmpty && first.errors.hasPrefix("journal: "), "\(first)")
        for arguments in [["3", "x"], ["2"], ["2", "x", "y"], []] as [[Bytes]] {
            let output = try Program.run(
                Program.journal, ["git-fsmonitor", "--db", repository.session.database] + arguments,
                directory: repository.top)
            #expect(output.status == 64 && output.bytes.isEmpty && !output.errors.isEmpty, "\(output)")
        }
    }

    /// What came and went between two looks is no change for the journal. git may have seen it, and would go on showing it.
    @Test func whatCameAndWentIsNamed() throws {
        let repository = try Repository.watched()
        let watcher = try #require(repository.session.watcher)
        var token = try repository.token()
        try Sys.write(repository.top / "d/slow", "1")
        try repository.session.sync()
        try Sys.unlink(repository.top / "d/slow")
        try watcher.paused {
            try Sys.write(repository.top / "d/quick", "1")
            try Sys.unlink(repository.top / "d/quick")
            try Sys.rename(repository.top / "d", repository.top / "away")
            try Sys.rename(repository.top / "away", repository.top / "d")
        }
        let answer = try repository.ask(token)
        #expect(Set(answer.paths).isSuperset(of: ["d/slow", "d/quick", "away", "away/"]), "\(answer)")
        #expect(try repository.session.query(since: "\(token)").rows.isEmpty, "it is a change for nobody else")

        token = answer.token
        try watcher.paused {
            for number in 0..<100 {
                try Sys.write(repository.top / Bytes("d/\(number)"), "1")
                try Sys.unlink(repository.top / Bytes("d/\(number)"))
            }
        }
        #expect(try repository.ask(token).isEverything, "too many to keep their names")
        try watcher.paused {
            token = Bytes(try repository.session.views.journal().cursor)
            for number in 0..<100 {
                try Sys.write(repository.top / Bytes(".git/\(number)"), "1")
                try Sys.unlink(repository.top / Bytes(".git/\(number)"))
            }
        }
        #expect(try repository.ask(token).paths.isEmpty, "as many where git does not look")
    }

    @Test func tooManyChangesAreEverything() throws {
        let repository = try Repository.watched()
        try Sys.mkdir(repository.top / "many")
        for number in 0..<13_000 { try Sys.write(repository.top / Bytes("many/\(number)"), "") }
        // That takes longer than the hook waits.
        let token = Bytes(try repository.session.sync())
        for number in 0..<4 {
            let answer = try repository.ask(token)
            #expect(!answer.isEverything && answer.paths.count >= min(number, 2) * 13_000)
            let names: [Bytes] = ["many", "more"]
            try Sys.rename(repository.top / names[number % 2], repository.top / names[1 - number % 2])
            try repository.session.sync()
        }
        #expect(try repository.ask(token).isEverything)
    }

    @Test func aChangeOfTheTopItselfIsEverything() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        try Sys.chmod(repository.top, 0o700)
        #expect(try repository.ask(token).isEverything)
    }

    /// A cursor from while nobody watched would be taken later for one that nothing was missed since.
    @Test func withoutAWatcherEverythingUntilItIsBack() throws {
        let repository = try Repository.watched()
        let watcher = try #require(repository.session.watcher)
        let token = try repository.token()
        watcher.kill()
        let answer = try repository.ask(token)
        #expect(answer.isEverything)
        #expect(try repository.ask(answer.token) == answer)
        try watcher.restart()
        let first = try repository.ask(answer.token)
        #expect(first.isEverything && first.token != answer.token)
        #expect(try !repository.ask(first.token).isEverything)
        #expect(try repository.ask(token).isEverything, "what came and went meanwhile is in no row")
    }

    @Test func aWatcherThatDoesNotAnswerIsNotWaitedForLong() throws {
        let repository = try Repository.watched()
        let token = try repository.token()
        try repository.session.watcher?.paused {
            let answer = try repository.ask(token)
            #expect(answer.isEverything)
        }
        #expect(try repository.ask(token).paths.isEmpty)
    }

    @Test func anOverflowIsEverything() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let repository = try Repository(Session())
        try repository.commitSomething()
        let watcher = try repository.session.start(queue: 32)
        let token = try repository.token()
        try watcher.paused {
            for number in 0..<100 { try Sys.write(repository.top / Bytes("d/\(number)"), "1") }
        }
        try repository.session.sync()
        let answer = try repository.ask(token)
        #expect(answer.isEverything)
        let isBack = try eventually { try !repository.ask(repository.token()).isEverything }
        #expect(isBack)
    }

    @Test func aWorktreeThatIsNotCoveredIsEverything() throws {
        let repository = try Repository.watched()
        let outside = try Repository(repository.session, at: repository.session.outside / "r")
        let answer = try outside.ask(try outside.token())
        #expect(answer.isEverything)
        let output = try outside.fsmonitor("--install")
        #expect(output.status == 3 && output.errors.contains("\(outside.top)"), "\(output)")
        #expect(try outside.attempt(["config", "--get", "core.fsmonitor"]).status == 1, "nothing is set")
        // A root below the top leaves the rest out.
        let above = try Repository(repository.session, at: repository.session.base)
        #expect(try above.ask(try above.token()).isEverything)
    }

    @Test(
        arguments: ["*.o", "build/", "a/**/b", "tree/r/x", "/r/x", "r*/[a]x", "!r/x", "/other", "/other/r", "/r2/x"]
            as [Bytes])
    func aPatternThatMayLeaveSomethingOutIsEverything(pattern: Bytes) throws {
        let session = try Session()
        let repository = try Repository(session, at: session.tree / "r")
        try session.start(options: ["--exclude", pattern])
        let isHarmless = ["!r/x", "/other", "/other/r", "/r2/x", "tree/r/x", "a/**/b"].contains(pattern)
        #expect(try repository.ask(repository.token()).isEverything == !isHarmless)
        #expect(try repository.fsmonitor("--install").status == (isHarmless ? 0 : 3))
    }

    @Test func aMountInTheWorktreeIsEverything() throws {
        let session = try Session()
        let repository = try Repository(session)
        try Sys.mkdir(session.tree / "point")
        try session.start()
        let token = try repository.token()
        #expect(try !repository.ask(token).isEverything)
        guard try session.scratch.mount("tmpfs", at: session.tree / "point", megabytes: 1) else {
            return try Skipped.note("this user may not mount")
        }
        #expect(try repository.ask(token).isEverything)
        try Sys.write(session.tree / "point/f", "1")
        #expect(try repository.ask(repository.token()).isEverything)
        #expect(try repository.fsmonitor("--install").status == 3)
        try session.scratch.unmount(session.tree / "point")
        #expect(try repository.ask(token).isEverything)
        #expect(try !repository.ask(repository.token()).isEverything)
    }

    /// The journal does not record its own files, and git would list them.
    @Test func aJournalInTheWorktreeIsEverything() throws {
        let session = try Session()
        let repository = try Repository(session)
        session.database = session.tree / "journal.db"
        try session.start()
        #expect(try repository.ask(repository.token()).isEverything)
        #expect(try repository.fsmonitor("--install").status == 3)
        try session.watcher?.stop()
        session.database = session.tree / ".git/journal.db"
        try session.start()
        #expect(try !repository.ask(repository.token()).isEverything)
    }

    @Test func aWorktreeThatIsReachedThroughALink() throws {
        let repository = try Repository.watched()
        try Sys.symlink("tree", repository.session.base / "link")
        let linked = try Repository(repository.session, at: repository.session.base / "link", isThere: true)
        let token = try linked.token()
        try Sys.write(repository.top / "g", "22")
        #expect(try linked.ask(token).paths == ["g"])
        #expect(try repository.ask(token).paths == ["g"])
    }

    /// `git --work-tree` uses one index for two trees; what it knows of the one is not true of the other.
    @Test func aTokenIsGoodForItsWorktreeOnly() throws {
        let session = try Session()
        let repository = try Repository(session, at: session.tree / "r")
        let other = try Repository(session, at: session.tree / "other", isThere: true)
        try Sys.mkdir(other.top)
        try session.start()
        let token = try repository.token()
        #expect(try repository.ask(token).paths.isEmpty)
        let elsewhere = ["GIT_DIR": "\(repository.top)/.git", "GIT_WORK_TREE": "\(other.top)"]
        let first = try other.ask(token, environment: elsewhere)
        #expect(first.isEverything)
        #expect(try !other.ask(first.token, environment: elsewhere).isEverything)
        #expect(try repository.ask(first.token).isEverything)
    }

    /// A journal that cannot be read is a failure, after which git looks at everything.
    @Test func aJournalThatCannotBeReadIsAFailure() throws {
        let repository = try Repository.watched()
        try repository.install()
        #expect(try repository.judge().isEmpty)
        try repository.session.watcher?.stop()
        for status in [65, 66] as [Int32] {
            if status == 65 {
                try Sys.write(repository.session.database, Array(repeating: 0x78, count: 8192))
            } else {
                try Sys.unlink(repository.session.database)
            }
            let output = try repository.fsmonitor("2", "x")
            #expect(output.status == status && output.bytes.isEmpty && !output.errors.isEmpty, "\(output)")
            try Sys.write(repository.top / "g", "changed \(status)")
            #expect(try repository.judge().isEmpty)
            #expect(try repository.git("status", "--porcelain").text.contains("g"))
        }
    }
}
