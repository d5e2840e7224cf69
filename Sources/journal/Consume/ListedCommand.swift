import Changes
import Kernel

/// The command of a consumer, and what it is given.
struct ListedCommand {
    /// The program and its arguments, as bytes.
    var words: [[UInt8]]
    var lock: NameLock
    /// What it finds in its environment.
    var environment: [(name: String, value: [UInt8])]

    /// A file for its list, which has a name if a word of the command asks for one by `{}`.
    ///
    /// Where it has none, one that is killed leaves nothing behind, and no journal hears of it. A pipe would stall whoever writes
    /// into it for a command that never reads its list.
    func file() throws -> ListFile {
        guard words.contains(where: { Self.replacing($0, with: []) != $0 }) else {
            return try ListFile(label: "journal list")
        }
        let directory = ThisProcess.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? Array("/tmp".utf8)
        return try ListFile(in: directory, prefix: "journal-list")
    }

    /// Runs it with the list on its stdin, and with the name of the list's file wherever a word says `{}`; without a list where
    /// there is none. Returns its exit status as a shell has it.
    func run(_ list: ListFile?) throws -> Int32 {
        var words = words
        if let path = list?.path { words = words.map { Self.replacing($0, with: path) } }
        defer { withExtendedLifetime(list) {} }
        do throws(SystemError) {
            let child = try ChildProcess(words, input: list, environment: environment, lock: lock)
            return try child.wait().status
        } catch {
            guard error.operation == "run" else { throw error }
            // As a shell says it: 127 where there is no such program, 126 where it cannot be run.
            Failure(.inputOutput, "\(ShellQuote.text(words[0])): cannot run: \(error.reason)").report()
            return error.isMissing ? 127 : 126
        }
    }

    private static func replacing(_ word: [UInt8], with path: [UInt8]) -> [UInt8] {
        let braces = Array("{}".utf8)
        var replaced: [UInt8] = []
        var rest = word[...]
        while let first = rest.first {
            if rest.starts(with: braces) {
                replaced += path
                rest = rest.dropFirst(2)
            } else {
                replaced.append(first)
                rest = rest.dropFirst()
            }
        }
        return replaced
    }
}
