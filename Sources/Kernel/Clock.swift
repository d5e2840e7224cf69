internal import Glibc

/// The clocks, in nanoseconds.
package enum Clock {
    /// CLOCK_REALTIME: since 1970; it steps.
    package static func wall() -> Int64 { read(CLOCK_REALTIME) }
    /// CLOCK_BOOTTIME: since boot, suspend included; it never steps.
    package static func boot() -> Int64 { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        let result = unsafe clock_gettime(clock, &time)
        precondition(result == 0, "clock_gettime: \(errno)")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The kernel's random name for this boot, `/proc/sys/kernel/random/boot_id`.
    package static func bootID() throws(SystemError) -> String {
        let file = try Descriptor(opening: Array("/proc/sys/kernel/random/boot_id".utf8), for: .reading)
        return String(decoding: try file.read(atMost: 64).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
