internal import Glibc

/// What this process was started with.
package enum ThisProcess {
    /// The value of an environment variable as bytes; nil where it is unset.
    package static func environment(_ name: String) -> [UInt8]? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe (0..<strlen(value)).map { unsafe UInt8(bitPattern: value[$0]) }
    }

    /// The bytes of the argument that Swift spells `text`. `CommandLine.arguments` repairs what is not UTF-8, which
    /// for a path means another path; where two arguments come out the same, no one can say which was meant.
    package static func bytes(ofArgument text: String) -> [UInt8] {
        var found: Set<[UInt8]> = []
        for index in 0..<Int(CommandLine.argc) {
            let bytes = bytes(ofArgumentAt: index)
            if String(decoding: bytes, as: UTF8.self) == text { found.insert(bytes) }
        }
        return found.count == 1 ? found.first! : Array(text.utf8)
    }

    /// What stands behind the first `--` of the command line, as bytes.
    package static var argumentsBehindTerminator: [[UInt8]] {
        guard let terminator = CommandLine.arguments.firstIndex(of: "--") else { return [] }
        return (terminator + 1..<Int(CommandLine.argc)).map { bytes(ofArgumentAt: $0) }
    }

    private static func bytes(ofArgumentAt index: Int) -> [UInt8] {
        guard let argument = unsafe CommandLine.unsafeArgv[index] else { return [] }
        return unsafe (0..<strlen(argument)).map { unsafe UInt8(bitPattern: argument[$0]) }
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

    /// Processors that are online.
    package static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// How many descriptors it may have open: the soft RLIMIT_NOFILE.
    package static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Sleeps, by nanosleep(2); a signal ends it early.
    package static func sleep(nanoseconds: Int64) {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe _ = nanosleep(&time, nil)
    }
}
