import Foundation
import Seeded
import Testing

/// Whole trees at work: more than a script says, and less random than the oracle.
@Suite struct TreeTests {
    private func check(_ session: Session, since cursor: String, _ before: Tree) throws {
        // Threads link in the steady directories.
        let wrong = try session.judge(since: cursor, before).filter { line in
            !Comparison.isOfAPassingName(line) || !Worker.steady.contains { line.contains("/tree/\($0)/") }
        }
        #expect(wrong.isEmpty, "\(wrong.count) wrong\n\(wrong.prefix(20).joined(separator: "\n"))")
    }

    private func begin(_ session: Session) throws -> (String, Tree) {
        try session.start()
        return (try session.sync(), try Tree(walking: session.tree, contents: true))
    }

    /// B12: anything made before the watch of its directory makes no event.
    @Test func B12_mkdirRaces() throws {
        let session = try Session()
        let (cursor, before) = try begin(session)
        let done = DispatchGroup()
        for thread in 0..<3 {
            let tree = session.tree
            done.enter()
            Thread.detachNewThread {
                for index in 0..<100 {
                    let path = tree / Bytes("r\(index % 5)/s\(index % 11)/t\(index)/u\(thread)/v")
                    try? Sys.mkdirs(path)
                    try? Sys.write(path / "f", "1")
                    try? Sys.write(path.parent / "g", "1")
                    if index % 7 == 0 { try? Sys.rename(path, path.parent.parent / Bytes("moved\(thread)")) }
                    if index % 13 == 0 { try? Sys.removeTree(tree / Bytes("r\(index % 5)/s\(index % 11)")) }
                }
                done.leave()
            }
        }
        for _ in 0..<5 { try session.sync() }
        done.wait()
        try check(session, since: cursor, before)
    }

    /// B45: no system call takes such a path; every one has to go by descriptors.
    @Test(arguments: [false, true]) func B45_pathsLongerThanPATH_MAX(down: Bool) throws {
        let session = try Session()
        let long = Bytes([UInt8](repeating: UInt8(ascii: "n"), count: 250))
        func deep(_ top: Bytes) -> Bytes { (0..<20).reduce(session.tree / top) { path, _ in path / long } }
        try Sys.mkdirs(deep("old"))
        try Sys.write(deep("old") / "f", "1")
        let (cursor, before) = try begin(session)
        if down { try session.watcher?.stop() }
        try Sys.write(deep("old") / "f", "22")
        try Sys.mkdirs(deep("new"))
        try Sys.write(deep("new") / "g", "1")
        try Sys.rename(session.tree / "old", session.tree / "renamed")
        try Sys.write(deep("renamed") / "h", "1")
        if down { try session.watcher?.restart() }
        try check(session, since: cursor, before)
        let rows = try session.query(since: cursor, deep("new")).rows
        #expect(rows.map(\.path) == [deep("new"), deep("new") / "g"])
    }

    @Test func B20_aDirectoryOfManyFilesIsRenamedWithoutAnOverflow() throws {
        let session = try Session()
        for index in 0..<20_000 {
            if index % 1000 == 0 { try Sys.mkdirs(session.tree / Bytes("big/d\(index / 1000)")) }
            try Sys.write(session.tree / Bytes("big/d\(index / 1000)/f\(index)"), "")
        }
        try session.start()
        let cursor = try session.sync()
        try Sys.rename(session.tree / "big", session.tree / "bigger")
        try session.sync()
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "paths", "--present")
        #expect(output.status == 0 && output.lines.count == 20_021, "\(output.lines.count), \(output.errors)")
        #expect(try session.views.value("SELECT count(*) FROM changes WHERE kind = 'renamed'") == "20021")
        #expect(try session.views.value("SELECT count(*) FROM changes WHERE moved_with IS NULL") == "1")
        #expect(try session.views.gaps().allSatisfy { $0.cause != "overflow" })
        let walk = try Tree(walking: session.tree)
        #expect(Comparison.state(try session.views.files(), walk).isEmpty)
    }

    @Test func B63_killedDuringAnUntar() throws {
        let session = try Session()
        let source = session.outside / "source"
        for index in 0..<3000 {
            let directory = source / Bytes("d\(index % 40)/e\(index % 9)")
            try Sys.mkdirs(directory)
            try Sys.write(directory / Bytes("file \(index)"), String(repeating: "x", count: index % 300))
        }
        let archive = session.outside / "archive.tar"
        try #require(try Program.run("tar", ["-C", session.outside, "-cf", archive, "source"]).status == 0)
        let (cursor, before) = try begin(session)
        for delay in [10, 40, 90] {
            let tar = try Child("tar", ["-C", session.tree, "-xf", archive])
            usleep(UInt32(delay) * 1000)  // somewhere in the middle; wherever it is, the answer is the same
            session.watcher?.kill()
            #expect(tar.wait(.seconds(60)) == 0)
            try session.watcher?.restart()
            try check(session, since: cursor, before)
        }
        try Sys.removeTree(session.tree / "source")
        try check(session, since: cursor, before)
    }

    /// Programs as people run them.
    @Test(arguments: ["tar", "git", "rsync", "cp", "sed"]) func realPrograms(_ tool: String) throws {
        guard try Program.run("sh", ["-c", Bytes("command -v \(tool)")]).status == 0 else {
            return try Skipped.note("no \(tool)")
        }
        let session = try Session()
        let source = session.outside / "source"
        try Sys.mkdirs(source / "a/b")
        for index in 0..<200 {
            try Sys.write(source / Bytes(index % 2 == 0 ? "a/f\(index)" : "a/b/f\(index)"), "line \(index)\n")
        }
        let (cursor, before) = try begin(session)
        let git = "git -c user.name=t -c user.email=t@example.org -c init.defaultBranch=main -c gc.auto=0"
        let script =
            switch tool {
            case "tar": "tar -C ../outside -cf - source | tar xf - && mv source there && rm -r there/a/b"
            case "git":
                "cd ../outside/source && \(git) init -q && \(git) add . && \(git) commit -qm one && cd ../../tree && "
                    + "\(git) clone -q ../outside/source clone && cd clone && echo more >> a/f0 && \(git) mv a/b c && "
                    + "\(git) commit -qam two && \(git) checkout -q -b other HEAD~ && \(git) checkout -q main && \(git) repack -adq"
            case "rsync":
                "rsync -a ../outside/source/ copy/ && echo x >> ../outside/source/a/f0 && rsync -a --delete ../outside/source/ copy/"
            case "cp": "cp -a ../outside/source copy && cp -al copy links && echo x >> links/a/f0 && rm -r copy/a/b"
            default: "cp -r ../outside/source copy && sed -i s/line/row/ copy/a/f* && find copy -name 'f1*' -delete"
            }
        let output = try Program.run("sh", ["-c", Bytes("cd '\(session.tree)' && \(script)")])
        try #require(output.status == 0, "\(output)")
        try check(session, since: cursor, before)
    }

    /// A directory that vanishes while it is being crawled is no error at all.
    @Test func B57_theFirstCrawlOfATreeThatChanges() throws {
        let session = try Session()
        for index in 0..<1500 {
            try Sys.mkdirs(session.tree / Bytes("d\(index % 30)/e\(index)"))
            try Sys.write(session.tree / Bytes("d\(index % 30)/e\(index)/f"), "1")
        }
        let done = DispatchGroup()
        let tree = session.tree
        done.enter()
        Thread.detachNewThread {
            for round in 0..<3 {
                for index in 0..<30 {
                    try? Sys.rename(tree / Bytes("d\(index)"), tree / Bytes("m\(round)-\(index)"))
                    try? Sys.removeTree(tree / Bytes("m\(round)-\(index)/e\(index)"))
                    try? Sys.rename(tree / Bytes("m\(round)-\(index)"), tree / Bytes("d\(29 - index)"))
                }
            }
            done.leave()
        }
        let watcher = try session.start()
        done.wait()
        try session.sync()
        #expect(watcher.isRunning)
        let walk = try Tree(walking: session.tree)
        let wrong = Comparison.state(try session.views.files(), walk)
        #expect(wrong.isEmpty, "\(wrong.prefix(20).joined(separator: "\n"))")
        #expect(!watcher.said.errors.contains("No such file"), "\(watcher.said.errors)")
    }

    /// Answers while work goes on: each is complete, and together they lead from the first walk to the last.
    @Test func answersInTheMiddleOfWorkAddUp() throws {
        let session = try Session()
        for name in Worker.steady { try Sys.mkdir(session.tree / name) }
        let (begin, before) = try begin(session)
        var random = SplitMix64(seed: 7)
        let done = DispatchGroup()
        let gate = Worker.Gate()
        for _ in 0..<2 {
            let worker = Worker(
                tree: session.tree, outside: session.outside, touched: Touched(), gate: gate, random: random.split())
            done.enter()
            Thread.detachNewThread {
                var worker = worker
                worker.work(400)
                done.leave()
            }
        }
        var (cursor, seqs) = (begin, [Int64]())
        for round in 0..<12 {
            if round == 11 { done.wait() }
            let answer = try session.query(since: cursor, "--log")
            seqs += answer.rows.map(\.seq)
            cursor = try #require(answer.cursor)
        }
        #expect(try session.query(since: begin, "--log").rows.map(\.seq) == seqs, "holes or repeats")
        try check(session, since: begin, before)
    }
}
