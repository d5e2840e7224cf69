import Glibc
import Testing

/// The claims of `Scripts/*.script`: each is done in every way its events can reach the watcher.
@Suite struct ScriptTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var script: Script
        var way: Script.Way
        var testDescription: String { "\(script.title) (\(way))" }
    }

    static let cases = Script.all.flatMap { script in script.ways.map { Case(script: script, way: $0) } }

    @Test(arguments: cases) func claim(_ claim: Case) throws {
        let session = try Session()
        for need in claim.script.needs {
            if let missing = try Capability.missing(need, in: session.outside) { return try Skipped.note(missing) }
        }
        let hand = Hand(tree: session.tree, outside: session.outside)
        for line in claim.script.given { try hand.perform(line) }
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)

        switch claim.way {
        case .together: try watcher.paused { for line in claim.script.when { try hand.perform(line) } }
        case .apart:
            for line in claim.script.when {
                try hand.perform(line)
                try session.sync()
            }
        case .down:
            try watcher.stop()
            for line in claim.script.when { try hand.perform(line) }
            try watcher.restart()
        }

        let answer = try session.query(since: cursor)
        let after = try Tree(walking: session.tree, contents: true)
        var wrong = mismatches(claim, answer.rows, session.tree)
        wrong += Comparison.state(
            try session.views.files(), after, stale: claim.script.stale.map { session.tree / $0 })
        wrong += Comparison.net(try session.query(since: cursor, "--renames", "split").rows, before, after) { _ in true
        }
        wrong += Comparison.follow(answer.rows, before, after)
        let log = try session.query(since: cursor, "--log").rows
        wrong += Comparison.replay(log, batches: try session.views.batches(after: 0), before, after)
        if claim.way == .apart, let expected = claim.script.log {
            let found = log.map { "\($0.kind) \($0.path.relative(to: session.tree))" }
            if found != expected { wrong.append("log: \(found)") }
        }
        #expect(
            wrong.isEmpty,
            "\(wrong.joined(separator: "\n"))\nanswer:\n\(answer)\nlog:\n\(log.map(\.description).joined(separator: "\n"))"
        )
    }

    /// Rows that were expected and did not come, and rows that came unexpected.
    private func mismatches(_ claim: Case, _ rows: [Row], _ root: Bytes) -> [String] {
        let crawled = claim.way == .down
        let expected = crawled ? claim.script.crawl ?? claim.script.then : claim.script.then
        var rest = rows
        var wrong: [String] = []
        for expectation in expected {
            if let index = rest.firstIndex(where: { expectation.matches($0, root: root, crawled: crawled) }) {
                rest.remove(at: index)
            } else if !expectation.isOptional {
                wrong.append("missing: \(expectation.text)")
            }
        }
        // A crawl that finds a directory's ctime moved reports it: entries that came and went are enough for that.
        rest.removeAll { crawled && $0.kind == "attrib" && $0.type == "directory" }
        return wrong + rest.map { "unexpected: \($0)" }
    }
}

/// What a file system or this user may not be able to do.
enum Capability {
    /// Nil where `need` works in `directory`, else why it does not.
    static func missing(_ need: String, in directory: Bytes) throws -> String? {
        let (a, b) = (directory / ".can-a", directory / ".can-b")
        defer { for path in [a, b] { try? Sys.unlink(path) } }
        try Sys.write(a, "")
        do {
            switch need {
            case "exchange":
                try Sys.write(b, "")
                try Sys.rename(a, b, flags: 2)
            case "whiteout": try Sys.rename(a, b, flags: 4)
            case "xattr": try Sys.setxattr(a, "user.can", [1])
            case "root": if geteuid() != 0 { return "only root may" }
            default: throw Script.Malformed(description: "no such capability: \(need)")
            }
        } catch let error as SystemError { return "\(need): \(error)" }
        return nil
    }
}

/// A test that this machine cannot run: says why, and passes.
enum Skipped {
    static func note(_ reason: String) throws {
        #if compiler(>=6.3)
            try Test.cancel("\(reason)")
        #else
            print("skipped: \(Test.current?.name ?? "a test"): \(reason)")
        #endif
    }
}
