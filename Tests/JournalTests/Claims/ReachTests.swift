import Glibc
import Testing

/// What the watcher cannot reach for a while, and what it finds when it can again.
@Suite struct ReachTests {
    /// Asks until the answer is vouched for.
    private func wait(_ session: Session, since cursor: String) throws -> Program.Output {
        let limit = ContinuousClock.now + .seconds(30)
        while true {
            let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--timeout", "1s")
            if output.status != 3 || .now > limit { return output }
        }
    }

    /// What lies below a directory without search permission is a gap of its own, which ends with that of the directory above.
    @Test func whatCouldNotBeReachedIsLookedAtOnceTheWayIsFree() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try Sys.mkdirs(session.tree / "a/b/c")
        try session.start()
        // More than once: the first time may be when all that was refused is tried again anyway.
        for _ in 0..<3 {
            let cursor = try session.sync()
            let before = try Tree(walking: session.tree, contents: true)
            try Sys.chmod(session.tree / "a", 0o600)
            try Sys.write(session.tree / "a/b/c/f", [1], O_WRONLY | O_CREAT | O_APPEND)
            let refused = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--timeout", "1s")
            #expect(refused.status == 3 && refused.bytes.isEmpty, "\(refused)")
            try Sys.chmod(session.tree / "a", 0o755)
            let wrong = try session.judge(since: cursor, before)
            #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        }
    }

    /// No event tells that there are watches again, so that is tried from time to time, also where questions come all the
    /// time. A name space of the user's own has a limit of its own.
    @Test func questionsDoNotKeepAGapOpen() throws {
        let session = try Session()
        guard let limited = try Limited.to(4, .watches) else { return }
        for index in 0..<9 { try Sys.mkdir(session.tree / Bytes("d\(index)")) }
        // What changes in the tick before a crawl counts as changed for the next one (fact 59).
        usleep(100_000)
        session.wrapper = limited
        let watcher = try session.start(options: ["--crawl-every", "1s"])
        session.wrapper = []
        let cursor = try session.sync()
        let gaps = try session.views.gaps().filter(\.isOpen).count
        // Twice: the first time may be the first there is. With six watches some of them stay, with 99 none, however many
        // crawls that takes.
        for (watches, directory, limit) in [("6", session.tree / "d0", gaps), ("99", session.tree, 1)] {
            let raised = try Program.run(
                "nsenter",
                [
                    "--user", "-t", Bytes("\(watcher.pid)"), "sh", "-c",
                    Bytes("echo \(watches) > \(Limited.watches.rawValue)"),
                ])
            try #require(raised.status == 0, "\(raised)")
            let end = ContinuousClock.now + .seconds(30)
            while try session.views.gaps().filter(\.isOpen).count >= limit && .now < end {
                try session.run("query", "--since", Bytes(cursor), "--timeout", "100ms", directory)
            }
            #expect(.now < end, "asked all the time, nothing was tried again")
        }
        let rows = try session.query(since: cursor).rows
        #expect(rows.isEmpty, "\(rows)")
    }

    /// A second name, made where nobody could look, concerns the first one, which lies elsewhere.
    @Test func B33_aLinkThatACrawlOfASubtreeFinds() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try Sys.mkdir(session.tree / "a")
        try Sys.mkdir(session.tree / "b")
        try Sys.write(session.tree / "a/f", "1")
        try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try Sys.chmod(session.tree / "b", 0o600)
        try Sys.link(session.tree / "a/f", session.tree / "b/g")
        try Sys.write(session.tree / "b/g", Array("x".utf8), O_WRONLY)
        let refused = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--timeout", "1s")
        #expect(refused.status == 3, "\(refused)")
        try Sys.chmod(session.tree / "b", 0o755)
        let output = try wait(session, since: cursor)
        #expect(output.status == 0, "\(output)")
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    /// Unmounted and mounted again before anybody looked, a file system has the same identity and mount id as before, and no
    /// watches.
    @Test func B52_aRootWhoseFileSystemIsMountedAgainAtOnce() throws {
        let session: Session
        do { session = try Session(on: .ext4) } catch is Session.Skip {
            return try Skipped.note("ext4 cannot be loop-mounted here")
        }
        try Sys.mkdirs(session.tree / "a/b")
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try watcher.paused {
            try session.scratch.unmount(session.base)
            try session.scratch.remount(session.base)
            try Sys.write(session.tree / "a/b/f", "1")
        }
        let output = try wait(session, since: cursor)
        #expect(output.status == 0, "\(output)")
        try Sys.write(session.tree / "a/b/g", "1")
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(try session.views.gaps().contains { $0.cause == "offline" && !$0.isOpen })
    }
}
