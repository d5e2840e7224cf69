internal import CLinux

/// A lock on a name, among all processes that use the same lock file: one byte of it (F_OFD_SETLK), far behind what is in it,
/// at a place that the name's hash says. Two names that share a byte, of 2⁶⁰, lock each other out; nothing else comes of it.
///
/// The lock belongs to the open file. So programs that inherit the descriptor hold it too, and where nobody lets go of it, it is
/// free when the last of them has ended.
package final class NameLock: Sendable {
    private let descriptor: Descriptor
    private let place: Int64

    /// Takes the lock. Nil where another process holds it.
    package init?(_ name: [UInt8], in file: [UInt8]) throws(SystemError) {
        let descriptor = try Descriptor(opening: file, for: .writing)
        let raw = descriptor.raw
        let place = Self.place(of: name)
        do throws(SystemError) {
            _ = try check("fcntl F_OFD_SETLK", file) { clinux_lock_byte(raw, place) }
        } catch  where error.isWouldBlock {
            return nil
        }
        self.descriptor = descriptor
        self.place = place
    }

    var raw: Int32 { descriptor.raw }

    /// Lets go of it, also for those that inherited it.
    package func release() {
        // Letting go of a lock that one holds does not fail.
        _ = clinux_unlock_byte(descriptor.raw, place)
    }

    /// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv), of which 60 are kept.
    private static func place(of name: [UInt8]) -> Int64 {
        let hash = name.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return 1 << 61 | Int64(hash >> 4)
    }
}
