import Glibc
import Testing

/// Watches and rights that run out.
@Suite struct LimitTests {
    /// A name space of the user's own has a limit of its own, so that nobody else's watches are refused.
    @Test func B14_theWatchLimitLeavesAGapForWhatIsNotWatchedAndNoMore() throws {
        let session = try Session()
        guard let limited = try Limited.to(20, .watches) else { return }
        let directories = (10..<60).map { session.tree / Bytes("d\($0)") }
        for directory in directories {
            try Sys.mkdir(directory)
            try Sys.write(directory / "f", "1")
        }
        // What was written a moment before a gap began is in doubt.
        usleep(100_000)
        session.wrapper = limited
        let watcher = try session.start()
        session.wrapper = []
        let said = watcher.said.errors
        #expect(said.contains("max_user_watches"), "does not name the limit to raise: \(said)")
        let gaps = try session.views.gaps().filter(\.isOpen)
        let (refused, covered) = (
            directories.filter { directory in gaps.contains { $0.path.contains(directory) } },
            directories.filter { directory in !gaps.contains { $0.path.contains(directory) } }
        )
        #expect(refused.count >= 30 && covered.count >= 10, "\(gaps)")
        guard let good = covered.last, let bad = refused.first else { return }

        let cursor = try session.sync()
        try Sys.write(good / "new", "1")
        try Sys.write(bad / "new", "1")
        #expect(try session.query(since: cursor, good).rows.map(\.path) == [good / "new"])
        for path in [bad, session.tree] {
            let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--timeout", "1s", path)
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            // A scan would leave it as unwatched as it is.
            #expect(output.errors.contains("max_user_watches") && !output.errors.contains("journal scan"), "\(output)")
        }
        #expect(try session.run("unchanged", "--since", Bytes(cursor), "--timeout", "1s").status == 3)
        #expect(try session.run("status").status == 1)

        // With watches enough, the next start closes the gap and finds what was missed.
        try watcher.stop()
        try session.start()
        let after = try session.query(since: cursor).rows.filter { $0.type != "directory" }.map(\.path)
        #expect(after.sorted() == [good / "new", bad / "new"].sorted())
        #expect(try session.views.gaps().filter(\.isOpen).isEmpty)
    }

    @Test func B13_aDirectoryUnreadableFromTheStartIsNotCovered() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let secret = session.tree / "secret"
        try Sys.mkdirs(secret / "below")
        try Sys.write(session.tree / "f", "1")
        try Sys.chmod(secret, 0o700)  // root's
        try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "22")
        try Sys.write(secret / "below" / "g", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        for path in [secret, secret / "below"] {
            let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", path)
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
        }
        let status = try session.run("status")
        #expect(status.text.contains("secret"), "\(status)")
        let text = try session.run("query", "--since", Bytes(cursor), "--format", "text")
        #expect(text.status == 0 && text.errors.contains("secret"), "text warns in one line: \(text)")
    }

    @Test func B13_aDirectoryThatBecomesUnreadableIsAGapAndNothingIsDeleted() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let (shut, open) = (session.tree / "shut", session.tree / "open")
        for directory in [shut, open] {
            try Sys.mkdir(directory)
            try Sys.write(directory / "f", "1")
            for path in [directory, directory / "f"] { try Sys.chown(path, Session.nobody, Session.nobody) }
        }
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        for restarted in [false, true] {
            try Sys.chmod(shut, 0)
            if restarted {
                try watcher.stop()
                try watcher.restart()
            }
            try Sys.write(shut / Bytes("new-\(restarted ? 1 : 0)"), "1")
            try Sys.write(open / "f", "longer")
            #expect(try session.query(since: cursor, open).rows.map(\.path) == [open / "f"])
            let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--timeout", "1s")
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            #expect(try session.views.gaps().contains { $0.isOpen && $0.path.contains(shut) })
            #expect(try session.views.files()[shut / "f"] != nil, "unknown is not gone")

            try Sys.chmod(shut, 0o755)
            let wrong = try session.judge(since: cursor, before)
            #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
            #expect(try session.views.gaps().allSatisfy { !$0.isOpen })
        }
    }

    @Test func B2_anOverflowIsAGapThatAReconcileCloses() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        for index in 0..<50 { try Sys.mkdirs(session.tree / Bytes("d\(index)")) }
        let watcher = try session.start(queue: 16)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try watcher.paused {
            for index in 0..<50 { try Sys.write(session.tree / Bytes("d\(index)") / "f", "1") }
            try Sys.rename(session.tree / "d0", session.tree / "d50")
        }
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        let gaps = try session.views.gaps().filter { $0.cause == "overflow" }
        #expect(!gaps.isEmpty, "the queue did not overflow, or no gap tells of it")
        #expect(gaps.allSatisfy { !$0.isOpen })
        #expect(try session.query(since: cursor, "--log").rows.contains { $0.source == "crawl" })
    }

    /// A crawl that runs when the next overflow comes may have passed what that one lost: the gap it was to close is not its
    /// to close any more. Status 0 with paths missing was the answer, for as long as the next crawl took.
    @Test func B2_anOverflowWhileACrawlRunsIsTheNextCrawls() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        let files = (0..<100).flatMap { directory in (0..<20).map { Bytes("d\(directory)") / Bytes("f\($0)") } }
        for directory in 0..<100 { try Sys.mkdirs(session.tree / Bytes("d\(directory)")) }
        for file in files { try Sys.write(session.tree / file, "1") }
        let watcher = try session.start(queue: 16)
        for round in 1...12 {
            let cursor = try session.sync()
            let overflows = try session.views.gaps().filter { $0.cause == "overflow" }.count
            try watcher.paused { try write(files, "first \(round)") }
            // A crawl begins meanwhile, and has come to another point of the tree each time.
            usleep(UInt32(round * 8000))
            try watcher.paused { try write(files, "second \(round)") }
            let told = try session.query(since: cursor, "--renames", "split").rows
            let known = Dictionary(told.map { ($0.path, $0.mtime) }) { $1 }
            let real = try Tree(walking: session.tree)
            let wrong = files.filter { known[session.tree / $0] != real[session.tree / $0]?.mtime }
            #expect(wrong.isEmpty, "round \(round): \(wrong.count) of \(files.count) are not as they are now")
            #expect(
                try session.views.gaps().filter { $0.cause == "overflow" }.count > overflows,
                "the queue did not overflow")
        }
        func write(_ files: [Bytes], _ text: String) throws {
            for file in files { try Sys.write(session.tree / file, text) }
        }
    }
}
