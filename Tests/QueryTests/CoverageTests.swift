import Changes
import Query
import Testing

/// What stands in the way of an answer. The batches are of 1 s (seq 1), 100 s, 200 s and 300 s.
@Suite struct CoverageTests {
    let fixture: Fixture
    let seqs: [Int64]

    init() throws {
        let fixture = try Fixture()
        self.fixture = fixture
        seqs = try [100, 200, 300].map { try fixture.batch(at: $0) }
    }

    func cursor(_ index: Int) -> When { .cursor(fixture.cursor(seqs[index])) }

    @Test func aPathOutsideEveryRootIsNotCovered() throws {
        #expect(try fixture.reasons(.start, ["/rr"]) == [.outside(Path("/rr"))])
        #expect(try fixture.reasons(.start, ["/"]) == [.outside(Path("/"))])
        #expect(try fixture.reasons(.start, ["/r/gone/long/ago"]) == [])
        #expect(try fixture.reasons(.start, ["/r"]) == [])
    }

    @Test func withoutRootsNothingIsCovered() throws {
        #expect(try Fixture(roots: []).reasons(.start) == [.noRoots])
    }

    @Test func insideWhatIsNotCoveredThereIsNoAnswerAndAboveItThereIs() throws {
        let node = try fixture.addNode("/r/mnt", parent: 2, coverage: .mount)
        #expect(node > 0)
        #expect(try fixture.reasons(.start, ["/r/mnt/x"]) == [.uncovered(Path("/r/mnt/x"), .mount)])
        #expect(try fixture.reasons(.start, ["/r/mnt"]) == [.uncovered(Path("/r/mnt"), .mount)])
        let above = try fixture.resolve(.start, ["/r"])
        #expect(above.refusal == nil)
        #expect(above.uncovered.map(\.path) == [Path("/r/mnt")])
        #expect(try fixture.resolve(.start, ["/r/other"]).uncovered == [])
    }

    @Test func anExcludedPathIsNotCovered() throws {
        try fixture.sql("INSERT INTO exclude VALUES (1, 0, 'build/'), (1, 1, '*.o')")
        #expect(try fixture.reasons(.start, ["/r/build/x"]) == [.excluded(Path("/r/build/x"))])
        #expect(try fixture.reasons(.start, ["/r/s/x.o"]) == [.excluded(Path("/r/s/x.o"))])
        #expect(try fixture.reasons(.start, ["/r/s"]) == [])
        // A file of that name is no directory, and is covered.
        try fixture.sql("INSERT INTO state VALUES (2, 'build', 33188, 0, 0, 0, 0, 9, 1, 0, 0, NULL, 1)")
        #expect(try fixture.reasons(.start, ["/r/build"]) == [])
    }

    @Test func beforeTheFirstCrawlIsDoneThereIsNoAnswer() throws {
        try fixture.sql("UPDATE root SET since_seq = NULL")
        try fixture.gap("/r", cause: .beginning, opened: 1, openedAt: 1)
        let refusal = try #require(try fixture.resolve(.start).refusal)
        #expect(
            refusal.reasons == [
                .openGap(Path("/r"), cause: "beginning", since: 1_000_000_000), .beginning(root: Path("/r")),
            ])
        #expect(refusal.isOnlyWaiting(for: [1], asOf: .max) && !refusal.isOnlyWaiting(for: [], asOf: .max))
        #expect(refusal.answersSince == nil)
        // Its coverage will begin after any cursor there is.
        #expect(try fixture.resolve(cursor(2)).refusal?.isOnlyWaiting(for: [1], asOf: .max) == false)
    }

    @Test func aCursorFromBeforeCoverageIsRefusedAndToldSinceWhen() throws {
        try fixture.sql("UPDATE root SET since_seq = ?", [seqs[1]])
        let refusal = try #require(try fixture.resolve(cursor(0)).refusal)
        #expect(refusal.reasons == [.beforeCoverage(Path("/r"))])
        #expect(refusal.answersSince?.cursor == fixture.cursor(seqs[1]))
        #expect(try fixture.reasons(cursor(1)) == [])
        #expect(try fixture.reasons(.time(150_000_000_000)) == [.beforeCoverage(Path("/r"))])
        #expect(try fixture.reasons(.time(201_000_000_000)) == [])
    }

    @Test func aRootThatJoinedLaterMakesOlderQuestionsAboutAllRootsRefused() throws {
        try fixture.addRoot("/s", joined: seqs[1], since: seqs[2])
        #expect(try fixture.reasons(cursor(0)) == [.joinedLater(root: Path("/s"))])
        #expect(try fixture.reasons(cursor(1)) == [.beforeCoverage(Path("/s"))])
        #expect(try fixture.reasons(cursor(2)) == [])
        #expect(try fixture.reasons(cursor(0), ["/r"]) == [])
    }

    @Test func aStoppedRootIsAskedAboutByNameOnly() throws {
        try fixture.addRoot("/s", state: .stopped)
        #expect(try fixture.reasons(.start) == [])
        #expect(try fixture.reasons(.start, ["/s/x"]) == [.notWatched(root: Path("/s"), .stopped)])
    }

    @Test func anOfflineRootIsPartOfEveryQuestion() throws {
        try fixture.addRoot("/s", state: .offline)
        #expect(try fixture.reasons(.start) == [.notWatched(root: Path("/s"), .offline)])
        try fixture.gap("/s", cause: .offline, opened: seqs[2], openedAt: 250)
        #expect(try fixture.reasons(.start) == [.openGap(Path("/s"), cause: "offline", since: 250_000_000_000)])
    }

    @Test(arguments: [
        ("/r", true), ("/r/d", true), ("/r/d/e", true), ("/r/d/e/f", true), ("/r/d/ee", false), ("/r/x", false),
    ])
    func anOpenGapHurtsWhatItTouches(_ path: String, _ touches: Bool) throws {
        try fixture.gap("/r/d/e", opened: seqs[2], openedAt: 250)
        let refusal = try fixture.resolve(.start, [path]).refusal
        #expect((refusal != nil) == touches)
        if let refusal {
            #expect(Array(refusal.gaps.keys) == [1] && refusal.scan == [Path("/r/d/e")])
            #expect(refusal.isOnlyWaiting(for: [1, 2], asOf: .max))
        }
    }

    @Test func anOpenGapIsWhereItsDirectoryIsNow() throws {
        let node = try fixture.addNode("/r/new", parent: 2)
        try fixture.gap("/r/old", node: node, opened: seqs[2], openedAt: 250)
        #expect(try fixture.reasons(.start, ["/r/old"]) == [])
        #expect(try fixture.reasons(.start, ["/r/new"]).count == 1)
    }

    @Test func anEndBeforeAGapOpenedIsNotHurtByIt() throws {
        try fixture.gap("/r", opened: seqs[2], openedAt: 250)
        #expect(try fixture.reasons(.start, until: cursor(1)) == [])
        #expect(try fixture.reasons(.start, until: .time(250_000_000_000)) == [])
        #expect(
            try fixture.reasons(.start, until: .time(250_000_000_001)) == [.endsInGap(Path("/r"), cause: "overflow")])
        #expect(try fixture.reasons(.start, until: cursor(2)) == [.endsInGap(Path("/r"), cause: "overflow")])
    }

    @Test func aClosedGapHurtsOnlyEndsWithinIt() throws {
        try fixture.gap("/r", opened: seqs[0], openedAt: 99, closed: seqs[2], closedAt: 300)
        #expect(try fixture.reasons(.start) == [])
        #expect(try fixture.reasons(cursor(1)) == [])
        #expect(try fixture.reasons(.start, until: cursor(1)) == [.endsInGap(Path("/r"), cause: "overflow")])
        #expect(
            try fixture.reasons(.start, until: .time(300_000_000_000)) == [.endsInGap(Path("/r"), cause: "overflow")])
        #expect(try fixture.reasons(.start, until: cursor(2)) == [])
    }

    @Test func aSubtreeWithoutStoredStateIsCoveredFromTheEndOfItsGapOn() throws {
        try fixture.gap("/r/d", opened: seqs[0], openedAt: 99, closed: seqs[1], closedAt: 200, baseline: seqs[1])
        #expect(try fixture.reasons(cursor(0)) == [.beforeCoverage(Path("/r/d"))])
        #expect(try fixture.reasons(cursor(0), ["/r/d/e"]) == [.beforeCoverage(Path("/r/d"))])
        #expect(try fixture.reasons(cursor(0), ["/r/x"]) == [])
        #expect(try fixture.reasons(cursor(1)) == [])
    }
}
