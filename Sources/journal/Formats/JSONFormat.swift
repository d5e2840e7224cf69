import Changes
import Kernel
import Query

/// One object a line, keys in the order of the contract; what a row does not have is left out.
///
/// Numbers beyond 2⁵³ lose digits in most readers, so `ino` is a string and times are text. A name that is not UTF-8
/// cannot stand in JSON at all: it is `path_base64`, never a repaired `path`.
struct JSONFormat: RowFormat {
    private var line = Line()

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        line.clear()
        line.append("{\"seq\":")
        line.append(change.seq)
        append(",\"time\":\"", time: change.time)
        if let notBefore = change.notBefore { append(",\"not_before\":\"", time: notBefore) }
        line.append(",\"kind\":\"")
        line.append(change.kind.word)
        line.append("\",\"type\":\"")
        line.append(change.type.word)
        line.append("\"")
        append(path: change.path, key: "path")
        if let old = change.oldPath { append(path: old, key: "old_path") }
        line.append(change.difference.contains(.content) ? ",\"content\":true" : ",\"content\":false")
        line.append(change.difference.contains(.metadata) ? ",\"metadata\":true" : ",\"metadata\":false")
        append(",\"size\":", change.size)
        append(",\"mtime\":\"", time: change.mtime)
        append(",\"mode\":", change.mode & 0o7777)
        append(",\"uid\":", change.uid)
        append(",\"gid\":", change.gid)
        append(",\"ino\":\"", change.ino)
        line.append("\",\"source\":\"")
        line.append(change.source.word)
        line.append("\"")
        if let movedWith = change.movedWith { append(",\"moved_with\":", movedWith) }
        line.append("}\n")
        try output.write(line.bytes)
    }

    private mutating func append(_ key: String, _ number: some BinaryInteger) {
        line.append(key)
        line.append(number)
    }

    private mutating func append(_ key: String, time: Int64) {
        line.append(key)
        Timestamp.append(utc: time, to: &line)
        line.append("\"")
    }

    mutating func end(cursor: Cursor?, _ output: inout Output) throws(SystemError) {
        if let cursor { try mark(cursor, &output) }
    }

    func mark(_ cursor: Cursor, _ output: inout Output) throws(SystemError) {
        try output.write("{\"cursor\":\"\(cursor)\",\"complete\":true}\n")
    }

    private mutating func append(path: [UInt8], key: String) {
        line.append(",\"")
        line.append(key)
        guard path.validText != nil else {
            line.append("_base64\":\"")
            line.append(Base64.encode(path))
            line.append("\"")
            return
        }
        line.append("\":\"")
        JSONFormat.append(text: path, to: &line)
        line.append("\"")
    }

    /// Appends valid UTF-8 as it stands between quotes.
    static func append(text: [UInt8], to line: inout Line) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                line.append(byte: UInt8(ascii: "\\"))
                line.append(byte: byte)
            case UInt8(ascii: "\n"): line.append("\\n")
            case UInt8(ascii: "\t"): line.append("\\t")
            case 0..<0x20, 0x7F: line.append("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
            default: line.append(byte: byte)
            }
        }
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
