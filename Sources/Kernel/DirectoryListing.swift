internal import CLinux
internal import Glibc

/// The names of one directory, sorted, and what statx(2) says of them: flat, without a heap object a name.
///
/// 50,000 directories of 20 files are a million names. With an array each, listing and sorting them took longer than the
/// kernel takes to tell what they are.
///
/// The order is the one in which SQLite keeps names: valid UTF-8 (TEXT) before other bytes (BLOB), each as memcmp(3) has
/// it. So a listing and the stored rows of a directory are compared by walking down both.
package struct DirectoryListing: Sendable {
    /// One name.
    package struct Item: Sendable {
        /// The first eight bytes as a big-endian number, by which nearly all names are told apart.
        fileprivate var prefix: UInt64
        fileprivate var start: Int
        fileprivate var count: UInt16
        /// Whether the name is valid UTF-8.
        package var isText: Bool

        /// Where the name lies in ``DirectoryListing/bytes``; a NUL follows.
        package var range: Range<Int> { start..<(start + Int(count)) }
    }

    /// The names, one behind the other.
    package private(set) var bytes: [UInt8] = []
    package private(set) var items: [Item] = []
    /// What the names from ``firstStatus`` on are; nil where statx(2) failed, and has to be asked again for the reason.
    private var statuses: [FileStatus?] = []
    private var firstStatus = 0

    package init() {}

    package var count: Int { items.count }

    /// The name as bytes of its own.
    package func name(_ index: Int) -> [UInt8] { Array(bytes[items[index].range]) }

    /// What a name is, if it is one of those that were looked at last.
    package func status(_ index: Int) -> FileStatus? {
        let position = index - firstStatus
        return statuses.indices.contains(position) ? statuses[position] : nil
    }

    /// Looks at some of the names, in place of those that were looked at before.
    package mutating func look(at range: Range<Int>, in directory: borrowing Descriptor) {
        statuses.removeAll(keepingCapacity: true)
        statuses.reserveCapacity(range.count)
        firstStatus = range.lowerBound
        let raw = directory.raw
        unsafe bytes.withUnsafeBytes { bytes in
            for item in items[range] {
                let name = unsafe bytes.baseAddress!.advanced(by: item.start).assumingMemoryBound(to: CChar.self)
                unsafe statuses.append(FileStatus(quickly: name, in: raw))
            }
        }
    }

    /// Where a name stands to another one: below 0 before it, 0 if they are the same, above 0 behind it.
    package func order(_ index: Int, _ isText: Bool, _ other: [UInt8], _ range: Range<Int>) -> Int {
        let item = items[index]
        if item.isText != isText { return item.isText ? -1 : 1 }
        let common = min(Int(item.count), range.count)
        let order = unsafe bytes.withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in
                unsafe memcmp(own.baseAddress! + item.start, other.baseAddress! + range.lowerBound, common)
            }
        }
        return order == 0 ? Int(item.count) - range.count : Int(order)
    }

    /// Adds a name as getdents64(2) gave it, with its NUL.
    fileprivate mutating func append(_ name: UnsafeRawBufferPointer) {
        var prefix: UInt64 = 0
        let high = unsafe name.reduce(0 as UInt8) { $0 | $1 }
        unsafe withUnsafeMutableBytes(of: &prefix) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: name.prefix(8)))
        }
        let isText = unsafe high < 0x80 || String(validating: name, as: UTF8.self) != nil
        items.append(
            Item(
                prefix: UInt64(bigEndian: prefix), start: bytes.count, count: UInt16(name.count), isText: isText))
        unsafe bytes.append(contentsOf: name)
        bytes.append(0)
    }

    fileprivate mutating func sort() {
        unsafe bytes.withUnsafeBytes { bytes in
            items.sort { a, b in
                if a.isText != b.isText { return a.isText }
                if a.prefix != b.prefix { return a.prefix < b.prefix }
                let order = unsafe memcmp(
                    bytes.baseAddress! + a.start, bytes.baseAddress! + b.start, Int(min(a.count, b.count)))
                return order == 0 ? a.count < b.count : order < 0
            }
            // A name that is renamed while its directory is read can come twice.
            var last: Item?
            items.removeAll { item in
                defer { last = item }
                guard let last, last.prefix == item.prefix, last.count == item.count else { return false }
                return unsafe memcmp(
                    bytes.baseAddress! + last.start, bytes.baseAddress! + item.start, Int(item.count)) == 0
            }
        }
    }

    fileprivate mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        statuses.removeAll(keepingCapacity: true)
        firstStatus = 0
    }
}

/// Reads a directory with getdents64(2), in blocks.
///
/// The corresponding C structure is `linux_dirent64`: inode (8), offset (8), record length (2), type (1), name.
@safe package struct DirectoryReader: ~Copyable {
    private let block: UnsafeMutableRawBufferPointer

    /// Bytes of a block: about 1,000 entries, so that a directory of usual size takes two calls.
    private static let blockSize = 32 * 1024

    package init() {
        unsafe block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockSize, alignment: 8)
    }

    deinit { unsafe block.deallocate() }

    /// Reads the names of all entries but `.` and `..`, sorted.
    package borrowing func names(in directory: borrowing Descriptor) throws(SystemError) -> DirectoryListing {
        var listing = DirectoryListing()
        try read(directory, into: &listing)
        return listing
    }

    /// The same into a listing that was used before.
    package borrowing func read(
        _ directory: borrowing Descriptor, into listing: inout DirectoryListing
    ) throws(SystemError) {
        listing.removeAll()
        let raw = directory.raw
        while true {
            let count = try check("getdents64") {
                unsafe clinux_getdents64(raw, block.baseAddress, UInt(Self.blockSize))
            }
            if count == 0 { break }
            var offset = 0
            while offset < count {
                let length = unsafe Int(block.load(fromByteOffset: offset + 16, as: UInt16.self))
                let name = unsafe block.baseAddress!.advanced(by: offset + 19).assumingMemoryBound(to: CChar.self)
                let bytes = unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
                let isDot =
                    unsafe bytes[0] == UInt8(ascii: ".")
                    && (bytes.count == 1 || (bytes.count == 2 && bytes[1] == UInt8(ascii: ".")))
                if !isDot { unsafe listing.append(bytes) }
                offset += length
            }
        }
        listing.sort()
    }
}
