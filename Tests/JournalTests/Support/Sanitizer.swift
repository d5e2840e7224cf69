import Foundation
import Testing

/// The tests under Thread or Address Sanitizer, with a `journal` that is instrumented too: `make sanitize`.
enum Sanitizer {
    /// `thread` or `address`; nil where there is none.
    static let name = ProcessInfo.processInfo.environment["JOURNAL_SANITIZER"]

    /// How much longer everything may take.
    static let patience = name == nil ? 1 : 8

    /// What a program said before it ended or was killed: a report fails the run, whatever the test made of the program.
    static func look(at errors: [UInt8], of command: String) {
        guard name != nil else { return }
        let text = String(decoding: errors, as: UTF8.self)
        if text.contains("Sanitizer: ") { Issue.record("\(command)\n\(text.suffix(8000))") }
    }
}
