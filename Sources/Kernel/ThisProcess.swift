internal import Glibc

/// What this process was started with.
package enum ThisProcess {
    /// The value of an environment variable as bytes; nil where it is unset.
    package static func environment(_ name: String) -> [UInt8]? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe (0..<strlen(value)).map { unsafe UInt8(bitPattern: value[$0]) }
    }

    /// The command line, with the program's name: bytes, of which `CommandLine.arguments` repairs what is not UTF-8.
    package static var arguments: [[UInt8]] {
        (0..<Int(CommandLine.argc)).map { index in
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { return [] }
            return unsafe (0..<strlen(argument)).map { unsafe UInt8(bitPattern: argument[$0]) }
        }
    }

    /// Opens those of stdin, stdout and stderr that are closed. Otherwise the next file to be opened has their number, and
    /// what is printed goes into it: a message of `journal watch >&- 2>&-` would be written over the database.
    ///
    /// They are opened the other way round, on /dev/null, so that reading or writing them fails as it does where they are
    /// closed. Ends the process where not even that can be had.
    package static func holdStandardDescriptors() {
        for (descriptor, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free, which is this one. It stays open in programs that this one starts.
            if unsafe Glibc.open("/dev/null", mode) != descriptor { exit(EX_IOERR) }
        }
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
