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
