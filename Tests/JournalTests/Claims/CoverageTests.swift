import Glibc
import Testing

/// Roots, excludes, mounts: what a question is about, and since when.
@Suite struct CoverageTests {
    @Test func theFirstCrawlWritesNoChanges() throws {
        let session = try Session()
        for index in 0..<100 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
        try session.start()
        #expect(try session.query(since: "start").rows.isEmpty)
        #expect(try session.query().rows.isEmpty)
        let walk = try Tree(walking: session.tree)
        #expect(Comparison.state(try session.views.files(), walk).isEmpty)
    }

    @Test func severalRoots() throws {
        let session = try Session()
        try session.start([session.tree, session.outside])
        let cursor = try session.sync()
        try Sys.write(session.tree / "a", "1")
        try Sys.write(session.outside / "b", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.outside / "b", session.tree / "a"])
        #expect(try session.query(since: cursor, session.outside).rows.map(\.path) == [session.outside / "b"])
        try Sys.rename(session.tree / "a", session.outside / "c")
        let rows = try session.query(since: try session.sync(), session.tree).rows
        #expect(rows.isEmpty)
        // From the cursor on, `a` came and went; only its new name is there.
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.outside / "b", session.outside / "c"])
    }

    @Test func aQuestionAboutOneSideOfARename() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "a")
        try Sys.mkdirs(session.tree / "b")
        try Sys.write(session.tree / "a/f", "1")
        try session.start()
        let cursor = try session.sync()
        try Sys.rename(session.tree / "a/f", session.tree / "b/g")
        let (a, b) = (
            try session.query(since: cursor, session.tree / "a").rows,
            try session.query(since: cursor, session.tree / "b").rows
        )
        #expect(a.map(\.kind) == ["deleted"] && a.map(\.path) == [session.tree / "a/f"], "\(a)")
        #expect(b.map(\.kind) == ["created"] && b.map(\.path) == [session.tree / "b/g"], "\(b)")
        let both = try session.query(since: cursor, session.tree / "a", session.tree / "b").rows
        #expect(both.map(\.kind) == ["renamed"], "\(both)")
    }

    @Test func aPathThatIsGoneCanBeAskedFor() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d/e")
        try Sys.write(session.tree / "d/e/f", "1")
        try session.start()
        let cursor = try session.sync()
        try Sys.removeTree(session.tree / "d")
        let rows = try session.query(since: cursor, session.tree / "d/e").rows
        #expect(rows.map(\.kind) == ["deleted", "deleted"], "\(rows)")
        #expect(rows.map(\.path) == [session.tree / "d/e", session.tree / "d/e/f"])
    }

    @Test func aRootThatJoinsLaterIsNotCoveredBefore() throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        try watcher.stop()
        try Sys.write(session.tree / "f", "1")
        try session.start([session.tree, session.outside])
        try session.expectRefusal(since: cursor)
        try session.expectRefusal(since: cursor, session.outside)
        #expect(try session.query(since: cursor, session.tree).paths == [session.tree / "f"])
        let joined = try session.sync()
        try Sys.write(session.outside / "g", "1")
        #expect(try session.query(since: joined).rows.map(\.path) == [session.outside / "g"])
    }

    @Test func aRootThatIsStoppedIsNoPartOfTheQuestion() throws {
        let session = try Session()
        try session.start([session.tree, session.outside]).stop()
        try session.start([session.tree])
        #expect(try session.views.roots()[session.outside] == "stopped")
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        try session.expectRefusal(since: cursor, session.outside)
    }

    @Test(arguments: [false, true]) func aRootThatIsForgotten(live: Bool) throws {
        let session = try Session()
        let watcher = try session.start([session.tree, session.outside])
        try Sys.write(session.outside / "f", "1")
        let cursor = try session.sync()
        if !live { try watcher.stop() }
        let output = try session.run("forget", session.outside)
        #expect(output.status == 0, "\(output)")
        #expect(try session.views.roots().keys.sorted() == [session.tree])
        #expect(try session.views.files().entries.keys.allSatisfy { session.tree.contains($0) })
        try session.expectRefusal(since: cursor, session.outside)
    }

    /// What left it while nobody looked waits to be found by its reconcile, and has nothing to wait for any more.
    @Test func aRootThatIsForgottenWhileItIsReconciled() throws {
        let session = try Session()
        for index in 0..<3000 { try Sys.mkdirs(session.outside / Bytes("d\(index)/e")) }
        let watcher = try session.start([session.tree, session.outside])
        try session.sync()
        watcher.kill()
        for index in 0..<50 { try Sys.rename(session.outside / Bytes("d\(index)"), session.base / Bytes("d\(index)")) }
        try watcher.restart(live: false)
        let isForgotten = try eventually { try session.run("forget", session.outside).status == 0 }
        #expect(isForgotten && watcher.isRunning, "\(watcher.said)")
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        #expect(try session.views.roots().keys.sorted() == [session.tree])
        #expect(try session.views.files().entries.keys.allSatisfy { session.tree.contains($0) })
    }

    @Test func B53_aRootThatMovesAwayIsOfflineUntilItIsBack() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/f", "1")
        try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try Sys.rename(session.tree, session.base / "elsewhere")
        try session.expectRefusal(since: cursor)
        #expect(try session.views.roots()[session.tree] == "offline")
        #expect(try session.views.files()[session.tree / "d/f"] != nil, "nothing is deleted")
        try Sys.write(session.base / "elsewhere/d/f", "22")
        try Sys.rename(session.base / "elsewhere", session.tree)
        try Sys.write(session.tree / "d/g", "1")
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    @Test func B53_anotherDirectoryOfTheSameFileSystemIsReconciled() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/f", "1")
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try watcher.stop()
        try Sys.rename(session.tree, session.base / "elsewhere")
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/g", "1")
        try watcher.restart()
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    @Test func excludedPathsAreNoPartOfAnyAnswer() throws {
        let session = try Session()
        for directory in ["build/out", "src/build", "src/deep"] as [Bytes] { try Sys.mkdirs(session.tree / directory) }
        let options: [Bytes] = ["--exclude", "*.o", "--exclude", "/build/", "--exclude", "!keep.o"]
        let watcher = try session.start(options: options)
        let cursor = try session.sync()
        let seen = ["src/a.c", "src/build/b.c", "src/deep/c.c", "src/deep/keep.o"] as [Bytes]
        let unseen = ["src/a.o", "src/deep/c.o", "build/x", "build/out/y"] as [Bytes]
        for path in seen + unseen { try Sys.write(session.tree / path, "1") }
        #expect(try session.query(since: cursor).rows.map(\.path) == seen.map { session.tree / $0 }.sorted())
        try session.expectRefusal(since: cursor, session.tree / "build")
        try session.expectRefusal(since: cursor, session.tree / "build/out")
        #expect(try session.views.files().entries.keys.allSatisfy { !$0.description.contains("/build/out") })
        #expect(try session.run("status").text.contains("build"))

        // An exclude that is dropped begins coverage for its subtree, with no changes for what was there.
        try watcher.stop()
        try session.start(options: ["--no-exclude"])
        try session.expectRefusal(since: cursor, session.tree / "build")
        let now = try session.sync()
        try Sys.write(session.tree / "build/out/z", "1")
        try Sys.write(session.tree / "src/a.o", "22")
        let rows = try session.query(since: now).rows.map(\.path)
        #expect(rows == [session.tree / "build/out/z", session.tree / "src/a.o"])
        let walk = try Tree(walking: session.tree)
        #expect(Comparison.state(try session.views.files(), walk).isEmpty)
    }

    /// What went while it was excluded is told by nobody: from before that there is no answer any more.
    @Test(arguments: [true, false]) func anExcludeComesAndGoes(live: Bool) throws {
        let session = try Session()
        for name in ["d/f", "x.o", "keep/f"] as [Bytes] {
            try Sys.mkdirs((session.tree / name).parent)
            try Sys.write(session.tree / name, "1")
        }
        let watcher = try session.start()
        let before = try session.sync()
        try watcher.stop()
        let excluding = try session.start(options: ["--exclude", "d/", "--exclude", "*.o"])
        let within = try session.sync()
        func remove() throws {
            try Sys.removeTree(session.tree / "d")
            try Sys.unlink(session.tree / "x.o")
        }
        if live { try remove() }
        try session.sync()
        try excluding.stop()
        if !live { try remove() }
        #expect(try session.run("query", "--no-sync", "--since", Bytes(before)).status == 0)
        try session.start(options: ["--no-exclude"])
        for path in [session.tree, session.tree / "d", session.tree / "d/f", session.tree / "x.o"] {
            try session.expectRefusal(since: before, path)
        }
        // It was no part of a question that began while it was excluded.
        #expect(try session.run("unchanged", "--since", Bytes(within), session.tree / "keep").status == 0)
    }

    /// The crawl that was to begin its coverage did not come to its end.
    @Test(arguments: ["away", "killed", "stopped"]) func anExcludeIsDroppedAndNobodyLooks(how: String) throws {
        let session = try Session()
        let file = session.tree / "build/o"
        try Sys.mkdirs(file.parent)
        for name in [file, session.tree / "f"] { try Sys.write(name, "1") }
        if how != "away" { for index in 0..<20_000 { try Sys.mkdir(session.tree / Bytes("\(index)")) } }
        try session.start(options: ["--exclude", "build"])
        let cursor = try session.sync()
        try Sys.unlink(file)
        try session.watcher?.stop()
        if how == "away" { try Sys.rename(session.tree, session.outside / "away") }
        let interrupted = try session.start(options: ["--no-exclude"], live: false)
        if how == "killed" { interrupted.kill() } else { try interrupted.stop() }
        if how == "away" { try Sys.rename(session.outside / "away", session.tree) }
        let watcher = try session.start([])
        try session.expectRefusal(since: cursor, file)
        #expect(try session.views.value("SELECT count(*) FROM former_exclude") == "0" && watcher.isRunning)
    }

    /// It is no part of a question that begins while its root is stopped: neither may one go on from there with it.
    @Test func aStartWhileARootIsStopped() throws {
        let session = try Session()
        func consume() throws -> Program.Output {
            try Program.run(
                Program.journal, ["consume", "n", "--format", "paths", "--db", session.database, "--", "cat"])
        }
        let watcher = try session.start([session.tree, session.outside])
        try session.sync()
        #expect(try session.run("consume", "n", "--format", "paths", "--initial").status == 0)
        try Sys.write(session.outside / "told of in no list", "1")
        try session.sync()
        try watcher.stop()
        try session.start([session.tree])
        try Sys.write(session.tree / "a", "1")
        let first = try consume()
        #expect(first.text == "\(session.tree)/a\n", "\(first)")
        let stopped = try session.sync()
        try session.watcher?.stop()
        try session.start([session.tree, session.outside])
        try Sys.write(session.outside / "b", "1")
        let second = try consume()
        #expect(second.status == 3, "\(second)")
        try session.expectRefusal(since: stopped)
        #expect(try session.query(since: stopped, session.tree).rows.isEmpty)
        let again = try session.sync()
        #expect(try session.query(since: again).rows.isEmpty)
        #expect(try session.run("query").status == 0, "the default starts where there is an answer")
    }

    /// What is asked about may have been a directory, which nothing says any more.
    @Test func anExcludedDirectoryBelowWhatIsAFileNow() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "f/d")
        try session.start(options: ["--exclude", "d/"])
        let cursor = try session.sync()
        try Sys.removeTree(session.tree / "f")
        try session.expectRefusal(since: cursor, session.tree / "f/d")
        try Sys.write(session.tree / "f", "1")
        try session.expectRefusal(since: cursor, session.tree / "f/d")
    }

    @Test func excludesAreStored() throws {
        let session = try Session()
        try session.start(options: ["--exclude", "*.o"]).stop()
        try session.start([])
        let cursor = try session.sync()
        try Sys.write(session.tree / "a.o", "1")
        try Sys.write(session.tree / "a.c", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "a.c"])
    }

    @Test func B54_anotherMountIsNotCovered() throws {
        let session = try Session()
        let point = session.tree / "mnt"
        try Sys.mkdir(point)
        guard try Program.run("mount", ["-t", "tmpfs", "none", point]).status == 0 else {
            return try Skipped.note("tmpfs cannot be mounted here")
        }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        try session.start()
        let cursor = try session.sync()
        try Sys.write(point / "f", "1")
        try Sys.write(session.tree / "g", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "g"])
        try session.expectRefusal(since: cursor, point)
    }

    @Test func B54_crossMounts() throws {
        let session = try Session()
        let point = session.tree / "mnt"
        try Sys.mkdir(point)
        guard try Program.run("mount", ["-t", "tmpfs", "none", point]).status == 0 else {
            return try Skipped.note("tmpfs cannot be mounted here")
        }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        try Sys.write(point / "f", "1")
        #expect(try session.query(since: cursor, point).rows.map(\.path) == [point / "f"])
    }

    @Test func B58_scanIsAJournalWithoutADaemon() throws {
        let session = try Session()
        try Sys.write(session.tree / "old", "1")
        #expect(try session.run("scan", session.tree).status == 0)
        let cursor = try session.views.journal().cursor
        let before = try Tree(walking: session.tree, contents: true)
        try Sys.write(session.tree / "new", "1")
        try Sys.rename(session.tree / "old", session.tree / "other")
        #expect(try session.run("scan").status == 0)
        let rows = try session.query(since: cursor, "--no-sync").rows
        #expect(rows.allSatisfy { $0.source == "crawl" && $0.notBefore != nil }, "\(rows)")
        let wrong = Comparison.follow(rows, before, try Tree(walking: session.tree, contents: true))
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(try session.run("query", "--since", Bytes(cursor)).status == 3, "nobody watches")
    }

    @Test func B29_scanFindsWhatMadeNoEvent() throws {
        let session = try Session()
        try Sys.write(session.tree / "f", "aaaa")
        let hand = Hand(tree: session.tree, outside: session.outside)
        try session.start()
        let cursor = try session.sync()
        try hand.perform("map m f")
        try hand.perform("store m bbbb")
        #expect(try session.run("scan", session.tree).status == 0)
        let rows = try session.query(since: cursor).rows
        #expect(rows.map(\.path) == [session.tree / "f"] && rows.map(\.kind) == ["modified"], "\(rows)")
    }
}
