import Foundation
import Testing

/// Promise 1, for whatever can happen. What a run does is told by its environment:
///
/// - `ORACLE_SEED=N` replays one seed, `ORACLE_SEEDS=N` tries so many, from `ORACLE_FIRST=N` on (1);
/// - `ORACLE_ROUNDS=N` makes each longer, `ORACLE_OPERATIONS=N` each round;
/// - `ORACLE_THREADS=1` makes the order of operations a function of the seed alone;
/// - `ORACLE_MOUNTS=1` adds rounds that mount over a directory of the tree, and remount the file system it lies on;
/// - `ORACLE_KINDS=live,killed` plays rounds of these kinds only;
/// - `ORACLE_REPLAY=FILE` does once more, one by one, what a run that failed has written down.
@Suite struct OracleTests {
    static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    static let seeds: [UInt64] =
        if let seed = number("ORACLE_SEED") { [UInt64(seed)] } else {
            (0..<UInt64(number("ORACLE_SEEDS") ?? 8)).map { UInt64(number("ORACLE_FIRST") ?? 1) + $0 }
        }

    private func play(_ seed: UInt64, _ place: Session.Place, test: String) throws {
        let (workers, rounds) = (Self.number("ORACLE_THREADS") ?? 3, Self.number("ORACLE_ROUNDS") ?? 8)
        let (operations, mounts) = (Self.number("ORACLE_OPERATIONS") ?? 50, Self.number("ORACLE_MOUNTS") == 1)
        let oracle = try Oracle(seed: seed, place: place, workers: workers, operations: operations, mounts: mounts)
        try oracle.run(rounds: rounds)
        try oracle.figures.save()
        let again =
            "ORACLE_SEED=\(seed) ORACLE_THREADS=\(workers) ORACLE_ROUNDS=\(rounds) ORACLE_OPERATIONS=\(operations) "
            + "ORACLE_MOUNTS=\(mounts ? 1 : 0) swift test --filter 'OracleTests.\(test)'"
        #expect(oracle.failures.isEmpty, "\(again)\n\(oracle.failures.joined(separator: "\n"))")
    }

    @Test(arguments: seeds) func answersAreWhatTwoWalksShow(seed: UInt64) throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        try play(seed, .memory, test: "answersAreWhatTwoWalksShow")
    }

    /// ext4 uses an inode's number again at once, tmpfs does not; and it can be unmounted and mounted again.
    @Test(arguments: seeds.prefix((seeds.count + 3) / 4)) func onExt4TooAnswersAreWhatTwoWalksShow(seed: UInt64) throws
    {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        do { try play(seed, .ext4, test: "onExt4TooAnswersAreWhatTwoWalksShow") } catch is Session.Skip {
            try Skipped.note("ext4 cannot be loop-mounted here")
        }
    }

    /// The deeds of a run that failed, one by one, with the watcher stopped where it was then, and judged round by round.
    @Test func replay() throws {
        guard let file = ProcessInfo.processInfo.environment["ORACLE_REPLAY"].map({ Bytes($0) }) else { return }
        let rounds = String(decoding: try Sys.read(file), as: UTF8.self).split(separator: "# round ")
        let session = try Session()
        let hand = Hand(tree: session.tree, outside: session.outside)
        for name in Worker.steady { try Sys.mkdir(session.tree / name) }
        func perform(_ lines: Substring) throws {
            for line in lines.split(separator: "\n").dropFirst() where !line.hasPrefix("#") {
                // In another order than then, some things cannot be done.
                do { try hand.perform(String(line)) } catch is SystemError { continue }
            }
        }
        if let first = rounds.first { try perform("\n" + first) }
        let watcher = try session.start()
        for round in rounds.dropFirst() {
            let cursor = try session.sync()
            let before = try Tree(walking: session.tree, contents: true)
            let isStopped = ["killed", "stopped", "down"].contains { round.prefix(20).contains("(\($0))") }
            if isStopped { try watcher.stop() }
            try perform(round)
            if isStopped { try watcher.restart() }
            let wrong = try session.judge(since: cursor, before)
            #expect(wrong.isEmpty, "round \(round.prefix(20))\n\(wrong.joined(separator: "\n"))")
        }
    }
}
