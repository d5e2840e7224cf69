import Foundation
import Testing

/// Promise 1, for whatever can happen: ORACLE_SEED=N replays one seed, ORACLE_SEEDS=N tries seeds 1 to N, ORACLE_ROUNDS=N
/// makes each longer, ORACLE_THREADS=1 makes it the same each time.
@Suite struct OracleTests {
    static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    static let seeds: [UInt64] =
        if let seed = number("ORACLE_SEED") { [UInt64(seed)] } else {
            (1...UInt64(number("ORACLE_SEEDS") ?? 8)).map { $0 }
        }

    private func play(_ seed: UInt64, _ place: Session.Place) throws {
        let oracle = try Oracle(seed: seed, place: place, workers: Self.number("ORACLE_THREADS") ?? 3)
        try oracle.run(rounds: Self.number("ORACLE_ROUNDS") ?? 8)
        #expect(oracle.failures.isEmpty, "\(oracle.failures.joined(separator: "\n"))")
    }

    @Test(arguments: seeds) func answersAreWhatTwoWalksShow(seed: UInt64) throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        try play(seed, .memory)
    }

    /// ext4 uses an inode's number again at once, tmpfs does not.
    @Test(arguments: seeds.prefix((seeds.count + 3) / 4)) func answersAreWhatTwoWalksShowOnExt4(seed: UInt64) throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        do { try play(seed, .ext4) } catch is Session.Skip {
            try Skipped.note("ext4 cannot be loop-mounted here")
        }
    }
}
