internal import Glibc

/// A program that this one runs and waits for.
///
/// While it runs, signals are something to wait for: one that was sent to this process alone is passed on, since whoever sent
/// it means the work that is being done. What a terminal sends it sends to both. Either way the program's end is waited for.
package struct ChildProcess {
    private let pid: pid_t

    /// How a program ended.
    package enum End: Hashable, Sendable {
        case exited(Int32)
        /// By this signal.
        case killed(Int32)

        init(_ status: Int32) {
            let signal = status & 0x7F
            self = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
        }

        /// As a shell has it in `$?`.
        package var status: Int32 {
            switch self {
            case .exited(let status): status
            case .killed(let signal): 128 + signal
            }
        }
    }

    /// Starts the program `words[0]`, looked up in PATH where it has no slash, with `environment` in place of variables of the
    /// same names. Its stdin is `input`, from the start of the file, or ours. It gets a descriptor of `lock` as well, and so
    /// holds what is locked by it until it has ended, whatever becomes of us.
    package init(
        _ words: [[UInt8]], input: ListFile?, environment: [(name: String, value: [UInt8])], lock: NameLock
    ) throws(SystemError) {
        // SIGCHLD that is ignored, as some parents leave it, would leave no status to wait for.
        signal(SIGCHLD, SIG_DFL)
        var set = Self.signals
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        pid = try unsafe spawn(words, environment: environment) { actions in
            if let input { unsafe posix_spawn_file_actions_adddup2(&actions, input.raw, STDIN_FILENO) }
            // > If fildes and newfildes are equal, then the action shall ensure that newfildes is inherited by the new
            // > process with FD_CLOEXEC clear (posix_spawn_file_actions_adddup2, POSIX.1-2024)
            unsafe posix_spawn_file_actions_adddup2(&actions, lock.raw, lock.raw)
        }
    }

    /// Runs a program to its end, with the environment, stdin and stderr of this one, and returns what it wrote to stdout too.
    package static func output(of words: [[UInt8]]) throws(SystemError) -> (end: End, output: [UInt8]) {
        var ends: [Int32] = [-1, -1]
        _ = try check("pipe") { unsafe pipe(&ends) }
        let reading = Descriptor(raw: ends[0])
        let writing = Descriptor(raw: ends[1])
        for end in ends { _ = try check("fcntl F_SETFD") { fcntl(end, F_SETFD, FD_CLOEXEC) } }
        let raw = writing.raw
        let pid = try unsafe spawn(words) { unsafe posix_spawn_file_actions_adddup2(&$0, raw, STDOUT_FILENO) }
        writing.close()
        var output: [UInt8] = []
        while true {
            let bytes = try reading.read(atMost: 65_536)
            if bytes.isEmpty { break }
            output += bytes
        }
        var status: Int32 = 0
        _ = try check("waitpid", words[0]) { unsafe waitpid(pid, &status, 0) }
        return (End(status), output)
    }

    /// Waits for its end, once.
    package consuming func wait() throws(SystemError) -> End {
        while true {
            var set = Self.signals
            var about = unsafe siginfo_t()
            let number = try check("sigwaitinfo") { unsafe sigwaitinfo(&set, &about) }
            guard number == SIGCHLD else {
                // > SI_USER: kill(2). SI_KERNEL: Sent by the kernel (sigaction(2)). Those of processes are not positive.
                if unsafe about.si_code <= 0 { kill(pid, number) }
                continue
            }
            var status: Int32 = 0
            let pid = pid
            if try check("waitpid", nil, { unsafe waitpid(pid, &status, WNOHANG) }) == pid { return End(status) }
        }
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }
}
