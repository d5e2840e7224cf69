internal import Glibc

/// What this process was started with.
package enum ThisProcess {
    /// The value of an environment variable as bytes; nil where it is unset.
    package static func environment(_ name: String) -> [UInt8]? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe (0..<strlen(value)).map { unsafe UInt8(bitPattern: value[$0]) }
    }

    /// Whether files are opened as root.
    package static var isRoot: Bool { geteuid() == 0 }

    /// The effective user.
    package static var user: UInt32 { geteuid() }
    package static var id: Int { Int(getpid()) }

    /// Whether stderr is a terminal, by isatty(3).
    package static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Whether stdout is a terminal, by isatty(3).
    package static var standardOutputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Sleeps, by nanosleep(2); a signal ends it early.
    package static func sleep(nanoseconds: Int64) {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe _ = nanosleep(&time, nil)
    }
}
