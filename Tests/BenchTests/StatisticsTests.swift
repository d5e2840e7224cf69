import Testing

@testable import Bench

@Suite struct StatisticsTests {
    @Test func aMedianIsTheMiddle() {
        #expect(median([]) == nil)
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 3, 2]) == 2.5)
    }

    @Test func aPercentileIsByNearestRank() {
        let hundred = (1...100).map(Double.init)
        #expect(percentile(99, hundred) == 99)
        #expect(percentile(100, hundred) == 100)
        #expect(percentile(99, [7]) == 7)
        #expect(percentile(50, []) == nil)
    }

    @Test func aLimitIsReachedWhereItIsMet() throws {
        let ratio = try #require(Target.all.first { $0.id == .firstCrawl })
        #expect(Outcome(ratio, ours: [8, 9, 7], peer: [10, 10, 10]).verdict == .pass)
        #expect(Outcome(ratio, ours: [8.1], peer: [10]).verdict == .short)
        #expect(Outcome(ratio, ours: [1], peer: []).verdict == .noPeer)
        let own = try #require(Target.all.first { $0.id == .floodOverflows })
        #expect(Outcome(own, ours: [0], peer: []).verdict == .pass)
        #expect(Outcome(own, ours: [1], peer: []).verdict == .short)
    }

    @Test func everyWorkloadHasATargetAndNoTargetIsTwice() {
        #expect(Set(Target.all.map(\.workload)) == Set(Workload.allCases))
        #expect(Set(Target.all.map(\.id)).count == Target.all.count)
    }

    @Test func countsAreReadAsTheyAreWritten() {
        var counts = KeptCounts("# a comment\nstart\t12\n")
        counts["query"] = 7
        let again = KeptCounts(counts.text)
        #expect(again["start"] == 12)
        #expect(again["query"] == 7)
        #expect(KeptCounts.verdict(0.021).isWorse)
        #expect(!KeptCounts.verdict(0.019).isWorse)
        #expect(KeptCounts.verdict(nil).isWorse)
    }
}
