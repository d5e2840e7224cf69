import CTestLinux
import Foundation

/// Programs run to their end, with what they printed.
enum Program {
    /// How a program ended, and what it said.
    struct Output: CustomStringConvertible {
        var command: String
        /// The exit status; 128 and more is a signal, as in a shell.
        var status: Int32
        var bytes: [UInt8]
        var errorBytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var errors: String { String(decoding: errorBytes, as: UTF8.self) }
        var lines: [Substring] { text.split(separator: "\n") }

        var description: String {
            let shown = Bytes(bytes.prefix(4000)).description.replacing("\\n", with: "\n").replacing("\\s", with: " ")
            return "$ \(command)\n\(shown)\n[stderr] \(errors)[status \(status)]"
        }
    }

    /// The program ran longer than it may.
    struct Overtime: Error, CustomStringConvertible {
        var description: String
    }

    /// Runs `executable` (looked up in PATH where it has no slash) and waits for it to end.
    static func run(
        _ executable: Bytes, _ arguments: [Bytes] = [], environment: [String: String] = [:], directory: Bytes? = nil,
        input: [UInt8] = [], timeout: Duration = .seconds(60)
    ) throws -> Output {
        let child = try Child(executable, arguments, environment: environment, directory: directory, input: input)
        guard let status = child.wait(timeout) else {
            child.signal(SIGKILL)
            _ = child.wait(.seconds(10))
            throw Overtime(description: "killed after \(timeout): \(child.output(status: 128 + SIGKILL))")
        }
        return child.output(status: status)
    }

    /// The `journal` that was built along with these tests, or the one JOURNAL_BINARY names.
    static let journal: Bytes = {
        if let path = ProcessInfo.processInfo.environment["JOURNAL_BINARY"] { return Bytes(path) }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let beside = Bytes(buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }).parent / "journal"
        if beside.withCString({ access($0, X_OK) }) == 0 { return beside }
        // Run by a program that loads the tests as a library: the build's directory is the one of the test bundle.
        return Bytes(Bundle.module.bundlePath).parent / "journal"
    }()
}

/// A program that runs: the output is kept in memory files, so that no pipe can fill and stall it.
final class Child: @unchecked Sendable {
    let pid: pid_t
    private let command: String
    private let out: Int32
    private let err: Int32
    /// Guards `ended`: written once by the thread that reaps, read by those who wait.
    private let condition = NSCondition()
    private var ended: Int32?

    init(
        _ executable: Bytes, _ arguments: [Bytes] = [], environment: [String: String] = [:], directory: Bytes? = nil,
        input: [UInt8] = []
    ) throws {
        let words = (directory.map { ["env", "-C", $0] } ?? []) + [executable] + arguments
        command = words.map(\.description).joined(separator: " ")
        out = try SystemError.check(test_memfd("stdout"), "memfd_create")
        err = try SystemError.check(test_memfd("stderr"), "memfd_create")
        let standardInput = try SystemError.check(test_memfd("stdin"), "memfd_create")
        defer { close(standardInput) }
        try Sys.write(standardInput, input, "stdin")
        lseek(standardInput, 0, SEEK_SET)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, standardInput, 0)
        posix_spawn_file_actions_adddup2(&actions, out, 1)
        posix_spawn_file_actions_adddup2(&actions, err, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that a shell's children end with it; and no signal masks of the test runner.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)

        var variables = ProcessInfo.processInfo.environment
        for name in ["JOURNAL_DB", "NOTIFY_SOCKET"] { variables[name] = nil }
        if Sanitizer.name == nil { variables["LD_PRELOAD"] = nil }
        variables.merge(environment) { $1 }
        let argv = words.map { bytes in bytes.withCString { strdup($0) } } + [nil]
        let envp = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let code = words[0].withCString { posix_spawnp(&pid, $0, &actions, &attributes, argv, envp) }
        if code != 0 {
            close(out)
            close(err)
            throw SystemError("spawn", executable, code: code)
        }
        self.pid = pid
        Thread.detachNewThread { [self] in reap() }
    }

    deinit {
        close(out)
        close(err)
    }

    private func reap() {
        // It stays a zombie until nobody can signal it any more: its number may be another's at once.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
        Sanitizer.look(at: (try? Sys.read(err)) ?? [], of: command)
        condition.withLock {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
            ended = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
            condition.broadcast()
        }
    }

    /// The exit status, or nil where the program still runs when `timeout` is over.
    func wait(_ timeout: Duration) -> Int32? {
        let timeout = timeout * Sanitizer.patience
        let limit = Date(
            timeIntervalSinceNow: Double(timeout.components.seconds) + 1e-18 * Double(timeout.components.attoseconds))
        return condition.withLock {
            while ended == nil { if !condition.wait(until: limit) { break } }
            return ended
        }
    }

    var isRunning: Bool { condition.withLock { ended == nil } }

    /// Signals the program and what it started; does nothing once it has been reaped.
    func signal(_ number: Int32) {
        condition.withLock { if ended == nil { kill(-pid, number) } }
    }

    /// What it has printed so far.
    func output(status: Int32) -> Program.Output {
        Program.Output(
            command: command, status: status, bytes: (try? Sys.read(out)) ?? [],
            errorBytes: (try? Sys.read(err)) ?? [])
    }
}
