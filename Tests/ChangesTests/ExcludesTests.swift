import Changes
import Foundation
import Seeded
import Testing

@Suite struct ExcludesTests {
    static let paths = [
        "a", "a/b", "a/b/c", "b", "b/a", "foo", "foo.o", "x/foo.o", "foo/bar", "x/foo/bar", "x/y/foo/bar/z", "foobar",
        "build/", "build/out", "src/build/", "src/build/x", "a b", "#x", "!x", "a]b", "a-b", "ab", "aXb",
        "abc/x", "abc/x/y", "abc", "deep/1/2/3/leaf", "deep/leaf", "ä", "a*b", "[x", "\\", "a\\b", "trail ", "trail",
        "dir/sub/",
        "AB", "a1", "a9z", "-", "x/-", "a.b.c", ".hidden", ".hidden/x",
    ]

    static let lists: [[String]] = [
        ["foo"], ["/foo"], ["foo/"], ["*.o"], ["foo/bar"], ["/foo/bar"], ["**/bar"], ["**/foo/bar"], ["abc/**"],
        ["a/**/c"], ["a/**/b"], ["deep/**/leaf"], ["**"], ["*"], ["/*"], ["*", "!*/"], ["*", "!foo"], ["build/"],
        ["src/build"], ["build", "!src/build"], ["a", "!a/b"], ["# x"], ["\\#x"], ["\\!x"], ["!x"], ["trail "],
        ["trail\\ "], ["a?b"], ["a[]]b"], ["a[!-]b"], ["a[^X]b"], ["a[A-Z]b"], ["[[:upper:]]*"], ["a[[:digit:]]*"],
        ["a\\*b"], ["[x"], ["\\[x"], ["\\\\"], ["a\\"], ["a**b"], ["x/**/bar"], ["*/foo"], ["x/*"], ["?"], ["/"], ["!"],
        [""], ["a[x-]b"], ["[-]"], ["ä"], ["**/"], ["a/"], ["***"], ["deep/***/leaf"], ["f*o*b*r"], ["[[:nope:]]"],
        ["[[:alpha:]]"],
        ["**/**/leaf"], [".*"], ["*.?.*"], ["a[\\]]b"], ["[a-c]"], ["[c-a]"], ["/**/foo"], ["x/**"], ["/**"], ["a**/?"],
        ["ab**/x"], ["dee**"], ["deep/1**"], ["a?**/x"],
    ]

    /// git's word on `paths`, in a scratch repository.
    static func ignored(_ patterns: [String], _ paths: [String]) throws -> Set<String> {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "excludes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        func git(_ arguments: [String], input: String = "") throws -> Data {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["git"] + arguments
            process.currentDirectoryURL = scratch
            let (stdin, stdout) = (Pipe(), Pipe())
            process.standardInput = stdin
            process.standardOutput = stdout
            process.standardError = FileHandle.nullDevice
            try process.run()
            stdin.fileHandleForWriting.write(Data(input.utf8))
            try stdin.fileHandleForWriting.close()
            let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return output
        }
        _ = try git(["init", "-q"])
        // git asks the file system what is a directory.
        for path in paths where path.hasSuffix("/") {
            try FileManager.default.createDirectory(
                at: scratch.appending(path: path), withIntermediateDirectories: true)
        }
        try Data(patterns.map { $0 + "\n" }.joined().utf8).write(to: scratch.appending(path: ".gitignore"))
        let output = try git(
            ["check-ignore", "--no-index", "-z", "--stdin"],
            input: paths.map { ($0.hasSuffix("/") ? $0.dropLast() : $0[...]) + "\0" }.joined())
        return Set(output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    @Test(arguments: lists)
    func gitDecidesTheSame(_ patterns: [String]) throws {
        let ignored = try ExcludesTests.ignored(patterns, ExcludesTests.paths)
        let excludes = Excludes(patterns: patterns.map { Array($0.utf8) })
        for path in ExcludesTests.paths {
            let isDirectory = path.hasSuffix("/")
            let relative = Array((isDirectory ? path.dropLast() : path[...]).utf8)
            #expect(
                excludes.excludes(relative: relative, isDirectory: isDirectory)
                    == ignored.contains(String(decoding: relative, as: UTF8.self)),
                "\(patterns) on \(path)")
        }
    }

    @Test(arguments: 0..<8)
    func randomPatternsAreDecidedAsByGit(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let parts = ["a", "b", "*", "?", "**", "/", "/", "[ab]", "!", "\\a", "foo", "[!a]", "**/", "/**"]
        let pieces = ["a", "b", "foo", "ab", "ba", "aa"]
        let paths = Set(
            (0..<60).map { _ in
                (0..<Int.random(in: 1...4, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined(
                    separator: "/")
            }
        ).sorted()
        for _ in 0..<25 {
            let patterns = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                (0..<Int.random(in: 1...6, using: &random)).map { _ in parts.randomElement(using: &random)! }.joined()
            }
            let ignored = try ExcludesTests.ignored(patterns, paths)
            let excludes = Excludes(patterns: patterns.map { Array($0.utf8) })
            for path in paths {
                #expect(
                    excludes.excludes(relative: Array(path.utf8), isDirectory: false) == ignored.contains(path),
                    "\(patterns) on \(path)")
            }
        }
    }

    @Test func manyStarsCostNoMoreThanTheProductOfTheLengths() {
        let pattern = Array((String(repeating: "**/a*", count: 20) + "/z").utf8)
        let text = Array(String(repeating: "aaaaaaaaaa/", count: 100).utf8) + [UInt8(ascii: "y")]
        // Backtracking would try each choice of 20 out of 100 components, and not come to its end.
        #expect(!Excludes(patterns: [pattern]).excludes(relative: text, isDirectory: false))
    }

    @Test func B44_bytesThatAreNoTextAreMatchedAsBytes() {
        let excludes = Excludes(patterns: [[0x62, 0xFF, UInt8(ascii: "*")]])
        #expect(excludes.excludes(relative: [0x62, 0xFF, 0x80], isDirectory: false))
        #expect(!excludes.excludes(relative: [0x62, 0xFE], isDirectory: false))
    }
}
