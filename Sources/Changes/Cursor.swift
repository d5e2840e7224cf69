/// A position in one journal, as handed out: a batch, and the random check that only this very file knows.
///
/// Text, opaque to its holders: `UUID:SEQ:CHECK`.
package struct Cursor: Hashable, Sendable, CustomStringConvertible {
    package let journal: String
    package let seq: Int64
    package let check: UInt64

    package init(journal: String, seq: Int64, check: UInt64) {
        self.journal = journal
        self.seq = seq
        self.check = check
    }

    /// Parses the text form; nil where `text` has not the form of a cursor.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, Cursor.isUUID(parts[0]),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seq = Int64(parts[1]),
            parts[2].utf8.count == 16, parts[2].utf8.allSatisfy(\.isHexDigit), let check = UInt64(parts[2], radix: 16)
        else { return nil }
        self.init(journal: String(parts[0]), seq: seq, check: check)
    }

    package var description: String {
        let hex = String(check, radix: 16)
        return "\(journal):\(seq):\(String(repeating: "0", count: 16 - hex.count))\(hex)"
    }

    /// Whether `text` is a UUID in the 8-4-4-4-12 form, in lower case, as journals are named.
    private static func isUUID(_ text: Substring) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12] && groups.allSatisfy { $0.utf8.allSatisfy(\.isHexDigit) }
    }
}

extension UInt8 {
    /// Whether this byte is one of `0-9a-f`, the digits our own text forms use.
    fileprivate var isHexDigit: Bool { (0x30...0x39).contains(self) || (0x61...0x66).contains(self) }
}
