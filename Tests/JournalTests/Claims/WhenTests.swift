import Foundation
import Testing

/// WHEN: times and cursors, what they mean and when they are refused.
@Suite struct WhenTests {
    private static func rfc3339(_ date: Date) -> Bytes { Bytes(Time.text(date)) }

    @Test func everyFormIsUnderstood() throws {
        let session = try Session()
        try session.start()
        let cursor = try session.sync()
        let forms: [Bytes] = [
            "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00Z", "2026-11-22T10:00:00.25+02:00", "@1795371618",
            "@1795371618.5", "90s", "15m", "2h", "3d", "1w", "now", "today", "yesterday", "boot", "start",
            Bytes(cursor),
        ]
        for form in forms {
            let output = try session.run("query", "--format", "json", "--since", form)
            #expect([0, 3].contains(output.status), "\(output)")
        }
        for form in ["now", "start", Bytes(cursor)] as [Bytes] {
            let output = try session.run("query", "--format", "json", "--since", form)
            #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        }
    }

    @Test(
        arguments: ["yesterdayish", "5x", "5", "-3d", "2026-13-01", "2026-02-30", "@", "@abc", "10:00", "a:b:c"]
            as [Bytes])
    func whatIsNoTimeIsRefusedWithTheFormsThatWork(_ form: Bytes) throws {
        let session = try Session()
        try session.start()
        for command in ["query", "unchanged"] as [Bytes] {
            let output = try session.run([command, Bytes(Array("--since=".utf8) + form.raw)])
            #expect(output.status == 64 && output.bytes.isEmpty, "\(output)")
            #expect(output.errors.contains("yesterday"), "does not name the forms: \(output)")
        }
    }

    @Test(arguments: ["1w", "yesterday", "2001-01-01", "@1000000000"] as [Bytes])
    func aTimeBeforeCoverageIsRefused(_ form: Bytes) throws {
        let session = try Session()
        try session.start()
        let output = try session.run("query", "--format", "json", "--since", form)
        #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
        #expect(output.errors.contains("20"), "does not say since when: \(output)")
        #expect(try session.run("unchanged", "--since", form).status == 3)
    }

    @Test func aTimeStartsBeforeAndEndsAfterWhatHappenedThen() throws {
        let session = try Session()
        try session.start()
        let begin = try session.sync()
        try Sys.write(session.tree / "early", "1")
        try session.sync()
        let middle = Bytes("@\(Date().timeIntervalSince1970)")
        try Sys.write(session.tree / "late", "1")
        try session.sync()
        let since = try session.query(since: middle.description).rows.map(\.path)
        #expect(since.contains(session.tree / "late"))
        let until = try session.query(since: begin, "--until", middle).rows.map(\.path)
        #expect(until.contains(session.tree / "early"))
        let end = try session.sync()
        try Sys.write(session.tree / "later", "1")
        let exact = try session.query(since: begin, "--until", Bytes(end)).rows.map(\.path)
        #expect(exact == [session.tree / "early", session.tree / "late"])
    }

    @Test func B61_cursorsOfOthersAreRefused() throws {
        let (mine, other) = (try Session(), try Session())
        try mine.start()
        try other.start()
        for session in [mine, other] {
            try Sys.write(session.tree / "f", "1")
            try session.sync()
        }
        let cursor = try mine.sync()
        #expect(try mine.run("query", "--since", Bytes(cursor)).status == 0)
        let parts = cursor.split(separator: ":").map(String.init)
        try #require(parts.count == 3, "\(cursor)")
        let (seq, check) = (Int64(parts[1]) ?? 0, Array(parts[2]))
        let flipped = String([check[0] == "0" ? "1" : "0"] + check.dropFirst())
        let foreign = [
            try other.sync(),
            "\(parts[0]):\(seq + 1000):\(parts[2])",
            "\(parts[0]):\(seq):\(flipped)",
            "\(parts[0]):\(seq + 1):\(parts[2])",
        ]
        for cursor in foreign {
            for command in [["query", "--format", "json"], ["unchanged"]] as [[Bytes]] {
                let output = try mine.run(command + ["--since", Bytes(cursor)])
                #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            }
        }
    }

    @Test func theViewHandsOutTheSameCursor() throws {
        let session = try Session()
        try session.start()
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        let cursor = try session.views.journal().cursor
        #expect(try session.run("unchanged", "--since", Bytes(cursor)).status == 0)
    }
}
