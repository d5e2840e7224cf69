internal import Glibc

/// The clocks, in nanoseconds.
package enum Clock {
    /// Since 1970, by CLOCK_REALTIME: it can be set back, and is a label only.
    package static func wall() -> Int64 { read(CLOCK_REALTIME) }

    /// Since boot and through suspend, by CLOCK_BOOTTIME: nobody sets it.
    package static func boot() -> Int64 { read(CLOCK_BOOTTIME) }

    /// Which boot this is: /proc/sys/kernel/random/boot_id.
    package static func bootID() throws(SystemError) -> String {
        let path = "/proc/sys/kernel/random/boot_id"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", Array(path.utf8)) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .last("read", Array(path.utf8)) }
        return String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// clock_gettime(2) fails only for clocks that do not exist, and these two always do.
    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
