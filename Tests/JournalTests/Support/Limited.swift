/// What the kernel gives to a user, limited for one program: a name space of the user's own has limits of its own, so that
/// nobody else is refused anything.
enum Limited: String {
    case watches = "/proc/sys/user/max_inotify_watches"
    case instances = "/proc/sys/user/max_inotify_instances"

    /// The command that runs another with so many; nil where there is none such here, which is said.
    static func to(_ number: Int, _ kind: Limited) throws -> [Bytes]? {
        let limited: [Bytes] = [
            "unshare", "--user", "--map-root-user", "sh", "-c",
            Bytes("echo \(number) > \(kind.rawValue) && exec \"$@\""), "sh",
        ]
        guard try Program.run(limited[0], limited.dropFirst() + ["true"]).status == 0 else {
            try Skipped.note("no user name spaces, or no limit in them")
            return nil
        }
        return limited
    }
}
