import Changes

/// Names for people, as ls(1) shows them on a terminal: `--quoting-style=shell-escape`. What is printed can be pasted
/// into a shell, and no name can move the cursor, change colours or look like another line.
enum ShellQuote {
    static func text(_ bytes: [UInt8]) -> String {
        // Nearly all names, and the rest is many times as slow.
        if !bytes.isEmpty, bytes.allSatisfy({ $0 < 0x80 && isPlain($0) }), !startsAsSyntax(bytes) {
            return String(decoding: bytes, as: UTF8.self)
        }
        guard let text = bytes.validText, !text.unicodeScalars.contains(where: isHidden) else { return dollar(bytes) }
        if !bytes.isEmpty, text.utf8.allSatisfy(isPlain), !startsAsSyntax(bytes) { return text }
        if !text.utf8.contains(UInt8(ascii: "'")) { return "'\(text)'" }
        let active: Set<UInt8> = [
            UInt8(ascii: "\""), UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\\"), UInt8(ascii: "!"),
        ]
        return text.utf8.contains(where: active.contains) ? dollar(bytes) : "\"\(text)\""
    }

    /// Lines of text in which nothing is a command to a terminal.
    static func harmless(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            if scalar == "\n" || !isHidden(scalar) {
                shown.unicodeScalars.append(scalar)
            } else {
                shown += String(scalar).utf8.map(escape).joined()
            }
        }
        return shown
    }

    /// `$'…'`, where every byte has a spelling.
    private static func dollar(_ bytes: [UInt8]) -> String {
        var quoted = "$'"
        var rest = bytes[...]
        while let byte = rest.first {
            // As much as is a character to be shown; else one byte.
            let length = (1...min(4, rest.count)).first { length in
                let text = rest.prefix(length).validText
                return text.map { !$0.unicodeScalars.contains(where: isHidden) } ?? false
            }
            if let length, byte != UInt8(ascii: "'"), byte != UInt8(ascii: "\\") {
                quoted += String(decoding: rest.prefix(length), as: UTF8.self)
                rest = rest.dropFirst(length)
            } else {
                quoted += escape(byte)
                rest = rest.dropFirst()
            }
        }
        return quoted + "'"
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\n"): return "\\n"
        case UInt8(ascii: "\t"): return "\\t"
        case UInt8(ascii: "\r"): return "\\r"
        case UInt8(ascii: "'"): return "\\'"
        case UInt8(ascii: "\\"): return "\\\\"
        default:
            let octal = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - octal.count) + octal
        }
    }

    /// Control characters, and those that reorder or hide what stands around them.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func startsAsSyntax(_ bytes: [UInt8]) -> Bool {
        bytes[0] == UInt8(ascii: "~") || bytes[0] == UInt8(ascii: "#")
    }

    /// What no shell takes for anything else: letters, digits and `#%+,-./:=@]^_{}~`, and all that is not ASCII.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7B, 0x2B...0x3A, 0x41...0x5A, 0x5D...0x5F, 0x23, 0x25, 0x3D, 0x40, 0x7D, 0x7E, 0x80...: true
        default: false
        }
    }
}
