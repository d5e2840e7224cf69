import Foundation
import Seeded
import Testing

/// The tests' own tools: a wrong measure would pass wrong work.
@Suite struct SupportTests {
    @Test func escapesComeBackAsTheyWere() throws {
        let all = Bytes(1...255)
        #expect(Bytes(escaped: all.description) == all)
        #expect(Bytes(escaped: "a\\sb\\n\\\\\\xff") == Bytes(Array("a b\n\\".utf8) + [0xff]))
        #expect(Bytes(escaped: "\\q") == nil)
        #expect(("/srv/a" as Bytes).contains("/srv/a/b") && !("/srv/a" as Bytes).contains("/srv/ab"))
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":"\ud800"}"#, "{\"a\":\"\u{1}\"}", #"{"a":1} x"#, #"{"a":tru}"#, "[1,]",
    ]) func malformedJSONIsRefused(_ text: String) { #expect(throws: JSON.Malformed.self) { try JSON(text.utf8) } }

    @Test func JSONKeepsEveryDigitAndByte() throws {
        let json = try JSON(#"{"n":18446744073709551615,"s":"\u00e9\ud83d\ude00\n\/","l":[true,null]}"#.utf8)
        #expect(json["n"] == .number("18446744073709551615"))
        #expect(json["s"]?.text == "é😀\n/")
        #expect(json["l"] == .array([.bool(true), .null]))
        #expect(throws: JSON.Malformed.self) { try JSON([0x22, 0xff, 0x22]) }
    }

    @Test func timesAreExact() throws {
        #expect(try Time.parse("1970-01-01T00:00:00.000000001Z") == 1)
        #expect(try Time.parse("2024-02-29T23:59:59.999999999Z") == 1_709_251_199_999_999_999)
        #expect(try Time.parse("1969-12-31T23:59:59.500000000Z") == -500_000_000)
        #expect(throws: JSON.Malformed.self) { try Time.parse("2024-02-29T23:59:59Z") }
    }

    @Test func aProgramThatHangsIsKilledAndQuoted() throws {
        let error = #expect(throws: Program.Overtime.self) {
            try Program.run("sh", ["-c", "echo so far; sleep 60"], timeout: .milliseconds(300))
        }
        #expect(error?.description.contains("so far") == true)
        #expect(try Program.run("sh", ["-c", "kill -9 $$"]).status == 137)
        #expect(try Program.run("cat", input: [0, 0xff]).bytes == [0, 0xff])
        #expect(try Program.run("pwd", directory: "/usr").text == "/usr\n")
    }

    @Test func aWalkReachesBeyondPATH_MAX() throws {
        let scratch = try Scratch()
        var deep = scratch.path
        for _ in 0..<20 { deep = deep / Bytes([UInt8](repeating: UInt8(ascii: "n"), count: 250)) }
        try Sys.mkdirs(deep)
        try Sys.write(deep / "leaf", "x")
        try Sys.rename(deep / "leaf", deep / "other")
        let tree = try Tree(walking: scratch.path, contents: true)
        #expect(tree.entries.count == 22 && tree[deep / "other"]?.size == 1)
        try Sys.removeTree(scratch.path)
        #expect(try Sys.facts(scratch.path) == nil)
    }

    /// Each script is done without a journal; then the answer it expects has to be the one two walks allow.
    @Test(arguments: Script.all) func theScriptExpectsWhatTwoWalksShow(_ script: Script) throws {
        let scratch = try Scratch()
        let (tree, outside) = (scratch.path / "tree", scratch.path / "outside")
        try Sys.mkdir(tree)
        try Sys.mkdir(outside)
        for need in script.needs {
            if let missing = try Capability.missing(need, in: outside) { return try Skipped.note(missing) }
        }
        let hand = Hand(tree: tree, outside: outside)
        for line in script.given { try hand.perform(line) }
        let before = try Tree(walking: tree, contents: true)
        for line in script.when { try hand.perform(line) }
        let after = try Tree(walking: tree, contents: true)
        var rows: [Row] = []
        for expectation in script.then {
            let path = tree / expectation.path
            let old = expectation.old.map { tree / $0 }
            if expectation.isOptional && Comparison.change(before[path], after[path]) == .none { continue }
            guard let entry = after[path] ?? before[path] else {
                Issue.record("\(expectation.text): on neither side")
                continue
            }
            rows.append(
                Row(
                    seq: Int64(rows.count), time: 0, kind: expectation.kinds[0], type: entry.type, path: path,
                    oldPath: old, content: expectation.flags.contains("+content"), metadata: true, source: "event"))
            for flag in expectation.flags where flag.hasPrefix("type=") { #expect(flag == "type=\(entry.type)") }
        }
        let wrong = Comparison.follow(rows, before, after)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(Comparison.state(after, after).isEmpty)
    }

    @Test func theScriptsAreMany() { #expect(Script.all.count > 60) }
}

extension SupportTests {
    /// The workers of the oracle really do something, and leave a tree that can be walked and removed.
    @Test(arguments: [1, 2, 3] as [UInt64]) func workersMakeTrees(seed: UInt64) throws {
        let scratch = try Scratch()
        let (tree, outside) = (scratch.path / "tree", scratch.path / "outside")
        for directory in [tree, outside, tree / "S0", tree / "S1"] { try Sys.mkdir(directory) }
        let touched = Touched()
        var random = SplitMix64(seed: seed)
        var before = Tree()
        for _ in 0..<4 {
            var worker = Worker(tree: tree, outside: outside, touched: touched, gate: .init(), random: random.split())
            worker.work(400)
            let after = try Tree(walking: tree, contents: true)
            for path in Set(before.entries.keys).union(after.entries.keys)
            where Comparison.change(before[path], after[path]) != .none && !before.entries.isEmpty {
                #expect(touched.contains(path, ino: after[path]?.ino), "\(path)")
            }
            before = after
        }
        #expect(before.entries.count > 20)
        let types = Set(before.entries.values.map(\.type))
        #expect(types.isSuperset(of: ["file", "directory", "symlink"]), "\(types)")
    }
}
