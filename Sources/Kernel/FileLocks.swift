internal import CLinux

/// Who has locked a file, as /proc/locks tells: without opening it, which for one of SQLite's would drop the locks that this
/// process has on it, and without trying to lock it, which could be in somebody's way.
package enum FileLocks {
    package enum Kind: String, Sendable {
        /// fcntl(2) F_SETLK.
        case posix = "POSIX"
        /// flock(2), always of all bytes.
        case flock = "FLOCK"
    }

    /// The processes, of those this one can see, with locks within `bytes` of the file; each once, by number.
    package static func holders(
        of path: [UInt8], _ kind: Kind, bytes: ClosedRange<Int64> = 0...0
    ) throws(SystemError) -> [Int] {
        let file = try FileStatus(at: path)
        let id = "\(try device(of: file, at: path)):\(file.inode)"
        var holders: Set<Int> = []
        for line in try lines("/proc/locks") {
            // 7: POSIX  ADVISORY  READ 4711 00:1a:12345 123 123
            let words = line.split(separator: " ")
            guard words.count >= 8, words[1] == kind.rawValue, words[5] == id, let pid = Int(words[4]), pid > 0,
                let first = Int64(words[6]), first <= bytes.upperBound,
                (Int64(words[7]) ?? .max) >= bytes.lowerBound
            else { continue }
            holders.insert(pid)
        }
        return holders.sorted()
    }

    /// What a process calls itself (/proc/PID/comm); nil where it has ended, or is not to be seen.
    package static func program(of pid: Int) -> [UInt8]? {
        do throws(SystemError) {
            let file = try Descriptor(opening: Array("/proc/\(pid)/comm".utf8), for: .reading)
            return Array(try file.read(atMost: 64).prefix { $0 != UInt8(ascii: "\n") })
        } catch {
            return nil
        }
    }

    /// The device of the file's mount, in the hexadecimal of /proc/locks. It is the superblock's, which on btrfs and
    /// overlayfs is not `st_dev`.
    private static func device(of file: FileStatus, at path: [UInt8]) throws(SystemError) -> String {
        var mount: UInt64 = 0
        _ = try check("statx", path) { unsafe withCString(path) { unsafe clinux_mount_number($0, &mount) } }
        var (major, minor) = (UInt64(clinux_major(file.device)), UInt64(clinux_minor(file.device)))
        for line in try lines("/proc/self/mountinfo") {
            // 36 35 98:0 /mnt1 /mnt2 …
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, UInt64(words[0]) == mount else { continue }
            let numbers = words[2].split(separator: ":").compactMap { UInt64($0) }
            if numbers.count == 2 { (major, minor) = (numbers[0], numbers[1]) }
        }
        return "\(hex(major)):\(hex(minor))"
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return digits.utf8.count < 2 ? "0" + digits : digits
    }

    private static func lines(_ path: String) throws(SystemError) -> [Substring] {
        let file = try Descriptor(opening: Array(path.utf8), for: .reading)
        var all: [UInt8] = []
        while true {
            let bytes = try file.read(atMost: 65_536)
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self).split(separator: "\n") }
            all += bytes
        }
    }
}
