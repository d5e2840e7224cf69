import Glibc

/// A program that was started. One that nobody holds any more is killed: a workload that fails leaves no watcher behind.
final class Child {
    let pid: pid_t
    let words: [String]
    private let began: Double
    private var ended: Ended?

    /// How a program ended, and what it cost.
    struct Ended {
        /// The exit status; 128 and more is a signal, as in a shell.
        var status: Int32
        /// Seconds from before it was started until it was waited for.
        var wall: Double
        /// User and system, with what those it started and waited for have used, seconds.
        var cpu: Double
    }

    /// Where a stream goes.
    enum Stream {
        case null
        case inherited
        case file(String)
        case descriptor(Int32)
    }

    /// Starts the program `words[0]`, looked up in PATH where it has no slash.
    init(
        _ words: [String], output: Stream = .null, errors: Stream = .inherited, environment: [String: String] = [:],
        ownGroup: Bool = false
    ) throws {
        self.words = words
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe Child.direct(output, to: 1, &actions)
        unsafe Child.direct(errors, to: 2, &actions)

        // A supervisor blocks the signals it waits for; what it starts has to get them all the same.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | (ownGroup ? POSIX_SPAWN_SETPGROUP : 0)))

        let argv = unsafe words.map { unsafe strdup($0) } + [nil]
        let envp = unsafe Child.environment(environment).map { unsafe strdup($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        began = System.now
        let code = unsafe posix_spawnp(&pid, words[0], &actions, &attributes, argv, envp)
        guard code == 0 else { throw Failed("\(words[0]): \(unsafe String(cString: strerror(code)))") }
        self.pid = pid
    }

    deinit {
        signal(SIGKILL)
        if ended == nil { _ = reap(0) }
    }

    private static func direct(_ stream: Stream, to number: Int32, _ actions: inout posix_spawn_file_actions_t) {
        switch stream {
        case .inherited: break
        case .null: unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_WRONLY, 0)
        case .file(let path):
            unsafe posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        case .descriptor(let descriptor): unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
    }

    /// That of this process, in the C locale and without what would direct a `journal` elsewhere.
    private static func environment(_ changes: [String: String]) -> [String] {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let pair = unsafe String(cString: text).split(separator: "=", maxSplits: 1)
            if let name = pair.first { variables[String(name)] = pair.count > 1 ? String(pair[1]) : "" }
            unsafe entry += 1
        }
        for name in ["JOURNAL_DB", "NOTIFY_SOCKET", "WATCHDOG_USEC"] { variables[name] = nil }
        variables["LC_ALL"] = "C"
        variables.merge(changes) { $1 }
        return variables.map { "\($0)=\($1)" }
    }

    func signal(_ number: Int32) { if ended == nil { kill(pid, number) } }

    /// How it has ended, if it has.
    var end: Ended? { ended ?? reap(WNOHANG) }

    /// Waits until it has ended.
    @discardableResult
    func wait() throws -> Ended {
        guard let ended = ended ?? reap(0) else { throw Failed.call("wait4", words[0]) }
        return ended
    }

    private func reap(_ options: Int32) -> Ended? {
        var status: Int32 = 0
        var usage = rusage()
        var result: pid_t
        repeat { result = unsafe wait4(pid, &status, options, &usage) } while result == -1 && errno == EINTR
        guard result == pid else { return nil }
        let cpu = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        let number = status & 0x7f
        ended = Ended(
            status: number == 0 ? (status >> 8) & 0xff : 128 + number, wall: System.now - began, cpu: cpu)
        return ended
    }
}

extension Child {
    /// Runs a program to its end, which has to be a good one.
    @discardableResult
    static func run(_ words: [String], output: Stream = .null, errors: Stream = .inherited) throws -> Ended {
        let ended = try Child(words, output: output, errors: errors).wait()
        guard ended.status == 0 else {
            throw Failed("\(words.joined(separator: " ")): ended with status \(ended.status)")
        }
        return ended
    }

    /// What a program prints, and how it ended.
    static func output(
        _ words: [String], errors: Stream = .inherited, environment: [String: String] = [:]
    ) throws -> (bytes: [UInt8], ended: Ended) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw Failed.call("pipe", words[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let child: Child
        do {
            defer { close(ends[1]) }
            child = try Child(words, output: .descriptor(ends[1]), errors: errors, environment: environment)
        }
        return (System.contents(ends[0]), try child.wait())
    }
}
