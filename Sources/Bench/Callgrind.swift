import Glibc

/// Counts instructions by `valgrind --tool=callgrind`: a figure that a loaded machine does not move.
///
/// Nearly: threads wait for one another in loops, and inodes and times have more or fewer digits. Most counts of the same
/// binary repeat to 0.04 %, but on a busy machine some are 1 or 2 % higher. So each is taken three times, and the least is
/// it: that has repeated to 0.4 % at worst.
struct Callgrind {
    /// Where it writes its files.
    let directory: String

    private static let attempts = 3

    static var isInstalled: Bool { Program.isInstalled("valgrind") }

    private var output: String { "\(directory)/callgrind" }
    private var log: String { "\(directory)/valgrind.log" }

    /// The least of some counts.
    func least(_ count: () throws -> Int) throws -> Int {
        var least = Int.max
        for _ in 0..<Callgrind.attempts { least = min(least, try count()) }
        return least
    }

    /// The instructions of a program from its start to its end, all threads.
    func count(_ words: [String]) throws -> Int {
        let child = try start(words)
        return try finish(child)
    }

    /// Starts a program of which instructions are counted. Sets of Swift are ordered by a random seed, unless told not to be.
    func start(_ words: [String], environment: [String: String] = [:]) throws -> Child {
        for path in [output, log] { try System.remove(path) }
        return try Child(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=\(output)"] + words,
            errors: .file(log),
            environment: environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 })
    }

    /// Waits for its end, and reads what was counted.
    func finish(_ child: Child) throws -> Int {
        let status = try child.wait().status
        let summary = System.text(output).split(separator: "\n").first {
            $0.hasPrefix("summary:") || $0.hasPrefix("totals:")
        }
        guard status == 0, let count = summary?.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Failed("\(child.words.joined(separator: " ")): ended with status \(status): \(System.text(log))")
        }
        return count
    }
}
