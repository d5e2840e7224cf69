import Changes
import Kernel

/// Arguments are bytes, and ArgumentParser takes text. An argument that is not UTF-8 goes through it with each byte above ASCII
/// spelled as a character that nobody uses, and comes out as it went in. `CommandLine.arguments` would repair it, which for a path
/// means another path, and for two of them may mean the same one.
enum ArgumentText {
    /// The command line as the parser is given it, with the program's name.
    static var all: [String] { ThisProcess.arguments.map(text) }

    /// The last of the code points for private use: a byte is spelled as ``offset`` and itself.
    private static let spellings: ClosedRange<UInt32> = 0x10FF80...0x10FFFF
    private static let offset: UInt32 = 0x10FF00

    static func text(_ bytes: [UInt8]) -> String {
        if let text = bytes.validText, !isSpelled(text) { return text }
        var text = String.UnicodeScalarView()
        for byte in bytes {
            text.append(byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(offset + UInt32(byte))!)
        }
        return String(text)
    }

    /// The argument that ``text(_:)`` made this of.
    static func bytes(_ text: String) -> [UInt8] {
        guard isSpelled(text) else { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            spellings.contains(scalar.value) ? [UInt8(scalar.value - offset)] : Array(String(scalar).utf8)
        }
    }

    /// Whether text stands for other bytes than its own.
    static func isSpelled(_ text: String) -> Bool { text.unicodeScalars.contains { spellings.contains($0.value) } }

    /// As a person reads it.
    static func shown(_ text: some StringProtocol) -> String { ShellQuote.text(bytes(String(text))) }
}
