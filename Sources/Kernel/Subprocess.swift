internal import Glibc

/// A program that is run to its end, with the environment, stdin and stderr of this one.
package enum Subprocess {
    /// Runs the program `words[0]`, looked up in PATH where it has no slash, in the directory of this process. Returns its exit
    /// status (128 and more is a signal, as in a shell) and what it wrote to stdout.
    package static func run(_ words: [[UInt8]]) throws(SystemError) -> (status: Int32, output: [UInt8]) {
        var ends: [Int32] = [-1, -1]
        _ = try check("pipe") { unsafe pipe(&ends) }
        let reading = Descriptor(raw: ends[0])
        let writing = Descriptor(raw: ends[1])
        for end in ends { _ = try check("fcntl F_SETFD") { fcntl(end, F_SETFD, FD_CLOEXEC) } }
        let pid = try start(words, output: writing)
        writing.close()
        var output: [UInt8] = []
        while true {
            let bytes = try reading.read(atMost: 65_536)
            if bytes.isEmpty { break }
            output += bytes
        }
        var status: Int32 = 0
        _ = try check("waitpid", words[0]) { unsafe waitpid(pid, &status, 0) }
        return (status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), output)
    }

    private static func start(_ words: [[UInt8]], output: borrowing Descriptor) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output.raw, STDOUT_FILENO)
        // A pipe whose reader has left ends a program by a signal, unless it inherits that we ignore that.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = unsafe words.map { word in
            unsafe withCString(word) { unsafe strdup($0) }
        }
        unsafe argv.append(nil)
        defer { for unsafeword in unsafe argv { unsafe free(word) } }
        var pid: pid_t = 0
        // It returns the number of the error, and -1 never.
        let code = unsafe posix_spawnp(&pid, argv[0]!, &actions, &attributes, argv, environ)
        guard code == 0 else { throw SystemError("spawn", words[0], errno: code) }
        return pid
    }
}
