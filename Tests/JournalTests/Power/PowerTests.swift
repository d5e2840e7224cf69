import Foundation
import Testing

/// Promise 4: power loss at any instant loses no change for any cursor handed out. `POWER_CUTS=N` makes each of the layouts
/// lose it so often, `POWER_SEED=N` plays one seed.
@Suite struct PowerTests {
    static let layouts: [PowerCut.Layout] = [
        .init(tree: "ext4"),
        .init(tree: "xfs"),
        .init(tree: "ext4", journal: "xfs"),
        .init(tree: "xfs", journal: "ext4"),
        .init(tree: "ext4", journal: "tmpfs", journalIsCut: false),
        .init(tree: "xfs", journal: "ext4", journalIsCut: false),
        .init(tree: "ext4", journal: "ext4", treeIsCut: false),
        .init(tree: "tmpfs", journal: "xfs", treeIsCut: false),
    ]

    @Test(arguments: layouts) func noChangeIsLost(_ layout: PowerCut.Layout) throws {
        let seed =
            OracleTests.number("POWER_SEED").map { UInt64($0) } ?? UInt64(OracleTests.number("ORACLE_FIRST") ?? 1)
        guard let cuts = try PowerCut(layout, seed: seed) else {
            return try Skipped.note("\(layout.testDescription): cannot be loop-mounted here, or no mkfs for it")
        }
        try cuts.run(cuts: OracleTests.number("POWER_CUTS") ?? 5)
        try cuts.figures.save()
        #expect(cuts.failures.isEmpty, "\(cuts.failures.joined(separator: "\n"))")
    }
}
