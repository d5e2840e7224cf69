import Changes

/// What goes over the control socket: one line of words to the watcher, lines of `key value` back, then the end.
///
/// Paths are written in hexadecimal, because a name may hold a space or a newline.
enum Request: Equatable {
    /// Commit all that has happened, sync it, and say by which cursor.
    case barrier
    case status
    case scan([Path])
    /// Take the directory at an offline root's path for the root, though it is on another file system.
    case adopt(Path)
    case forget(Path)
    /// Say when there is a batch behind this one; or, after a while, that there is none.
    case news(after: Int64)
    /// Forget the log up to this batch.
    case prune(upTo: Int64)
    /// Keep what a `journal verify` found.
    case verified(Audit)
    /// A consumer has taken its list.
    case move(Consumer.Move)
    case dropConsumer(String)

    /// Bytes that a client may send.
    static let sizeLimit = 1 << 20

    var line: [UInt8] {
        switch self {
        case .barrier: Array("barrier\n".utf8)
        case .status: Array("status\n".utf8)
        case .news(let seq): Array("news \(seq)\n".utf8)
        case .scan(let paths):
            Array((["scan"] + paths.map { Hex.encode($0.bytes) }).joined(separator: " ").utf8) + [0x0A]
        case .adopt(let path): Array("adopt \(Hex.encode(path.bytes))\n".utf8)
        case .forget(let path): Array("forget \(Hex.encode(path.bytes))\n".utf8)
        case .prune(let seq): Array("prune \(seq)\n".utf8)
        case .verified(let audit): Array("verified \(audit.words)\n".utf8)
        case .move(let move): Array("move \(move.words)\n".utf8)
        case .dropConsumer(let name): Array("drop \(Hex.encode(Array(name.utf8)))\n".utf8)
        }
    }

    /// Nil where the line is none of ours.
    init?(_ line: [UInt8]) {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard let verb = words.first else { return nil }
        let rest = words.dropFirst()
        let request: Request? =
            switch (String(decoding: verb, as: UTF8.self), rest.count) {
            case ("barrier", 0): .barrier
            case ("status", 0): .status
            case ("news", 1): Int64(String(decoding: rest[1], as: UTF8.self)).map { .news(after: $0) }
            case ("prune", 1): Int64(String(decoding: rest[1], as: UTF8.self)).map { .prune(upTo: $0) }
            case ("scan", _): Request.paths(rest).map { .scan($0) }
            case ("adopt", 1): Request.paths(rest).map { .adopt($0[0]) }
            case ("forget", 1): Request.paths(rest).map { .forget($0[0]) }
            case ("verified", _): Audit(verified: rest).map { .verified($0) }
            case ("move", _): Consumer.Move(words: rest).map { .move($0) }
            case ("drop", 1): Hex.text(rest[1]).map { .dropConsumer($0) }
            default: nil
            }
        guard let request else { return nil }
        self = request
    }

    private static func paths(_ words: ArraySlice<ArraySlice<UInt8>>) -> [Path]? {
        let paths = words.compactMap { Hex.decode($0).map { Path($0) } }
        return paths.count == words.count ? paths : nil
    }

    /// Whether it changes nothing and costs little, so that the database's group may ask it too.
    var isQuestion: Bool {
        switch self {
        case .barrier, .status, .news: true
        case .scan, .adopt, .forget, .prune, .verified, .move, .dropConsumer: false
        }
    }
}

/// What the watcher says: keys of one word, values to the end of the line.
struct Reply {
    private(set) var fields: [(key: String, value: String)] = []

    init(_ fields: [(String, String)] = []) { self.fields = fields.map { (key: $0.0, value: $0.1) } }

    init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
            fields.append(
                (
                    key: String(decoding: parts[0], as: UTF8.self),
                    value: parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
                ))
        }
    }

    subscript(key: String) -> String? { fields.first { $0.key == key }?.value }
    /// Why the watcher cannot commit.
    var obstacle: Obstacle? { self["obstacle"].flatMap { Obstacle(words: $0) } }
    func all(_ key: String) -> [String] { fields.filter { $0.key == key }.map(\.value) }

    var bytes: [UInt8] { fields.flatMap { Array("\($0.key) \($0.value)\n".utf8) } }
}

/// Bytes as text of two digits each; the empty path is `-`.
enum Hex {
    static func encode(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "-" : bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }

    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        if text.elementsEqual([UInt8(ascii: "-")]) { return [] }
        guard text.count.isMultiple(of: 2), !text.isEmpty else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(text)[...]
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
        }
        return bytes
    }
}
