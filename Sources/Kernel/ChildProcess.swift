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
        _ words: [[UInt8]], input: MemoryFile?, environment: [(name: String, value: [UInt8])],
        lock: NameLock
    ) throws(SystemError) {
        Self.waitForSignals()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input { unsafe posix_spawn_file_actions_adddup2(&actions, input.raw, STDIN_FILENO) }
        // > If fildes and newfildes are equal, then the action shall ensure that newfildes is inherited by the new process
        // > with FD_CLOEXEC clear (posix_spawn_file_actions_adddup2, POSIX.1-2024)
        unsafe posix_spawn_file_actions_adddup2(&actions, lock.raw, lock.raw)

        // exec(3) keeps blocked and ignored signals so; a program expects neither.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var ignored = sigset_t()
        unsafe sigemptyset(&ignored)
        unsafe sigaddset(&ignored, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &ignored)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let argv = unsafe words.map { unsafe Self.copy($0) } + [nil]
        let envp = unsafe Self.environment(environment).map { unsafe Self.copy($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawnp(&pid, argv[0]!, &actions, &attributes, argv, envp)
        guard code == 0 else { throw SystemError("run", words[0], errno: code) }
        self.pid = pid
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
            guard try check("waitpid", nil, { unsafe waitpid(pid, &status, WNOHANG) }) == pid else { continue }
            let signal = status & 0x7F
            return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
        }
    }

    /// SIGCHLD that is ignored, as some parents leave it, would leave no status to wait for.
    private static func waitForSignals() {
        signal(SIGCHLD, SIG_DFL)
        var set = signals
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }

    /// A C string that the caller frees.
    private static func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
        unsafe withCString(bytes) { unsafe strdup($0) }
    }

    private static func environment(_ changes: [(name: String, value: [UInt8])]) -> [[UInt8]] {
        var variables: [[UInt8]] = []
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            variables.append(unsafe (0..<strlen(text)).map { unsafe UInt8(bitPattern: text[$0]) })
            unsafe entry += 1
        }
        for (name, value) in changes {
            let prefix = Array("\(name)=".utf8)
            variables.removeAll { $0.starts(with: prefix) }
            variables.append(prefix + value)
        }
        return variables
    }
}
