import Changes

/// A JSON value to print. Rows of answers have a writer of their own (``JSONFormat``), which makes no values.
indirect enum JSON {
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case array([JSON])
    case object([(String, JSON)])

    /// A path; as an object with `base64` where it is not UTF-8.
    static func path(_ path: Path) -> JSON { bytes(path.shown) }

    static func bytes(_ bytes: [UInt8]) -> JSON {
        bytes.validText.map { .string($0) }
            ?? .object([("base64", .string(String(decoding: Base64.encode(bytes), as: UTF8.self)))])
    }

    /// RFC 3339, UTC, with nanoseconds.
    static func time(_ nanoseconds: Int64) -> JSON {
        .string(Timestamp.utc(nanoseconds))
    }

    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let value): String(value)
        case .string(let value): JSON.quoted(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(JSON.string($0.0).text):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var line = Line()
        line.append("\"")
        JSONFormat.append(text: Array(text.utf8), to: &line)
        line.append("\"")
        return String(decoding: line.bytes, as: UTF8.self)
    }
}
