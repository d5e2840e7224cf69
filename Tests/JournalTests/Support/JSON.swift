/// A strict reader of JSON, for lines that carry any bytes a name may have: it keeps numbers as they are written, and
/// refuses what RFC 8259 refuses (raw control characters, invalid UTF-8, lone surrogates, names given twice).
enum JSON: Equatable {
    case null
    case bool(Bool)
    /// As written, so that no digit is lost.
    case number(String)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    struct Malformed: Error, CustomStringConvertible {
        var what: String
        var text: String
        var description: String { "not JSON, \(what): \(text)" }
    }

    init(_ bytes: some Collection<UInt8>) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(what: "invalid UTF-8", text: Bytes(bytes).description)
        }
        var reader = Reader(rest: Array(bytes)[...], text: text)
        self = try reader.value()
        reader.space()
        if !reader.rest.isEmpty { throw reader.malformed("more after the value") }
    }

    subscript(name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }

    /// A number, or a string that holds one.
    var integer: Int64? {
        switch self {
        case .number(let digits): Int64(digits)
        case .string(let digits): Int64(digits)
        default: nil
        }
    }

    /// A boolean, or 0 and 1.
    var truth: Bool? {
        switch self {
        case .bool(let value): value
        case .number("0"): false
        case .number("1"): true
        default: nil
        }
    }
}

private struct Reader {
    var rest: ArraySlice<UInt8>
    var text: String

    func malformed(_ what: String) -> JSON.Malformed {
        JSON.Malformed(what: "\(what) at byte \(rest.startIndex)", text: text)
    }

    mutating func space() {
        while let byte = rest.first, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { rest.removeFirst() }
    }

    mutating func take(_ character: Character) -> Bool {
        space()
        guard rest.first == character.asciiValue else { return false }
        rest.removeFirst()
        return true
    }

    mutating func word(_ word: String) -> Bool {
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    mutating func value() throws -> JSON {
        space()
        switch rest.first {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case let byte? where "-0123456789".utf8.contains(byte):
            let digits = rest.prefix { "+-.eE0123456789".utf8.contains($0) }
            rest = rest.dropFirst(digits.count)
            return .number(String(decoding: digits, as: UTF8.self))
        default:
            if word("null") { return .null }
            if word("true") { return .bool(true) }
            if word("false") { return .bool(false) }
            throw malformed("no value")
        }
    }

    private mutating func object() throws -> JSON {
        _ = take("{")
        var members: [String: JSON] = [:]
        if take("}") { return .object(members) }
        repeat {
            space()
            let name = try string()
            guard take(":") else { throw malformed("no colon") }
            guard members.updateValue(try value(), forKey: name) == nil else { throw malformed("\(name) twice") }
        } while take(",")
        guard take("}") else { throw malformed("no end of object") }
        return .object(members)
    }

    private mutating func array() throws -> JSON {
        _ = take("[")
        var elements: [JSON] = []
        if take("]") { return .array(elements) }
        repeat { elements.append(try value()) } while take(",")
        guard take("]") else { throw malformed("no end of array") }
        return .array(elements)
    }

    private mutating func string() throws -> String {
        guard rest.popFirst() == UInt8(ascii: "\"") else { throw malformed("no string") }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            case 0..<0x20: throw malformed("a raw control character")
            default: bytes.append(byte)
            }
        }
        throw malformed("no end of string")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws {
        switch rest.popFirst() {
        case UInt8(ascii: "\""): bytes.append(0x22)
        case UInt8(ascii: "\\"): bytes.append(0x5c)
        case UInt8(ascii: "/"): bytes.append(0x2f)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0c)
        case UInt8(ascii: "n"): bytes.append(0x0a)
        case UInt8(ascii: "r"): bytes.append(0x0d)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hex()
            if (0xd800..<0xdc00).contains(code) {
                guard word("\\u") else { throw malformed("a lone surrogate") }
                let low = try hex()
                guard (0xdc00..<0xe000).contains(low) else { throw malformed("a lone surrogate") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = UnicodeScalar(code) else { throw malformed("a lone surrogate") }
            bytes.append(contentsOf: String(scalar).utf8)
        default: throw malformed("no escape")
        }
    }

    private mutating func hex() throws -> UInt32 {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        guard digits.count == 4, let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw malformed("no \\uXXXX")
        }
        return code
    }
}
