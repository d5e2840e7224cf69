/// The kernel's limits on inotify, as /proc/sys/fs/inotify has them; nil where they cannot be read.
package enum Sysctl {
    /// The watches of a user, shared by all the user's programs.
    package static var inotifyWatches: Int? { read("max_user_watches") }
    /// The instances of a user, shared by all the user's programs.
    package static var inotifyInstances: Int? { read("max_user_instances") }

    private static func read(_ name: String) -> Int? {
        guard let file = try? Descriptor(opening: Array("/proc/sys/fs/inotify/\(name)".utf8), for: .reading),
            let bytes = try? file.read(atMost: 64)
        else { return nil }
        return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
