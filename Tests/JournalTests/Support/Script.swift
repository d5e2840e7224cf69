import Foundation
import Testing

/// A claim as plain text: what there is, what is done, and what the journal has to answer then.
///
///     claim B24 a file renamed over another replaces it
///     needs exchange            what the file system has to be able to do: exchange, whiteout, xattr, root
///     ways together apart       how it is done, see `Way`; all three where the line is missing
///     stale f                   whose ctime in `files` may be old: nothing tells of the change
///     given                     operations before the cursor is taken
///       write a one
///     when                      operations after it, see `Hand`
///       mv a b
///     then                      the rows of the net answer, in any order
///       renamed a -> b
///     crawl                     likewise, where a crawl finds something else than events tell
///     log                       kind and path of each row of --log, in order, where it is done apart
///
/// A row is `KIND PATH`, `KIND|KIND PATH` or `renamed OLD -> NEW`, and then what has to be true of it: `+content`,
/// `-content`, `+metadata`, `-metadata`, `+with` (moved by a directory's rename alone), `-with`, `type=WORD`. `maybe` in
/// front allows a row. Paths are relative to the root, `.` is the root, with the escapes of `Bytes`.
struct Script: Sendable, CustomTestStringConvertible {
    /// How the operations of `when` reach the watcher.
    enum Way: String, CaseIterable, Sendable {
        /// It does not read meanwhile: all events are in the queue, and one batch gets them.
        case together
        /// Each operation is committed before the next.
        case apart
        /// It does not run meanwhile: the crawl at its start has to find out.
        case down
    }

    struct Expectation: Sendable {
        var text: String
        var isOptional: Bool
        var kinds: [String]
        var path: Bytes
        var old: Bytes?
        var flags: [String]
    }

    var title = ""
    var needs: [String] = []
    var ways = Way.allCases
    var stale: [Bytes] = []
    var given: [String] = []
    var when: [String] = []
    var then: [Expectation] = []
    var crawl: [Expectation]?
    var log: [String]?

    var testDescription: String { title }

    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    /// The claims of one file.
    static func parse(_ text: String, file: String = "script") throws -> [Script] {
        var scripts: [Script] = []
        var section = ""
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if !line.hasPrefix(" ") {
                section = first
                if first == "claim" { scripts.append(Script(title: words.dropFirst().joined(separator: " "))) }
            }
            guard !scripts.isEmpty else { throw Malformed(description: "\(file):\(number + 1): no claim yet") }
            do {
                try scripts[scripts.count - 1].read(line: words, section: section, isContent: line.hasPrefix(" "))
            } catch { throw Malformed(description: "\(file):\(number + 1): \(error)") }
        }
        return scripts
    }

    private mutating func read(line words: [String], section: String, isContent: Bool) throws {
        let line = words.joined(separator: " ")
        switch (section, isContent) {
        case ("claim", false): break
        case ("needs", false): needs = Array(words.dropFirst())
        case ("stale", false): stale = words.dropFirst().compactMap { Bytes(escaped: $0) }
        case ("ways", false):
            ways = try words.dropFirst().map { word in
                guard let way = Way(rawValue: word) else { throw Malformed(description: "no way: \(word)") }
                return way
            }
        case ("given", false), ("when", false), ("then", false): break
        case ("crawl", false): crawl = []
        case ("log", false): log = []
        case ("given", true): given.append(line)
        case ("when", true): when.append(line)
        case ("then", true): then.append(try Expectation(line))
        case ("crawl", true): crawl?.append(try Expectation(line))
        case ("log", true): log?.append(line)
        default: throw Malformed(description: "not understood: \(line)")
        }
    }

    /// Every claim in `Scripts`.
    static let all: [Script] = {
        let folder = Bundle.module.resourceURL!.appendingPathComponent("Scripts")
        let files = try! FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return files.filter { $0.pathExtension == "script" }.sorted { $0.path < $1.path }.flatMap { file in
            try! parse(String(contentsOf: file, encoding: .utf8), file: file.lastPathComponent)
        }
    }()
}

extension Script.Expectation {
    init(_ line: String) throws {
        var words = line.split(separator: " ").map(String.init)[...]
        func path(_ word: String?) throws -> Bytes {
            guard let word, let path = Bytes(escaped: word) else {
                throw Script.Malformed(description: "no path: \(line)")
            }
            return path == "." ? "" : path
        }
        text = line
        isOptional = words.first == "maybe"
        if isOptional { words.removeFirst() }
        kinds = words.popFirst()?.split(separator: "|").map(String.init) ?? []
        guard kinds.allSatisfy(["created", "modified", "attrib", "deleted", "renamed"].contains) else {
            throw Script.Malformed(description: "no kind: \(line)")
        }
        self.path = try path(words.popFirst())
        if words.first == "->" {
            words.removeFirst()
            old = self.path
            self.path = try path(words.popFirst())
        }
        flags = Array(words)
        guard flags.allSatisfy({ $0.hasPrefix("type=") || Self.flagNames.contains($0) }) else {
            throw Script.Malformed(description: "no flag: \(line)")
        }
    }

    private static let flagNames: Set = ["+content", "-content", "+metadata", "-metadata", "+with", "-with"]

    /// Whether `row`, of a tree at `root`, is the one expected. A crawl that finds a ctime moved has to take content
    /// for written, so that it may say more than an event does.
    func matches(_ row: Row, root: Bytes, crawled: Bool) -> Bool {
        guard row.path == root / path, row.oldPath == old.map({ root / $0 }) else { return false }
        guard kinds.contains(row.kind) || (crawled && row.kind == "modified" && kinds.contains("attrib")) else {
            return false
        }
        return flags.allSatisfy { flag in
            switch flag {
            case "+content": row.content
            case "-content": !row.content || crawled
            case "+metadata": row.metadata || (crawled && row.content)
            case "-metadata": !row.metadata || crawled
            case "+with": row.movedWith != nil
            case "-with": row.movedWith == nil
            default: flag == "type=\(row.type)"
            }
        }
    }
}
