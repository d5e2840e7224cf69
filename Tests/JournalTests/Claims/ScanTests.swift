import Glibc
import Testing

/// `journal scan`: 0 only where it has looked.
@Suite struct ScanTests {
    private let session: Session
    private let second: Bytes

    init() throws {
        session = try Session()
        second = session.base / "second"
        try Sys.mkdir(second)
        for root in [session.tree, second] { try Sys.write(root / "f", "1") }
        try session.start([session.tree, second])
    }

    @Test(arguments: [true, false]) func aRootThatIsNotThereIsToldAndTheOthersAreCrawled(isWatched: Bool) throws {
        if isWatched {
            try Sys.rename(session.tree, session.outside / "away")
            #expect(
                eventually { (try? session.views.value("SELECT count(*) FROM roots WHERE state = 'offline'")) == "1" })
        } else {
            try session.watcher?.stop()
            try Sys.rename(session.tree, session.outside / "away")
        }
        let crawled = "SELECT crawled_ns FROM root WHERE CAST(path AS TEXT) = '\(second)'"
        let before = try session.views.value(crawled)
        for paths in [[], [session.tree], [session.tree, second]] as [[Bytes]] {
            let output = try session.run(["scan"] + paths)
            #expect(output.status == 3 && output.errors.contains("\(session.tree)"), "\(paths): \(output)")
        }
        #expect(try session.views.value(crawled) != before)
        #expect(try session.run("scan", second).status == 0)
        let refused = try session.run("query", "--no-sync", "--format", "paths", session.tree)
        #expect(refused.status == 3 && refused.errors.contains("--adopt") && !refused.errors.contains("needs a scan"))
    }

    @Test func aPathIsFoundAsAQuestionFindsIt() throws {
        try Sys.symlink(session.tree, session.outside / "link")
        #expect(try session.run("scan", session.outside / "link").status == 0)
        try session.watcher?.stop()
        #expect(try session.run("scan", session.outside / "link").status == 0)
        #expect(try session.views.value("SELECT count(*) FROM roots") == "2")
    }

    /// The data went to another disk, and a link was left.
    @Test(arguments: [true, false]) func aRootThatBecameALinkCanBeForgotten(isWatched: Bool) throws {
        if !isWatched { try session.watcher?.stop() }
        try Sys.rename(second, session.outside / "moved")
        try Sys.symlink(session.outside / "moved", second)
        #expect(try session.run("forget", second).status == 0)
        #expect(try session.views.value("SELECT count(*) FROM roots") == "1")
        #expect(try session.run("forget", second).status == 66)
    }

    /// It is the link that is named, whatever a shell puts behind it.
    @Test func aRootThatBecameALinkToAnother() throws {
        try Sys.removeTree(second)
        try Sys.symlink(session.tree, second)
        #expect(try session.run("forget", Bytes("\(second)/")).status == 0)
        #expect(
            try session.views.value("SELECT count(*) FROM roots WHERE CAST(path AS TEXT) = '\(session.tree)'") == "1")
    }

    /// A gap below what is scanned is closed as well, by a crawl that logs what was missed there; what is in order beside it is
    /// not held back meanwhile.
    @Test func gapsBelowAreClosedToo() throws {
        try session.watcher?.stop()
        try #require(try session.run("forget", second).status == 0)
        guard let limited = try Limited.to(6, .watches) else { return }
        let top = session.tree / "top"
        for index in 0..<6 {
            try Sys.mkdirs(top / Bytes("d\(index)"))
            for name in ["gone", "moved", "stays"] { try Sys.write(top / Bytes("d\(index)") / Bytes(name), "1") }
        }
        session.wrapper = limited
        let watcher = try session.start([session.tree], options: ["--crawl-every", "1h"])
        session.wrapper = []
        let cursor = try session.sync()
        #expect(try session.views.gaps().contains { $0.isOpen && $0.cause == "watch-limit" })
        let before = try Tree(walking: session.tree, contents: true)
        for index in 0..<6 {
            let (here, next) = (top / Bytes("d\(index)"), top / Bytes("d\((index + 1) % 6)"))
            try Sys.unlink(here / "gone")
            try Sys.rename(here / "moved", next / "arrived")
            try Sys.write(here / "stays", "22")
        }
        let raised = try Program.run(
            "nsenter",
            ["--user", "-t", Bytes("\(watcher.pid)"), "sh", "-c", Bytes("echo 99 > \(Limited.watches.rawValue)")])
        try #require(raised.status == 0, "\(raised)")
        let output = try session.run("scan", top)
        #expect(output.status == 0, "\(output)")
        #expect(try !session.views.gaps().contains(where: \.isOpen))
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    @Test func aRootThatIsStoppedIsNotAskedAbout() throws {
        try session.watcher?.stop()
        try session.start([session.tree])
        let cursor = Bytes(try session.sync())
        try Sys.write(session.tree / "f", "22")
        for options in [["--format", "paths", "--relative-to", session.tree], ["--for", "tar"]] as [[Bytes]] {
            let output = try session.run(["query", "--since", cursor] + options)
            #expect(output.status == 0 && !output.bytes.isEmpty, "\(output)")
        }
    }
}
