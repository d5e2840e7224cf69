import Foundation
import Synchronization

/// What an oracle's workers did, in the order in which their system calls returned, so that rounds that failed with
/// several of them at once can be read, and done again one by one: the lines are those of ``Hand``, and what failed is a
/// comment.
final class Deeds: Sendable {
    private let lines = Mutex<[String]>([])

    /// The record of the thread that works.
    @TaskLocal static var current: Record?

    struct Record: Sendable {
        fileprivate let deeds: Deeds
        let worker: Int

        func note(_ words: [String], _ failed: (any Error)?) {
            let line = words.joined(separator: " ")
            let end = failed.map { "  # \($0)" } ?? ""
            deeds.lines.withLock { $0.append("\(failed == nil ? "" : "# ")\(line)  # worker \(worker)\(end)") }
        }
    }

    /// A heading: what happens to the watcher meanwhile.
    func begin(_ round: String) { lines.withLock { $0.append("# \(round)") } }

    func of(worker: Int) -> Record { Record(deeds: self, worker: worker) }

    /// Calls `body`, and notes what it did in the record of this thread, if it has one.
    @discardableResult
    static func noting<R>(_ words: @autoclosure () -> [String], _ body: () throws -> R) rethrows -> R {
        guard let record = current else { return try body() }
        do {
            let result = try body()
            record.note(words(), nil)
            return result
        } catch {
            record.note(words(), error)
            throw error
        }
    }

    /// Writes it to a file that stays, with paths as ``Hand`` takes them; nil where nothing was done.
    func save(seed: UInt64, tree: Bytes, outside: Bytes) throws -> String? {
        let all = lines.withLock { $0 }
        guard !all.isEmpty else { return nil }
        let text = all.joined(separator: "\n")
            .replacing(outside.description + "/", with: "@/").replacing(tree.description + "/", with: "")
            .replacing(" \(tree) ", with: " . ")
        let file = NSTemporaryDirectory() + "/journal-oracle-\(seed)-\(getpid()).deeds"
        try Sys.write(Bytes(file), text + "\n")
        return file
    }
}
