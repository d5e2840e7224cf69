import Glibc

/// Writes an archive in the ustar format (POSIX.1-1988), entry by entry.
///
/// Written here rather than by tar(1), so that the archive is the same bytes everywhere and needs no tree to be made of.
struct TarWriter {
    private let path: String
    private let file: Int32
    private var buffer: [UInt8] = []

    /// The format's unit: headers are one block, contents are padded to whole ones.
    private static let block = 512
    /// 2026-01-01, the modification time of every entry.
    private static let time = 1_767_225_600
    /// What is gathered before it is written.
    private static let bufferSize = 1 << 20

    init(_ path: String) throws {
        self.path = path
        file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failed.call("open", path) }
    }

    mutating func directory(_ name: String) throws { try header(name + "/", size: 0, mode: 0o755, type: "5") }

    /// A file with the first `size` bytes of `contents`, which is repeated as often as it takes.
    mutating func file(_ name: String, size: Int, contents: [UInt8]) throws {
        try header(name, size: size, mode: 0o644, type: "0")
        var left = size
        while left > 0 {
            let count = min(left, contents.count)
            try append(contents[..<count])
            left -= count
        }
        try pad()
    }

    /// Two blocks of zeros are the end.
    mutating func finish() throws {
        try append([UInt8](repeating: 0, count: 2 * TarWriter.block)[...])
        try System.write(file, buffer[...], path)
        guard close(file) == 0 else { throw Failed.call("close", path) }
    }

    private mutating func header(_ name: String, size: Int, mode: Int, type: Unicode.Scalar) throws {
        let (prefix, rest) = try TarWriter.split(name)
        var fields: [UInt8] = []
        func text(_ value: String, _ width: Int) {
            fields += Array(value.utf8) + [UInt8](repeating: 0, count: width - value.utf8.count)
        }
        func octal(_ value: Int, _ width: Int) {
            let digits = String(value, radix: 8)
            text(String(repeating: "0", count: width - 1 - digits.utf8.count) + digits, width)
        }
        text(rest, 100)
        octal(mode, 8)
        octal(0, 8)  // user
        octal(0, 8)  // group
        octal(size, 12)
        octal(TarWriter.time, 12)
        let checksum = fields.count
        // > The checksum is the sum of all bytes of the header, where those of the checksum itself count as spaces.
        fields += [UInt8](repeating: UInt8(ascii: " "), count: 8)
        fields.append(UInt8(ascii: type))
        text("", 100)
        text("ustar", 6)
        text("00", 2)
        text("root", 32)
        text("root", 32)
        octal(0, 8)
        octal(0, 8)
        text(prefix, 155)
        text("", 12)
        let sum = String(fields.reduce(0) { $0 + Int($1) }, radix: 8)
        let digits = String(repeating: "0", count: 6 - sum.utf8.count) + sum
        fields.replaceSubrange(checksum..<checksum + 7, with: Array(digits.utf8) + [0])
        try append(fields[...])
    }

    /// A name of more than 100 bytes is cut at a slash, and what is before it stands in the prefix.
    private static func split(_ name: String) throws -> (prefix: String, rest: String) {
        let bytes = Array(name.utf8)
        guard bytes.count > 100 else { return ("", name) }
        let slashes = bytes.indices.filter {
            bytes[$0] == UInt8(ascii: "/") && $0 <= 155 && bytes.count - $0 - 1 <= 100
        }
        guard let slash = slashes.first(where: { $0 < bytes.count - 1 }) else {
            throw Failed("\(name): too long for ustar")
        }
        return (
            String(decoding: bytes[..<slash], as: UTF8.self), String(decoding: bytes[(slash + 1)...], as: UTF8.self)
        )
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws {
        buffer += bytes
        guard buffer.count >= TarWriter.bufferSize else { return }
        // Whole blocks only, so that what is left says how far the last one is from its end.
        let whole = buffer.count / TarWriter.block * TarWriter.block
        try System.write(file, buffer[..<whole], path)
        buffer.removeFirst(whole)
    }

    private mutating func pad() throws {
        let over = buffer.count % TarWriter.block
        if over > 0 { try append([UInt8](repeating: 0, count: TarWriter.block - over)[...]) }
    }
}
