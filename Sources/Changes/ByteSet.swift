/// The bytes that a `[…]` of a pattern stands for. The slash is never among them.
struct ByteSet: Sendable {
    private var bits: SIMD4<UInt64> = .zero

    static let allButSlash: ByteSet = {
        var all = ByteSet()
        all.bits = .init(repeating: .max)
        all.remove(slash)
        return all
    }()

    func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }
    private mutating func insert(_ byte: UInt8) { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    private mutating func remove(_ byte: UInt8) { bits[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    /// Parses the set whose `[` stands at `start`, with git's rules: `!` or `^` negates, a `]` that comes first is
    /// a member, a backslash quotes, `[:class:]` is one of POSIX. Returns the set and where the pattern goes on,
    /// or nil where the set is never closed or names an unknown class.
    static func parse(_ pattern: [UInt8], at start: Int) -> (ByteSet, Int)? {
        var set = ByteSet()
        var at = start + 1
        let negated = at < pattern.count && (pattern[at] == UInt8(ascii: "!") || pattern[at] == UInt8(ascii: "^"))
        if negated { at += 1 }
        // The low end of a range, where the member before can be one: no class, and not the end of another range.
        var low: UInt8?
        var isFirst = true
        while true {
            guard at < pattern.count else { return nil }
            let byte = pattern[at]
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            if byte == UInt8(ascii: "-"), let from = low, at + 1 < pattern.count, pattern[at + 1] != UInt8(ascii: "]") {
                at += 1
                if pattern[at] == UInt8(ascii: "\\") { at += 1 }
                guard at < pattern.count else { return nil }
                if from <= pattern[at] { for member in from...pattern[at] { set.insert(member) } }
                low = nil
                at += 1
            } else if byte == UInt8(ascii: "["), at + 1 < pattern.count, pattern[at + 1] == UInt8(ascii: ":") {
                guard let close = pattern[(at + 2)...].firstIndex(of: UInt8(ascii: "]")) else { return nil }
                if close > at + 2, pattern[close - 1] == UInt8(ascii: ":") {
                    guard let members = members(ofClass: pattern[(at + 2)..<(close - 1)]) else { return nil }
                    for byte in UInt8.min...127 where members(byte) { set.insert(byte) }
                    low = nil
                    at = close + 1
                } else {
                    // Not ":]": the bracket is a member like any other.
                    set.insert(byte)
                    low = byte
                    at += 1
                }
            } else {
                if byte == UInt8(ascii: "\\") { at += 1 }
                guard at < pattern.count else { return nil }
                set.insert(pattern[at])
                low = pattern[at]
                at += 1
            }
        }
        if negated { set.bits = ~set.bits }
        set.remove(slash)
        return (set, at + 1)
    }

    /// The POSIX classes in the C locale, which is the one git uses.
    private static func members(ofClass name: ArraySlice<UInt8>) -> ((UInt8) -> Bool)? {
        func upper(_ c: UInt8) -> Bool { (0x41...0x5A).contains(c) }
        func lower(_ c: UInt8) -> Bool { (0x61...0x7A).contains(c) }
        func digit(_ c: UInt8) -> Bool { (0x30...0x39).contains(c) }
        func alnum(_ c: UInt8) -> Bool { upper(c) || lower(c) || digit(c) }
        func graph(_ c: UInt8) -> Bool { (0x21...0x7E).contains(c) }
        switch String(decoding: name, as: UTF8.self) {
        case "alnum": return alnum
        case "alpha": return { upper($0) || lower($0) }
        case "blank": return { $0 == 0x20 || $0 == 0x09 }
        case "cntrl": return { $0 < 0x20 || $0 == 0x7F }
        case "digit": return digit
        case "graph": return graph
        case "lower": return lower
        case "print": return { graph($0) || $0 == 0x20 }
        case "punct": return { graph($0) && !alnum($0) }
        case "space": return { $0 == 0x20 || (0x09...0x0D).contains($0) }
        case "upper": return upper
        case "xdigit": return { digit($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) }
        default: return nil
        }
    }
}
