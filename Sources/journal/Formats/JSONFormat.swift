import Changes
import Kernel
import Query

/// One object a line, keys in the order of the contract; what a row does not have is left out.
///
/// Numbers beyond 2⁵³ lose digits in most readers, so `ino` is a string and times are text. A name that is not UTF-8
/// cannot stand in JSON at all: it is `path_base64`, never a repaired `path`.
struct JSONFormat: RowFormat {
    private var line: [UInt8] = []

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        line.removeAll(keepingCapacity: true)
        line += "{\"seq\":\(change.seq),\"time\":\"".utf8
        Timestamp.append(utc: change.time, to: &line)
        line.append(UInt8(ascii: "\""))
        if let notBefore = change.notBefore {
            line += ",\"not_before\":\"".utf8
            Timestamp.append(utc: notBefore, to: &line)
            line.append(UInt8(ascii: "\""))
        }
        line += ",\"kind\":\"\(change.kind.word)\",\"type\":\"\(change.type.word)\"".utf8
        append(path: change.path, key: "path")
        if let old = change.oldPath { append(path: old, key: "old_path") }
        line += ",\"content\":\(change.difference.contains(.content))".utf8
        line += ",\"metadata\":\(change.difference.contains(.metadata))".utf8
        line += ",\"size\":\(change.size),\"mtime\":\"".utf8
        Timestamp.append(utc: change.mtime, to: &line)
        line += "\",\"mode\":\(change.mode & 0o7777),\"uid\":\(change.uid),\"gid\":\(change.gid)".utf8
        line += ",\"ino\":\"\(change.ino)\",\"source\":\"\(change.source.word)\"".utf8
        if let movedWith = change.movedWith { line += ",\"moved_with\":\(movedWith)".utf8 }
        line += "}\n".utf8
        try output.write(line)
    }

    mutating func end(cursor: Cursor?, _ output: inout Output) throws(SystemError) {
        guard let cursor else { return }
        try output.write("{\"cursor\":\"\(cursor)\",\"complete\":true}\n")
    }

    private mutating func append(path: [UInt8], key: String) {
        guard path.validText != nil else {
            line += ",\"\(key)_base64\":\"".utf8
            line += Base64.encode(path)
            line.append(UInt8(ascii: "\""))
            return
        }
        line += ",\"\(key)\":\"".utf8
        line += JSONFormat.escaped(path)
        line.append(UInt8(ascii: "\""))
    }

    /// Valid UTF-8 as it stands between quotes.
    static func escaped(_ text: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.count)
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): escaped += "\\n".utf8
            case UInt8(ascii: "\t"): escaped += "\\t".utf8
            case 0..<0x20, 0x7F: escaped += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: escaped.append(byte)
            }
        }
        return escaped
    }
}

/// RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
