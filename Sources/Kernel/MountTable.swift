internal import Glibc

/// The mounts that this process sees, from proc(5)'s `/proc/self/mountinfo`.
///
/// A mount makes no event on the directory it covers, and neither does its end (fact 51). But this file tells poll(2):
///
/// > Since Linux 2.6.30, a change in this file (i.e., a filesystem mount or unmount) causes poll(2) to mark the file
/// > descriptor as having a priority event (POLLPRI).
///
/// The kernel counts the change before mount(2) or umount(2) returns, so whoever asks afterwards is answered after it.
///
/// It is no use to compare lines: another file system in place of one that was unmounted has the same device number, and even
/// the same mount ID, because both are used again at once.
package struct MountTable: ~Copyable {
    private let descriptor: Descriptor
    private var points: Set<[UInt8]> = []

    /// Reads the table as it is now.
    package init() throws(SystemError) {
        let file = try Descriptor(opening: Array("/proc/self/mountinfo".utf8), for: .reading)
        points = try MountTable.read(file)
        descriptor = file
    }

    /// Where something is or was mounted, if anything came or went since the last time; nil nearly always, at the cost of one
    /// poll(2).
    package mutating func changedPoints() throws(SystemError) -> Set<[UInt8]>? {
        guard try Readiness.hasPriorityEvent(descriptor.raw) else { return nil }
        let before = points
        points = try MountTable.read(descriptor)
        return before.union(points)
    }

    private static func read(_ file: borrowing Descriptor) throws(SystemError) -> Set<[UInt8]> {
        let raw = file.raw
        // A table that changes while it is read makes another priority event, after which it is read again.
        _ = try check("lseek") { lseek(raw, 0, SEEK_SET) }
        var text: [UInt8] = []
        while true {
            let bytes = try file.read(atMost: 65_536)
            if bytes.isEmpty { break }
            text += bytes
        }
        return Set(text.split(separator: UInt8(ascii: "\n")).compactMap { point($0) })
    }

    /// The fifth field of a line. Blanks, tabs, newlines and backslashes stand in it as `\040` and the like.
    static func point(_ line: some Collection<UInt8>) -> [UInt8]? {
        let fields = Array(line).split(separator: UInt8(ascii: " "), maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count > 5 else { return nil }
        var point: [UInt8] = []
        var rest = fields[4]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                point.append(value)
                rest = rest.dropFirst(3)
            } else {
                point.append(byte)
            }
        }
        return point
    }
}
