/// A name, a path or an argument: bytes, as the kernel has them, shown with C escapes.
struct Bytes: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    var raw: [UInt8]

    init(_ raw: some Sequence<UInt8>) { self.raw = Array(raw) }
    init(_ text: String) { raw = Array(text.utf8) }
    init(stringLiteral text: String) { self.init(text) }

    static func < (a: Bytes, b: Bytes) -> Bool { a.raw.lexicographicallyPrecedes(b.raw) }

    /// The entry `name` of the directory `directory`; an empty name is the directory itself.
    static func / (directory: Bytes, name: Bytes) -> Bytes {
        name.raw.isEmpty ? directory : Bytes(directory.raw + [UInt8(ascii: "/")] + name.raw)
    }

    /// The text, or nil where the bytes are not valid UTF-8.
    var text: String? { String(validating: raw, as: UTF8.self) }

    var components: [Bytes] { raw.split(separator: UInt8(ascii: "/")).map { Bytes($0) } }

    var parent: Bytes { Bytes(raw[..<(raw.lastIndex(of: UInt8(ascii: "/")) ?? 0)]) }

    var name: Bytes { Bytes(raw[(raw.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]) }

    /// Whether `other` is this path or lies below it, by components.
    func contains(_ other: Bytes) -> Bool {
        other.raw.starts(with: raw) && (other.raw.count == raw.count || other.raw[raw.count] == UInt8(ascii: "/"))
    }

    /// What of this path comes after `directory` and its slash; the path itself where it lies elsewhere.
    func relative(to directory: Bytes) -> Bytes {
        directory.contains(self) ? Bytes(raw.dropFirst(directory.raw.count + 1)) : self
    }

    /// Calls `body` with the bytes and a closing NUL.
    @discardableResult
    func withCString<R>(_ body: (UnsafePointer<CChar>) throws -> R) rethrows -> R {
        try (raw + [0]).withUnsafeBufferPointer { bytes in
            try bytes.withMemoryRebound(to: CChar.self) { try body($0.baseAddress!) }
        }
    }

    /// Printable ASCII as it is, everything else and the backslash as `\n`, `\s` (space) or `\xNN`, as scripts write it.
    var description: String {
        raw.map { byte in
            switch byte {
            case UInt8(ascii: "\\"): "\\\\"
            case UInt8(ascii: "\n"): "\\n"
            case UInt8(ascii: " "): "\\s"
            case 0x21...0x7e: String(UnicodeScalar(byte))
            default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }

    /// Reads what `description` wrote; nil for an escape that is none.
    init?(escaped text: some StringProtocol) {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "s"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "x"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: return nil
            }
        }
        self.init(bytes)
    }
}
