import CTestLinux
import Foundation
import Testing

/// Promise 9: retention is bounded by age and size, and a dead consumer cannot fill the disk. What is left is as good as
/// before, and what is gone is refused.
@Suite struct RetentionTests {
    private static let day: Int64 = 86_400

    @Test func whatIsOlderThanKeepIsForgotten() throws {
        let session = try Session()
        guard let clock = try SteppedClock(in: session.base) else { return try Skipped.note("no C compiler") }
        session.wrapper = clock.wrapper
        let watcher = try session.start()
        let start = try session.sync()
        try Sys.write(session.tree / "old", "1")
        let old = try session.sync()
        try clock.step(real: 20 * Self.day, boot: 20 * Self.day)
        try Sys.write(session.tree / "newer", "1")
        try session.sync()
        #expect(try session.query(since: start).paths == [session.tree / "newer", session.tree / "old"])

        // The wall clock is no reason to forget what was committed in this boot: only `old` is older than 30 days.
        try clock.step(real: 60 * Self.day, boot: 20 * Self.day)
        try Sys.write(session.tree / "newest", "1")
        try session.sync()
        try clock.step(real: 60 * Self.day, boot: 31 * Self.day)
        try session.waitForHorizon(Session.seq(old))
        let rest = [session.tree / "newer", session.tree / "newest"]
        #expect(try session.query(since: old).paths == rest && session.query(since: "30d").paths == rest)
        #expect(try session.query().paths == rest)
        for since in [Bytes(start), "32d"] as [Bytes] {
            for command in [["query", "--format", "json"], ["unchanged"]] as [[Bytes]] {
                let output = try session.run(command + ["--since", since])
                #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
                #expect(output.errors.contains("forgotten: the log begins 20"), "\(output)")
                #expect(output.errors.contains("it can answer since") && output.errors.contains(old), "\(output)")
            }
        }
        // In another boot the wall clock is all there is.
        try watcher.stop()
        let last = try session.views.journal().head
        try session.write("UPDATE boot SET boot_id = 'the last one'")
        try clock.step(real: 91 * Self.day)
        try watcher.restart()
        try session.waitForHorizon(last)
        #expect(try session.views.value("SELECT count(*) FROM changes") == "0")
        #expect(try session.run("unchanged", "--since", Bytes(session.sync())).status == 0)
    }

    @Test func theDatabaseGrowsNoLargerThanKeepSize() throws {
        let session = try Session()
        let limit: Int64 = 512 << 10
        try session.start(options: ["--keep-size", "512K"])
        let start = try session.sync()
        for _ in 0..<3 { try SpaceTests.churn(session, thousands: 6) }
        let used =
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        #expect(try eventually { try Int64(session.views.value(used) ?? "") ?? .max <= limit })
        #expect(try session.horizon > Session.seq(start))
        #expect(Int(try session.views.value("SELECT count(*) FROM changes") ?? "") ?? 0 > 500, "more than it had to")
        try session.expectRefusal(since: start)
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).paths == [session.tree / "f"])
        #expect(try session.run("status").status == 0)
        try session.watcher?.stop()
        #expect(try #require(try Sys.facts(session.database)).size <= limit + limit / 16)
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
    }

    /// What is there now cannot be forgotten: the log goes up to the head, that is said once, and the head can be asked about.
    @Test func aTreeThatIsLargerThanKeepSizeLeavesNoLog() throws {
        let session = try Session()
        for index in 0..<500 { try Sys.write(session.tree / Bytes("\(index)"), "1") }
        let watcher = try session.start(options: ["--keep-size", "16K"])
        for round in 0..<3 {
            try Sys.write(session.tree / "f", "\(round)")
            let head = try session.sync()
            try session.waitForHorizon(Session.seq(head))
            #expect(try session.run("unchanged", "--since", Bytes(head)).status == 0)
        }
        let said = watcher.said.errors.split(separator: "\n").filter { $0.contains("more than --keep-size 16.0 KiB") }
        #expect(said.count == 1, "\(watcher.said)")
        #expect(try session.run("status").text.contains("larger than --keep-size: so much takes what is there now"))
        #expect(Comparison.state(try session.views.files(), try Tree(walking: session.tree)).isEmpty)
    }

    @Test func aConsumerThatHasMovedLatelyBeatsBothLimits() throws {
        let session = try Session()
        let watcher = try session.start()
        let start = try session.sync()
        try Sys.write(session.tree / "before", "1")
        let cursor = try session.sync()
        try Sys.write(session.tree / "after", "1")
        try session.sync()
        try watcher.stop()
        try session.put(consumer: "nightly copy", at: cursor, daysAgo: 89)
        try session.start(options: ["--keep", "1s", "--keep-size", "1"])
        try session.waitForHorizon(Session.seq(cursor))
        try Sys.write(session.tree / "later", "1")
        #expect(
            try session.query(since: "consumer:nightly copy").paths == [session.tree / "after", session.tree / "later"])
        #expect(try session.horizon == Session.seq(cursor))
        try session.expectRefusal(since: start)
        let said = session.watcher?.said.errors ?? ""
        #expect(said.contains("more than --keep-size 1 B: consumer 'nightly copy' needs"), "\(said)")
        #expect(said.contains("journal consumers drop 'nightly copy'"), "\(said)")
        let status = try session.run("status")
        #expect(status.text.contains("held back by consumer 'nightly copy'"), "\(status)")
        let json = try JSON(try session.run("status", "--json").bytes)
        #expect(json["watcher"]?["held_back_by"]?["consumer"]?.text == "nightly copy", "\(json)")
        #expect(json["watcher"]?["too_large"]?.truth == true && json["horizon_time"]?.text != nil)
        #expect(json["keep"]?["size"]?.integer == 1 && json["keep"]?["consumer_seconds"]?.integer == 90 * Self.day)
    }

    @Test func aConsumerThatHasNotMovedForTooLongIsDroppedAndToldSo() throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        try watcher.stop()
        try session.put(consumer: "dead", at: cursor, daysAgo: 91)
        try session.start(options: ["--keep-size", "1"])
        try session.waitForHorizon(Session.seq(session.sync()))
        for command in [["query", "--format", "json"], ["unchanged"]] as [[Bytes]] {
            let output = try session.run(command + ["--since", "consumer:dead"])
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            #expect(output.errors.contains("consumer dead was dropped 20"), "\(output)")
            #expect(output.errors.contains("it can answer since"), "\(output)")
        }
        #expect(try session.views.value("SELECT dropped_ns > updated_ns FROM consumers WHERE name = 'dead'") == "1")
        #expect(try session.run("status").text.contains("dropped consumer dead"))
        // Begun anew, it is one like others.
        try session.watcher?.stop()
        try session.put(consumer: "dead", at: session.views.journal().cursor)
        #expect(try session.views.value("SELECT count(*) FROM consumers WHERE dropped_ns IS NOT NULL") == "0")
        #expect(try session.run("query", "--since", "consumer:dead", "--no-sync").status == 0)
    }

    @Test func whatIsGivenIsStored() throws {
        let session = try Session()
        func kept() throws -> String? {
            try session.views.value(
                "SELECT (keep_ns / 1000000000) || ' ' || keep_size || ' ' || keep_consumer_ns FROM journal")
        }
        try session.start().stop()
        #expect(try kept() == "2592000 2147483648 7776000000000000")
        try session.start(options: ["--keep", "2w", "--keep-size", "500M", "--keep-consumer", "365d"]).stop()
        try session.start().stop()
        #expect(try kept() == "1209600 524288000 31536000000000000")
        #expect(try session.run("scan").status == 0)
        try session.start(options: ["--keep", "400d"])
        #expect(try kept() == "34560000 524288000 31536000000000000")
        #expect(try session.run("status").text.contains("keeps 400d up to 500.0 MiB, for consumers 365d"))
        #expect(try session.run("scan", "--keep", "1d").status == 75)
    }

    @Test(
        arguments: [
            ["--keep", "0s"], ["--keep", "soon"], ["--keep", "10ms"], ["--keep-size", "0"], ["--keep-size", "2GB"],
            ["--keep-size", "-1"], ["--keep-size", "iB"], ["--keep-size", "99999999T"], ["--keep-consumer", "0d"],
        ] as [[Bytes]])
    func whatCannotBeKeptIsRefused(_ options: [Bytes]) throws {
        let session = try Session()
        for command in ["watch", "scan"] as [Bytes] {
            let output = try session.run([command] + options + [session.tree], timeout: .seconds(20))
            #expect(output.status == 64 && output.bytes.isEmpty, "\(output)")
        }
        #expect(try Sys.facts(session.database) == nil)
    }

    /// A journal for cron is bounded as well.
    @Test func aScanForgetsToo() throws {
        let session = try Session()
        #expect(try session.run("scan", "--keep-size", "1", session.tree).status == 0)
        for round in 0..<3 {
            try Sys.write(session.tree / "f", "\(round)")
            let output = try session.run("scan")
            #expect(output.status == 0, "\(output)")
            #expect(try session.horizon == session.views.journal().head)
        }
        #expect(try session.views.value("SELECT count(*) FROM changes") == "0")
    }
}
