import Foundation
import Testing

/// A watcher that is killed at one system call after the other, and what the next one makes of it.
///
/// A preloaded library counts the calls that write, sync or cut a file of the database, and kills at the one that is named:
/// in every commit, checkpoint and change of the lock file, from the first byte of a new journal to a clean stop's last.
final class KillPoints {
    /// What a consumer saw when it got its cursor.
    private struct Moment {
        var cursor: String
        var walk: Tree
    }

    private let session: Session
    private let library: Bytes
    private let count: Bytes
    private var moments: [Moment] = []
    /// Whether all of the log is forgotten but for what a consumer needs, who is at the moment that was the last one when the
    /// watcher was started.
    private let forgets: Bool
    private var kept: Moment?
    private var steps = 0
    private(set) var failures: [String] = []
    private(set) var figures = Figures()

    /// Nil where there is no C compiler, and under a sanitizer, which has these calls for itself.
    init?(forgets: Bool = false) throws {
        self.forgets = forgets
        if Sanitizer.name != nil { return nil }
        session = try Session()
        library = session.scratch.path / "killpoint.so"
        count = session.scratch.path / "count"
        let source = Bytes(#filePath).parent / "killpoint.c"
        do {
            let made = try Program.run("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"])
            guard made.status == 0 else { throw Session.Refused(description: "\(made)") }
        } catch let error as SystemError where error.code == ENOENT { return nil }
        for name in ["a/b", "a/c", "d"] as [Bytes] { try Sys.mkdirs(session.tree / name) }
        for index in 0..<20 { try Sys.write(session.tree / Bytes("a/f\(index)"), "1") }
    }

    /// Runs a watcher from its start through some work to a clean stop, killed at call number `point`, and judges the next.
    /// False where it came to its end without that call.
    func run(killedAt point: Int, half: Bool) throws -> Bool {
        try Sys.write(count, [UInt8](repeating: 0, count: 8))
        var environment = [
            "LD_PRELOAD": Sanitizer.preload(library), "KILL_COUNT": count.description, "KILL_AT": "\(point)",
        ]
        if half { environment["KILL_HALF"] = "1" }
        if forgets, let moment = moments.last {
            try session.put(consumer: "kept", at: moment.cursor)
            kept = moment
        }
        let watcher = try session.start(
            options: kept == nil ? [] : ["--keep-size", "1"], environment: environment, live: false)
        for _ in 0..<4 {
            guard try follow() else { break }
            try work()
        }
        watcher.child.signal(SIGTERM)
        guard let status = watcher.child.wait(.seconds(60)) else {
            throw Session.Refused(description: "neither killed nor stopped: \(watcher.said)")
        }
        guard status == 0 || status == 128 + SIGKILL else { throw Session.Refused(description: "\(watcher.said)") }
        try work()
        try session.start()
        try judge("killed at call \(point)\(half ? ", half of it written" : "")")
        session.watcher?.kill()
        figures.rounds += 1
        figures.kills += status == 0 ? 1 : 2
        return status != 0
    }

    /// Takes a cursor; false where the watcher has died.
    private func follow() throws -> Bool {
        let limit = ContinuousClock.now + .seconds(60)
        while session.watcher?.isRunning == true, .now < limit {
            let output = try session.run("sync", "--timeout", "200ms")
            guard output.status == 0 else { continue }
            moments.append(
                Moment(
                    cursor: output.text.trimmingCharacters(in: .whitespacesAndNewlines),
                    walk: try Tree(walking: session.tree, contents: true)))
            return true
        }
        return false
    }

    private func work() throws {
        steps += 1
        let tree = session.tree
        let (old, new) = steps.isMultiple(of: 2) ? (tree / "a", tree / "d/a") : (tree / "d/a", tree / "a")
        if try Sys.facts(old) != nil { try Sys.rename(old, new) }
        try Sys.write(tree / Bytes("d/new\(steps % 7)"), "\(steps)")
        try Sys.write(new / Bytes("f\(steps % 20)"), "\(steps)")
        if steps.isMultiple(of: 3) { try? Sys.unlink(tree / Bytes("d/new\(steps % 5)")) }
        if steps.isMultiple(of: 5) { try Sys.mkdirs(tree / Bytes("d/deep\(steps % 10)/x")) }
        if steps.isMultiple(of: 7) { try? Sys.removeTree(tree / Bytes("d/deep\(steps % 10)")) }
    }

    private func judge(_ place: String) throws {
        let walk = try Tree(walking: session.tree, contents: true)
        report("\(place) state", Comparison.state(try session.views.files(), walk))
        for moment in moments.suffix(3) + (kept.map { [moments[0], $0] } ?? []) {
            let output = try session.run(
                ["query", "--format", "json", "--renames", "split", "--since", Bytes(moment.cursor)])
            if isForgotten(moment, output) { continue }
            guard output.status == 0 else { throw Session.Refused(description: "\(place): \(output)") }
            let rows = try Answer(output).rows
            report("\(place) since \(moment.cursor)", Comparison.net(rows, moment.walk, walk) { _ in true })
        }
        let check = try session.views.value("PRAGMA integrity_check")
        if check != "ok" { report(place, [check ?? "no answer of integrity_check"]) }
    }

    /// Whether a moment is refused for being older than the log, as only one may be that nobody needs.
    private func isForgotten(_ moment: Moment, _ output: Program.Output) -> Bool {
        guard forgets, output.status == 3, output.errors.contains("forgotten") else { return false }
        if let kept, Session.seq(moment.cursor) >= Session.seq(kept.cursor) { return false }
        figures.refused += 1
        return true
    }

    private func report(_ place: String, _ wrong: [String]) {
        guard !wrong.isEmpty else { return }
        failures.append("\(place): \(wrong.count) wrong\n  \(wrong.prefix(8).joined(separator: "\n  "))")
    }
}

/// Promise 4: kill -9 at any instant loses no change for any cursor handed out. `KILL_EVERY=1` kills at every call instead of
/// some that lie evenly.
@Suite struct KillPointTests {
    /// Calls that a run makes at most.
    private static let most = 2000
    static let stride = max(1, OracleTests.number("KILL_EVERY") ?? 37)

    @Test(arguments: [false, true]) func aKillAtAnySystemCallLosesNothing(half: Bool) throws {
        guard let points = try KillPoints() else { return try Skipped.note("no C compiler, cc, or a sanitizer") }
        var point = 1 + (half ? Self.stride / 2 : 0)
        while points.failures.isEmpty, point < Self.most {
            guard try points.run(killedAt: point, half: half) else { break }
            point += Self.stride
        }
        try points.figures.save()
        #expect(points.failures.isEmpty, "\(points.failures.joined(separator: "\n"))")
        #expect(point > 100 && point < Self.most, "ran to its end without call \(point)")
    }

    /// Likewise in the middle of forgetting: the horizon is never behind a row that is gone, and what a consumer needs is there.
    @Test(arguments: [false, true]) func aKillWhileTheLogIsPrunedLosesNothing(half: Bool) throws {
        guard let points = try KillPoints(forgets: true) else {
            return try Skipped.note("no C compiler, cc, or a sanitizer")
        }
        var point = 1 + (half ? Self.stride / 2 : 0)
        while points.failures.isEmpty, point < Self.most {
            guard try points.run(killedAt: point, half: half) else { break }
            point += Self.stride
        }
        #expect(points.failures.isEmpty, "\(points.failures.joined(separator: "\n"))")
        #expect(point > 100 && point < Self.most, "ran to its end without call \(point)")
        #expect(points.figures.refused > 0, "nothing was forgotten")
    }

    /// Each point with a journal of its own: it is new when it is killed.
    @Test func aKillWhileAJournalIsMadeLeavesOneThatCanBeMade() throws {
        var point = 1
        while point < Self.most {
            guard let points = try KillPoints() else { return try Skipped.note("no C compiler, cc, or a sanitizer") }
            let isKilled = try points.run(killedAt: point, half: point.isMultiple(of: 2))
            #expect(points.failures.isEmpty, "\(points.failures.joined(separator: "\n"))")
            if !isKilled || point > 160 { break }
            point += Self.stride
        }
    }
}
