import Changes
import Query
import Testing

private let second: Int64 = 1_000_000_000

/// Where questions start and end. Batches are committed at 100, 200 and 300 s, and began a second before.
@Suite struct ResolveTests {
    let fixture: Fixture
    let seqs: [Int64]

    init() throws {
        fixture = try Fixture()
        var seqs: [Int64] = []
        for (index, name) in ["a", "b", "c"].enumerated() {
            seqs.append(try fixture.batch(at: Int64(100 + 100 * index), [LogRow(kind: .created, path: "/r/\(name)")]))
        }
        self.seqs = seqs
    }

    func since(_ when: When) throws -> Int64? { try fixture.resolve(when).span?.since }
    func until(_ when: When, synced: Bool = true) throws -> Int64? {
        try fixture.resolve(.start, until: when, synced: synced).span?.until
    }

    @Test func aTimeAsSinceStartsBeforeTheOldestBatchCommittedFromThenOn() throws {
        #expect(try since(.time(100 * second)) == 1)
        #expect(try since(.time(100 * second + 1)) == seqs[0])
        #expect(try since(.time(200 * second)) == seqs[0])
        #expect(try since(.time(301 * second)) == seqs[2])
        #expect(try since(.now) == seqs[2])
    }

    @Test func aTimeAsUntilEndsAfterTheFirstBatchThatBeganFromThenOn() throws {
        #expect(try until(.time(50 * second)) == seqs[0])
        #expect(try until(.time(99 * second)) == seqs[0])
        #expect(try until(.time(99 * second + 1)) == seqs[1])
        #expect(try until(.time(300 * second)) == seqs[2])
        #expect(try until(.now) == seqs[2])
        #expect(try fixture.resolve(.start, until: .time(150 * second)).span?.cursor == fixture.cursor(seqs[1]))
    }

    @Test func anEndThatNobodyLookedAtYetIsRefusedUnlessAWatcherAnswers() throws {
        #expect(try fixture.reasons(.start, until: .time(400 * second), synced: false) == [.notLookedYet(upTo: 0)])
        try fixture.sql("UPDATE meta SET vouched_ns = ?", [400 * second])
        #expect(try until(.time(400 * second), synced: false) == seqs[2])
    }

    @Test func B60_durationsAndBootGoByTheBootClock() throws {
        // Boot time is wall time less 100 s here; the present is 1000 s by the wall and 900 s by the boot clock.
        #expect(try since(.ago(800 * second)) == seqs[0])
        #expect(try since(.ago(701 * second)) == seqs[1])
        // The wall clock was set forward by an hour since: nothing changes for a duration.
        fixture.now.wall += 3600 * second
        #expect(try since(.ago(800 * second)) == seqs[0])
        #expect(try until(.ago(801 * second)) == seqs[1])
    }

    @Test func aDurationThatIsLongerThanThisBootHasAllOfIt() throws {
        #expect(try since(.ago(950 * second)) == 1)
        // The wall clock was set forward by a day since.
        fixture.now.wall += 86_400 * second
        #expect(try since(.ago(950 * second)) == 1)
    }

    @Test func B60_whatLiesBeforeThisBootGoesByTheWallClock() throws {
        try fixture.sql("UPDATE batch SET boot = 2 WHERE seq <= ?", [seqs[1]])
        #expect(try since(.boot) == seqs[1])
        fixture.now.boot = 250 * second
        #expect(try since(.ago(850 * second)) == seqs[0])
        fixture.now.bootID = "another"
        #expect(try since(.boot) == seqs[2])
    }

    @Test func startIsWhereCoverageBegins() throws {
        #expect(try since(.start) == 1)
        try fixture.sql("UPDATE meta SET horizon_seq = ?", [seqs[0]])
        #expect(try since(.start) == seqs[0])
        try fixture.gap("/r/x", opened: seqs[0], openedAt: 100, closed: seqs[1], closedAt: 200, baseline: seqs[1])
        #expect(try since(.start) == seqs[1])
        #expect(try fixture.resolve(.start, ["/r/y"]).span?.since == seqs[0])
    }

    @Test func aTimeThatHasNotComeIsRefused() throws {
        #expect(throws: JournalError.future) { try fixture.resolve(.time(1001 * second)) }
        #expect(throws: JournalError.future) { try fixture.resolve(.start, until: .time(1001 * second)) }
    }

    @Test func aQuestionThatEndsBeforeItBeginsIsRefused() throws {
        #expect(throws: JournalError.reversed) {
            try fixture.resolve(.cursor(fixture.cursor(seqs[1])), until: .cursor(fixture.cursor(seqs[0])))
        }
    }

    @Test func B61_aCursorIsTakenOnlyFromThisVeryFile() throws {
        let good = fixture.cursor(seqs[1])
        #expect(try since(.cursor(good)) == seqs[1])
        #expect(
            try fixture.reasons(
                .cursor(Cursor(journal: "x" + good.journal.dropFirst(), seq: good.seq, check: good.check))) == [
                    .otherJournal
                ])
        #expect(try fixture.reasons(.cursor(fixture.cursor(seqs[2] + 1))) == [.aheadOfHead])
        #expect(
            try fixture.reasons(.cursor(Cursor(journal: good.journal, seq: good.seq, check: good.check + 1))) == [
                .unknownBatch
            ])
        #expect(try fixture.reasons(.cursor(fixture.cursor(seqs[1] - 1))) == [.unknownBatch])
    }

    @Test func B62_aCursorBelowTheHorizonIsRefusedAndToldTheOldestGoodOne() throws {
        let good = fixture.cursor(seqs[1])
        try fixture.sql("UPDATE meta SET horizon_seq = ?", [seqs[1]])
        #expect(try fixture.reasons(.cursor(good)) == [])
        #expect(try fixture.reasons(.cursor(fixture.cursor(seqs[0]))).first == .forgotten)
        let since = try #require(try fixture.resolve(.cursor(fixture.cursor(seqs[0]))).refusal?.answersSince)
        #expect(since.cursor == good && since.time == 200 * second)
    }

    /// The rows of seqs[1] and the batches before it are gone: 100 s is forgotten, 200 s the last moment that is.
    @Test func timesBelowTheHorizonAreRefusedAtBothEnds() throws {
        try fixture.sql("UPDATE meta SET horizon_seq = ?", [seqs[1]])
        try fixture.sql("DELETE FROM log WHERE seq <= ?", [seqs[1]])
        for keepsOlderBatches in [true, false] {
            if !keepsOlderBatches { try fixture.sql("DELETE FROM batch WHERE seq < ?", [seqs[1]]) }
            for time in [100, 150, 200] as [Int64] {
                #expect(try fixture.reasons(.time(time * second)) == [.forgotten])
                #expect(try fixture.reasons(.ago(1000 * second - time * second)) == [.forgotten])
                if time < 200 { #expect(try fixture.reasons(.start, until: .time(time * second)) == [.forgotten]) }
                if time < 200 {
                    #expect(try fixture.reasons(.time(time * second), until: .time(time * second)) == [.forgotten])
                }
            }
            #expect(try fixture.reasons(.boot) == [.forgotten])
            #expect(try since(.time(200 * second + 1)) == seqs[1] && since(.ago(799 * second)) == seqs[1])
            #expect(try since(.start) == seqs[1] && until(.time(200 * second)) == seqs[2])
            #expect(try fixture.resolve(.time(100 * second)).refusal?.horizonNS == 200 * second)
        }
    }

    @Test func aConsumerThatTheHorizonHasPassedIsToldSo() throws {
        try fixture.sql(
            "INSERT INTO consumer(name, selection, seq, cursor, updated_ns, dropped_ns) VALUES ('nightly', '', ?, ?, 0, 77)",
            [seqs[0], fixture.cursor(seqs[0]).description])
        // Begun anew since it was dropped once.
        #expect(try since(.consumer("nightly")) == seqs[0])
        try fixture.sql("UPDATE meta SET horizon_seq = ?", [seqs[0]])
        #expect(try since(.consumer("nightly")) == seqs[0])
        try fixture.sql("UPDATE meta SET horizon_seq = ?", [seqs[1]])
        #expect(try fixture.reasons(.consumer("nightly")) == [.droppedConsumer("nightly", at: 77)])
        #expect(
            try fixture.resolve(.consumer("nightly")).refusal?.answersSince?.cursor == fixture.cursor(seqs[1]))
    }

    @Test func aConsumerStandsForItsCursor() throws {
        try fixture.sql(
            "INSERT INTO consumer(name, selection, seq, cursor, updated_ns) VALUES ('nightly', '', ?, ?, 0)",
            [seqs[1], fixture.cursor(seqs[1]).description])
        #expect(try since(.consumer("nightly")) == seqs[1])
        #expect(throws: JournalError.noConsumer("hourly")) { try fixture.resolve(.consumer("hourly")) }
    }

    @Test func aPageOfTheLogEndsWithABatch() throws {
        let big = try fixture.batch(at: 400, ["d", "e", "f"].map { LogRow(kind: .created, path: "/r/\($0)") })
        let file = try JournalFile(fixture.path)
        var selection = Selection()
        selection.shape = .log
        for limit in 1...7 {
            selection.limit = limit
            var position: Int64 = 1
            var seen: [String] = []
            while position < big {
                let span = Span(since: position, until: big, cursor: fixture.cursor(big))
                let answer = try file.snapshot { try $0.answer(span, Question(since: .now), selection) }
                var rows = 0
                try answer.forEach {
                    seen.append(String(decoding: $0.path, as: UTF8.self)); rows += 1
                }
                let page = answer.span
                #expect(rows <= limit || rows == 3)
                #expect(page.until > position && page.cursor == fixture.cursor(page.until))
                position = page.until
            }
            #expect(seen == ["a", "b", "c", "d", "e", "f"].map { "/r/\($0)" }, "limit \(limit)")
        }
    }

    /// 4,096 rows are read at a time, whatever batches they are of.
    @Test func whatTheLogHasIsReadInPiecesWithoutHolesOrRepeats() throws {
        let names = (0..<10_000).map { "/r/\($0)" }
        for batch in 0..<4 {
            try fixture.batch(
                at: 400 + Int64(batch),
                names[batch * 2500..<(batch + 1) * 2500].map { LogRow(kind: .created, path: $0) })
        }
        let file = try JournalFile(fixture.path)
        var selection = Selection()
        selection.shape = .log
        for limit in [nil, 1, 2499, 2500, 2501, 7000, 9999, 10_003, 20_000] as [Int?] {
            selection.limit = limit
            var position = seqs[2]
            var seen: [String] = []
            while position < fixture.head {
                let span = Span(since: position, until: fixture.head, cursor: fixture.cursor(fixture.head))
                let answer = try file.snapshot { try $0.answer(span, Question(since: .now), selection) }
                try answer.forEach { seen.append(String(decoding: $0.path, as: UTF8.self)) }
                position = answer.span.until
            }
            #expect(seen == names, "limit \(limit.map(String.init) ?? "none")")
        }
    }

    @Test func whatIsForgottenWhileTheLogIsReadIsARefusal() throws {
        try fixture.batch(at: 400, (0..<10_000).map { LogRow(kind: .created, path: "/r/\($0)") })
        let file = try JournalFile(fixture.path)
        var selection = Selection()
        selection.shape = .log
        let span = Span(since: seqs[2], until: fixture.head, cursor: fixture.cursor(fixture.head))
        let answer = try file.snapshot { try $0.answer(span, Question(since: .now), selection) }
        var count = 0
        #expect(throws: JournalError.forgotten) {
            try answer.forEach { _ in
                count += 1
                if count == 1 { try fixture.sql("DELETE FROM log; UPDATE meta SET horizon_seq = \(fixture.head)") }
            }
        }
        #expect(count == 4096)
    }

    @Test func theLogTellsARenameByWhatOfItIsInTheQuestion() throws {
        let seq = try fixture.batch(at: 400, [LogRow(kind: .renamed, path: "/r/in/b", old: "/r/out/a")])
        var selection = Selection()
        selection.shape = .log
        func told(_ paths: [String]) throws -> [String] {
            try fixture.answer(since: seqs[2], until: seq, paths, selection).map(\.told)
        }
        #expect(try told([]) == ["renamed /r/out/a → /r/in/b"])
        #expect(try told(["/r/in"]) == ["created /r/in/b"])
        #expect(try told(["/r/out/a"]) == ["deleted /r/out/a"])
        selection.followsRenames = false
        #expect(try told([]) == ["deleted /r/out/a", "created /r/in/b"])
        let next = try fixture.batch(at: 401, [LogRow(kind: .renamed, path: "/r/in/d", old: "/r/out/c", ino: 2)])
        #expect(
            try fixture.answer(since: seqs[2], until: next, [], selection).map(\.told) == [
                "deleted /r/out/a", "created /r/in/b", "deleted /r/out/c", "created /r/in/d",
            ])
        selection.kinds = [.created]
        #expect(try told(["/r"]) == ["created /r/in/b"])
    }

    @Test func aPageReachesAsFarAsItsRowsAre() throws {
        // The only rows of interest lie behind more rows than the first reach.
        for index in 0..<3 {
            try fixture.batch(at: Int64(400 + index), (0..<4000).map { LogRow(kind: .created, path: "/r/many/\($0)") })
        }
        try fixture.batch(at: 500, [LogRow(kind: .created, path: "/r/few/a")])
        let last = try fixture.batch(at: 501, [LogRow(kind: .created, path: "/r/few/b")])
        var selection = Selection()
        selection.shape = .log
        selection.limit = 1
        #expect(try fixture.answer(["/r/few"], selection).map(\.told) == ["created /r/few/a"])
        selection.limit = 2
        #expect(try fixture.answer(["/r/few"], selection).last?.seq == last - 1)
    }
}
