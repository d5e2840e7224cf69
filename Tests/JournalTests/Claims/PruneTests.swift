import Foundation
import GRDB
import Seeded
import Testing

/// `journal prune`: what it forgets, and that nothing else is lost by it.
@Suite struct PruneTests {
    /// Two changes, with the cursors before, between and behind them.
    private func twoChanges(_ session: Session) throws -> [String] {
        var cursors = [try session.sync()]
        for name in ["a", "b"] as [Bytes] {
            try Sys.write(session.tree / name, "1")
            cursors.append(try session.sync())
        }
        return cursors
    }

    @Test(arguments: [true, false]) func itForgetsWhatChangedBefore(live: Bool) throws {
        let session = try Session()
        let watcher = try session.start()
        let cursors = try twoChanges(session)
        if !live { try watcher.stop() }
        let sync: [Bytes] = live ? [] : ["--no-sync"]
        for (index, names) in [["b"], []].enumerated() as EnumeratedSequence<[[Bytes]]> {
            let output = try session.run("prune", "--before", Bytes(cursors[index + 1]))
            #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
            #expect(output.errors.contains("journal: 1 change forgotten, "), "\(output)")
            #expect(try session.horizon == Session.seq(cursors[index + 1]))
            let answer = try session.run(["query", "--format", "paths", "--since", Bytes(cursors[index + 1])] + sync)
            #expect(answer.status == 0 && answer.lines == names.map { "\(session.tree / $0)" }, "\(answer)")
            let refused = try session.run(["query", "--format", "paths", "--since", Bytes(cursors[index])] + sync)
            #expect(refused.status == 3 && refused.bytes.isEmpty, "\(refused)")
        }
        let again = try session.run("prune", "--before", Bytes(cursors[0]))
        #expect(again.status == 0 && again.errors.contains("0 changes forgotten"), "\(again)")
        #expect(try session.run("status").text.contains("horizon   \(Session.seq(cursors[2])), 20"))
    }

    @Test func whatCannotBeBefore() throws {
        let session = try Session()
        try session.start()
        let other = try Session()
        try other.start()
        for (when, status) in [
            ("2100-01-01", 64), ("soon", 64), ("consumer:nobody", 66), (try other.sync(), 3), ("boot", 0), ("start", 0),
            ("1w", 0), ("now", 0),
        ] as [(String, Int32)] {
            let output = try session.run("prune", "--before", Bytes(when))
            #expect(output.status == status && output.bytes.isEmpty && !output.errors.isEmpty, "\(output)")
        }
        #expect(try session.run("prune").status == 64)
        let nowhere = try Program.run(Program.journal, ["prune", "--before", "now", "--db", session.base / "nowhere"])
        #expect(nowhere.status == 66, "\(nowhere)")
    }

    @Test(arguments: [true, false]) func itGoesAsFarAsAConsumerLetsIt(live: Bool) throws {
        let session = try Session()
        let watcher = try session.start()
        let cursors = try twoChanges(session)
        try watcher.stop()
        try session.put(consumer: "nightly", at: cursors[1])
        if live { try watcher.restart() }
        let output = try session.run("prune", "--before", "now")
        #expect(output.status == 75 && output.errors.contains("1 change forgotten"), "\(output)")
        #expect(output.errors.contains("consumer nightly") && output.errors.contains("consumers drop"), "\(output)")
        #expect(try session.horizon == Session.seq(cursors[1]))
        let answer = try session.run("query", "--since", "consumer:nightly", "--format", "paths", "--no-sync")
        #expect(answer.status == 0 && answer.lines == ["\(session.tree / "b")"], "\(answer)")
    }

    /// Answers from the horizon on are the same, byte by byte, as before it came there.
    @Test func whatIsLeftIsAsItWas() throws {
        let session = try Session()
        try session.start()
        var random = SplitMix64(seed: 23)
        var cursors = [try session.sync()]
        var times = ["@\(Date().timeIntervalSince1970)"]
        for step in 0..<12 {
            for _ in 0..<random.below(4) + 1 { try Self.work(session.tree, step, &random) }
            cursors.append(try session.sync())
            times.append("@\(Date().timeIntervalSince1970)")
        }
        func answers(_ index: Int) throws -> [[UInt8]] {
            let middle = Bytes(cursors[index + (cursors.count - index) / 2])
            let (cursor, time) = (Bytes(cursors[index]), Bytes(times[index]))
            let questions: [[Bytes]] = [
                [cursor], [cursor, "--renames", "split"], [cursor, "--log", "--until", middle], [time],
                [time, "--log", "--until", Bytes(times.last!)],
            ]
            return try questions.map { question in
                let output = try session.run(["query", "--format", "json", "--since"] + question)
                return Array("\(output.status)\n\(output.text)".utf8)
            }
        }
        let before = try cursors.indices.map(answers)
        #expect(before.allSatisfy { $0[0].starts(with: Array("0\n".utf8)) })
        for horizon in [4, 5, 12] {
            try session.prune(before: cursors[horizon])
            #expect(try session.horizon == Session.seq(cursors[horizon]))
            for index in cursors.indices {
                // A step may have come to nothing.
                if try Session.seq(cursors[index]) < session.horizon {
                    try session.expectRefusal(since: cursors[index])
                } else {
                    let isSame = zip(before[index], try answers(index)).map { $0 == $1 }
                    #expect(isSame.allSatisfy { $0 }, "\(horizon) \(index) \(isSame)")
                }
            }
            #expect(Comparison.state(try session.views.files(), try Tree(walking: session.tree)).isEmpty)
        }
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
        // Of the dictionary of paths nothing is left that nobody needs.
        let unused = """
            SELECT count(*) FROM directory WHERE id NOT IN (SELECT directory FROM node UNION SELECT directory FROM gap
              UNION SELECT directory FROM log UNION SELECT old_directory FROM log_origin WHERE old_directory IS NOT NULL)
            """
        #expect(try session.views.value(unused) == "0")
    }

    private static func work(_ tree: Bytes, _ step: Int, _ random: inout SplitMix64) throws {
        let (one, other) = (
            tree / Bytes("d\(random.below(4))"), tree / Bytes("d\(random.below(4))/e\(random.below(2))")
        )
        let file = random.pick([one, other, tree]) / Bytes("f\(random.below(5))")
        switch random.below(6) {
        case 0: try? Sys.removeTree(one)
        case 1: if try Sys.facts(one) != nil, try Sys.facts(other) == nil { try? Sys.rename(one, other) }
        case 2: if try Sys.facts(file) != nil { try? Sys.chmod(file, 0o600 | mode_t(random.below(8))) }
        default:
            try Sys.mkdirs(file.parent)
            try? Sys.write(file, "\(step)")
        }
    }

    /// A consumer that pages by cursor either gets on or is told that it cannot: it never skips what was forgotten.
    @Test func aPageBelowTheHorizonIsRefused() throws {
        let session = try Session()
        try session.start()
        let start = try session.sync()
        for index in 0..<12 {
            try Sys.write(session.tree / Bytes("\(index)"), "1")
            try session.sync()
        }
        let rows = try session.query(since: start, "--log").rows
        var (seen, cursor): ([Int64], String) = ([], start)
        for page in 0..<4 {
            let answer = try session.query(since: cursor, "--log", "--limit", "2")
            (seen, cursor) = (seen + answer.rows.map(\.seq), try #require(answer.cursor))
            // At first up to where it is, which is good, and then further.
            if page < 3 { try session.prune(before: cursor) }
        }
        #expect(seen == rows.map(\.seq).prefix(seen.count).map { $0 })
        try session.prune(before: "now")
        try session.expectRefusal(since: cursor)
    }

    /// What moved between two roots is a change of the one that stays.
    @Test(arguments: [true, false]) func aRootThatIsForgottenTakesNoChangeOfAnotherAlong(live: Bool) throws {
        let session = try Session()
        let second = session.base / "second"
        try Sys.mkdirs(second / "directory")
        for name in ["f", "directory/f"] as [Bytes] { try Sys.write(second / name, "1") }
        try Sys.write(session.tree / "went", "1")
        let watcher = try session.start([session.tree, second])
        let (cursor, before) = (try session.sync(), try Tree(walking: session.tree, contents: true))
        try Sys.rename(second / "f", session.tree / "f")
        try Sys.rename(second / "directory", session.tree / "directory")
        try Sys.rename(session.tree / "went", second / "went")
        try session.sync()
        if !live { try watcher.stop() }
        #expect(try session.run("forget", second).status == 0)
        if !live { try session.start() }
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    /// Where coverage began ahead of the horizon it begins there afterwards as well.
    @Test func aSubtreeIsCoveredFromWhereItWasBefore() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "late")
        let first = try session.start(options: ["--exclude", "late"])
        let cursors = try twoChanges(session)
        try first.stop()
        let watcher = try session.start(options: ["--no-exclude"])
        let covered = try session.sync()
        try Sys.write(session.tree / "late/f", "1")
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        try session.prune(before: cursors[2])
        for _ in 0..<2 {
            try session.expectRefusal(since: cursors[2], session.tree / "late")
            try session.expectRefusal(since: cursors[2])
            #expect(try session.query(since: covered).paths == [session.tree / "f", session.tree / "late/f"])
            try watcher.stop()
            try watcher.restart()
        }
        try session.prune(before: covered)
        #expect(try session.query(since: covered).paths == [session.tree / "f", session.tree / "late/f"])
        #expect(try session.views.gaps().filter { $0.baseline != nil && $0.baseline! < Session.seq(covered) }.isEmpty)
    }
}
