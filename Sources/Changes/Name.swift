internal import Glibc

/// The name of a directory entry: any bytes but NUL and `/`, kept as they came.
///
/// Names never travel through `String`: `bad\xff` has to come out as it went in.
package struct Name: Hashable, Sendable, Comparable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }

    /// Eight bytes at a time: an array hashes itself element by element, which took longer than all else in a look-up.
    package func hash(into hasher: inout Hasher) {
        var word = UInt64(bytes.count)
        for (index, byte) in bytes.enumerated() {
            word = word << 8 | UInt64(byte)
            if index & 7 == 7 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
    }

    /// The order of `memcmp`, which is also SQLite's for names of one storage class.
    package static func < (a: Name, b: Name) -> Bool { precedes(a.bytes, b.bytes) }
}

/// The order of `memcmp`, and of a shorter one before a longer one; eight times as fast as to compare element by element.
func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    unsafe a.withUnsafeBytes { a in unsafe b.withUnsafeBytes { b in unsafe precedes(a, b) } }
}

/// The same for a part of the one.
func precedes(_ a: ArraySlice<UInt8>, _ b: [UInt8]) -> Bool {
    unsafe a.withUnsafeBytes { a in unsafe b.withUnsafeBytes { b in unsafe precedes(a, b) } }
}

private func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    // What is empty may have no address.
    let order = unsafe a.isEmpty || b.isEmpty ? 0 : memcmp(a.baseAddress!, b.baseAddress!, min(a.count, b.count))
    return order == 0 ? a.count < b.count : order < 0
}

/// An absolute, normalized path as bytes: `/srv/data`, no trailing slash, no `.` or `..`.
///
/// The directory `/` is the empty path, so that `path + "/" + name` is right for every entry.
package struct Path: Hashable, Sendable, Comparable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes == [slash] ? [] : bytes }
    package init(_ text: String) { self.init(Array(text.utf8)) }

    package static func < (a: Path, b: Path) -> Bool { precedes(a.bytes, b.bytes) }

    /// The bytes to show and to hand to system calls: `/` for the root directory.
    package var shown: [UInt8] { bytes.isEmpty ? [slash] : bytes }

    /// The path of the entry `name` of this directory.
    package func appending(_ name: Name) -> Path {
        var joined = bytes
        joined.reserveCapacity(bytes.count + 1 + name.bytes.count)
        joined.append(slash)
        joined.append(contentsOf: name.bytes)
        return Path(joined)
    }

    /// The directory that holds this path's entry; `/` for `/` itself.
    package var parent: Path {
        Path(Array(bytes[..<(bytes.lastIndex(of: slash) ?? 0)]))
    }

    /// The last component; empty for `/`.
    package var name: Name {
        Name(Array(bytes[(bytes.lastIndex(of: slash).map { $0 + 1 } ?? 0)...]))
    }

    /// Whether `other` is this path or lies below it, by components: `/srv/a` does not contain `/srv/ab`.
    package func contains(_ other: Path) -> Bool {
        other.bytes.starts(with: bytes) && (other.bytes.count == bytes.count || other.bytes[bytes.count] == slash)
    }

    /// What follows this directory and its slash in `other`, which it contains; empty for itself.
    package func relative(_ other: Path) -> [UInt8] { Array(other.bytes.dropFirst(bytes.count + 1)) }
}

/// The separator of components.
package let slash = UInt8(ascii: "/")

extension Collection where Element == UInt8 {
    /// The text these bytes are, or nil where they are not valid UTF-8.
    package var validText: String? { String(validating: self, as: UTF8.self) }
}
