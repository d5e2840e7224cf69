internal import CLinux
internal import Glibc

/// The file whose lock makes its holder the only writer, by flock(2): the kernel lets go of it when the holder dies.
///
/// It holds two lines, the holder's PID and a nonce, in a fixed number of bytes and written at once, so that no crash
/// leaves it half empty.
package final class LockFile: Sendable {
    private let descriptor: Descriptor
    /// The nonce as it was found; nil in a new file.
    package let nonce: String?
    /// Which file it is, for as long as nobody takes its name away.
    package let file: FileStatus

    /// Takes the lock. Nil where another process holds it.
    package init?(at path: [UInt8]) throws(SystemError) {
        let descriptor = try Descriptor(opening: path, for: .writing)
        let raw = descriptor.raw
        do throws(SystemError) {
            _ = try check("flock", path) { clinux_lock(raw) }
        } catch  where error.isWouldBlock {
            return nil
        }
        file = try FileStatus(of: descriptor)
        nonce = try LockFile.lines(descriptor).dropFirst().first.map(String.init)
        self.descriptor = descriptor
    }

    /// Writes this process's PID and a nonce, down to the disk.
    package func write(nonce: String) throws(SystemError) {
        let pid = String(getpid())
        let text = String(repeating: " ", count: max(0, 10 - pid.utf8.count)) + pid + "\n" + nonce + "\n"
        let bytes = Array(text.utf8)
        let raw = descriptor.raw
        _ = try check("pwrite") { unsafe bytes.withUnsafeBytes { unsafe pwrite(raw, $0.baseAddress!, $0.count, 0) } }
        _ = try check("ftruncate") { ftruncate(raw, bytes.count) }
        _ = try check("fsync") { fsync(raw) }
    }

    /// The PID in a lock file that another process holds; nil where it says none.
    package static func holder(of path: [UInt8]) throws(SystemError) -> Int? {
        try lines(Descriptor(opening: path, for: .reading)).first.flatMap { Int($0.drop { $0 == " " }) }
    }

    private static func lines(_ file: borrowing Descriptor) throws(SystemError) -> [Substring] {
        String(decoding: try file.read(atMost: 256), as: UTF8.self).split(separator: "\n")
    }
}

/// A file that its writer holds for itself, besides the lock file: a lock file that somebody deletes, and a second name of the
/// file, would each let in a second writer.
///
/// The lock is one on a byte of the file (F_OFD_SETLK), far behind those that SQLite locks. It has to be let go of after SQLite
/// is done with the file: closing a descriptor of it drops the locks that SQLite holds in this process.
package final class HeldFile: Sendable {
    private let descriptor: Descriptor
    package let file: FileStatus

    /// SQLite locks bytes from 2³⁰ on (https://sqlite.org/fileformat2.html, the lock-byte page).
    private static let lockedByte: Int64 = 1 << 62

    /// Opens the file, made with mode 0640 where it is not there, and locks it. Nil where another process holds it.
    package init?(at path: [UInt8]) throws(SystemError) {
        let descriptor = try Descriptor(opening: path, for: .writing)
        let raw = descriptor.raw
        do throws(SystemError) {
            _ = try check("fcntl F_OFD_SETLK", path) { clinux_lock_byte(raw, Self.lockedByte) }
        } catch  where error.isWouldBlock {
            return nil
        }
        file = try FileStatus(of: descriptor)
        self.descriptor = descriptor
    }
}

/// What new files may be.
package enum FileMode {
    /// umask(2) 027: names are private data, for the owner and a group. SQLite makes its files with what this leaves.
    package static func keepPrivate() { umask(0o027) }

    /// mkdir(2) of a directory and of those above it that are missing, each with mode 0750.
    package static func makeDirectories(_ path: [UInt8]) throws(SystemError) {
        do throws(SystemError) {
            _ = try check("mkdir", path) { unsafe withCString(path) { unsafe mkdir($0, 0o750) } }
        } catch  where error.isExisting {
            return
        } catch  where error.isMissing {
            guard let end = path.lastIndex(of: UInt8(ascii: "/")), end > 0 else { throw error }
            try makeDirectories(Array(path[..<end]))
            _ = try check("mkdir", path) { unsafe withCString(path) { unsafe mkdir($0, 0o750) } }
        }
    }
}
