internal import Glibc

/// Starts the program `words[0]`, looked up in PATH where it has no slash, by posix_spawnp(3): with `environment` in place of
/// variables of the same names, and with descriptors as `direct` says.
///
/// exec(3) keeps signals that are blocked or ignored so, and a program expects neither.
func spawn(
    _ words: [[UInt8]], environment: [(name: String, value: [UInt8])] = [],
    _ direct: (inout posix_spawn_file_actions_t) -> Void
) throws(SystemError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe direct(&actions)

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

    let argv = unsafe words.map { unsafe copy($0) } + [nil]
    let envp = unsafe variables(environment).map { unsafe copy($0) } + [nil]
    defer { unsafe (argv + envp).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    // It returns the number of the error, and -1 never.
    let code = unsafe posix_spawnp(&pid, argv[0]!, &actions, &attributes, argv, envp)
    guard code == 0 else { throw SystemError("run", words[0], errno: code) }
    return pid
}

/// A C string that the caller frees.
private func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
    unsafe withCString(bytes) { unsafe strdup($0) }
}

private func variables(_ changes: [(name: String, value: [UInt8])]) -> [[UInt8]] {
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
