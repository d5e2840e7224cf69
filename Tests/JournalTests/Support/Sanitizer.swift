import Foundation
import Testing

/// The tests under Thread or Address Sanitizer, with a `journal` that is instrumented too: `make sanitize`.
enum Sanitizer {
    /// `thread` or `address`; nil where there is none.
    static let name = ProcessInfo.processInfo.environment["JOURNAL_SANITIZER"]

    /// How much longer everything may take.
    static let patience = name == nil ? 1 : 8

    /// What LD_PRELOAD has to be for a library to be loaded, beside what Thread Sanitizer has there to know of locks.
    static func preload(_ library: Bytes) -> String {
        let own = name == nil ? nil : ProcessInfo.processInfo.environment["LD_PRELOAD"]
        return [library.description, own].compactMap(\.self).joined(separator: ":")
    }

    /// What a program said before it ended or was killed: a report fails the run, whatever the test made of the program.
    static func look(at errors: [UInt8], of command: String) {
        guard name != nil else { return }
        let text = String(decoding: errors, as: UTF8.self)
        if text.contains("Sanitizer: ") { Issue.record("\(command)\n\(text.suffix(8000))") }
    }
}
