import Changes
import Kernel

/// The command of a consumer, and what it is given.
struct ListedCommand {
    /// The program and its arguments, as bytes.
    var words: [[UInt8]]
    var lock: NameLock
    /// What it finds in its environment.
    var environment: [(name: String, value: [UInt8])]

    /// Runs it with the list on its stdin, and with the name of a file that holds it wherever a word says `{}`; without one
    /// where there is none. Returns its exit status as a shell has it.
    ///
    /// The list is a file without a name: a program that never reads it stalls nobody, one that dies leaves nothing, and no
    /// journal hears of it. By its path in /proc it can be opened by the command and all that it starts, as long as they are of
    /// the same user.
    func run(_ list: MemoryFile?) throws -> Int32 {
        var words = words
        if let path = list?.path { words = words.map { Self.replacing($0, with: path) } }
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
