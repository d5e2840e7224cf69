internal import CLinux
internal import Glibc

/// A stream socket in the file system, beside a file it belongs to.
///
/// sun_path has 108 bytes, and a directory's path may be longer: the socket is named through /proc/self/fd, so only its
/// own name has to fit.
package struct ListeningSocket: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Which file it is, for as long as nobody takes its name away: device and inode.
    package let file: FileStatus

    /// Binds a new socket of mode 0660 and, where this process may do that, of `group`, in place of whatever has its name. The
    /// caller holds the lock that makes sure that this is nobody's who is alive.
    package init(at path: [UInt8], group: UInt32) throws(SystemError) {
        let place = try Place(path)
        do throws(SystemError) {
            _ = try check("unlink", path) { unsafe withCString(place.name) { unsafe unlink($0) } }
        } catch  where error.isMissing {}
        let raw = try check("socket") { clinux_socket(Int32(SOCK_STREAM.rawValue)) }
        let descriptor = Descriptor(raw: raw)
        // bind(2) gives the file the mode of the socket but for the umask, so that it never has another one: a chmod(2) by
        // name could hit what somebody put there meanwhile. Only this thread makes files, so the umask is its own.
        _ = try check("fchmod") { fchmod(raw, 0o660) }
        let mask = umask(0o117)
        defer { umask(mask) }
        _ = try check("bind", path) { unsafe withCString(place.name) { unsafe clinux_unix_bind(raw, $0) } }
        do throws(SystemError) {
            _ = try check("chown", path) {
                unsafe withCString(place.name) { unsafe fchownat(AT_FDCWD, $0, uid_t.max, group, AT_SYMLINK_NOFOLLOW) }
            }
        } catch  where error.isForbidden {
            // The group of the database is none of ours: then its members read, and only the owner asks.
        }
        _ = try check("listen", path) { listen(raw, 64) }
        file = try FileStatus(at: path)
        self.descriptor = descriptor
    }

    /// Makes ``accept()`` fail, which waits in another thread.
    package borrowing func stop() { shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

    /// Waits for a client.
    package borrowing func accept() throws(SystemError) -> Connection {
        let raw = descriptor.raw
        return Connection(Descriptor(raw: try check("accept") { clinux_accept(raw) }))
    }

    /// A path as sun_path takes it.
    struct Place: ~Copyable {
        let name: [UInt8]
        /// Open for as long as the name is used.
        private let directory: Descriptor

        init(_ path: [UInt8]) throws(SystemError) {
            let cut = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
            directory = try Descriptor(opening: cut == 0 ? [UInt8(ascii: "/")] : Array(path[..<cut]), for: .anchor)
            name = Array("/proc/self/fd/\(directory.raw)".utf8) + path[cut...]
        }
    }
}

/// One end of a conversation over a local socket.
package struct Connection: ~Copyable, Sendable {
    private let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    var raw: Int32 { descriptor.raw }

    /// Connects to the socket at `path`, and waits at most so long where the listener has too many to accept (EAGAIN then) and
    /// later for what it says.
    package init(to path: [UInt8], milliseconds: Int) throws(SystemError) {
        let place = try ListeningSocket.Place(path)
        let raw = try check("socket") { clinux_socket(Int32(SOCK_STREAM.rawValue)) }
        let descriptor = Descriptor(raw: raw)
        _ = try check("setsockopt") { clinux_set_timeout(raw, max(1, milliseconds)) }
        _ = try check("connect", path) { unsafe withCString(place.name) { unsafe clinux_unix_connect(raw, $0) } }
        self.descriptor = descriptor
    }

    /// The user and the effective group of the other end when it connected or listened (SO_PEERCRED).
    package var peer: (user: UInt32, group: UInt32) {
        get throws(SystemError) {
            let raw = descriptor.raw
            var (user, group): (UInt32, UInt32) = (0, 0)
            _ = try check("getsockopt SO_PEERCRED") { unsafe clinux_peer(raw, &user, &group) }
            return (user, group)
        }
    }

    /// Its supplementary groups (SO_PEERGROUPS); none before Linux 4.13.
    package var peerGroups: [UInt32] {
        let raw = descriptor.raw
        var groups = [UInt32](repeating: 0, count: 65_536)  // NGROUPS_MAX
        let count = unsafe clinux_peer_groups(raw, &groups, UInt32(groups.count))
        return Array(groups.prefix(max(0, Int(count))))
    }

    /// How many descriptors this process can open beside it, at most: descriptors are given out lowest first, so all numbers
    /// below this one were taken when it was opened.
    package var room: Int { ThisProcess.descriptorLimit - Int(descriptor.raw) - 1 }

    /// Makes the other end, and whoever waits here, see the end of the conversation.
    package borrowing func hangUp() { shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

    /// How long reading and writing wait before they fail with EAGAIN, milliseconds.
    package borrowing func setTimeout(milliseconds: Int) throws(SystemError) {
        let raw = descriptor.raw
        _ = try check("setsockopt") { clinux_set_timeout(raw, max(1, milliseconds)) }
    }

    /// Reads up to the first newline, which is left out; nil where the end came before it. At most `limit` bytes, and until
    /// `deadline` (CLOCK_BOOTTIME, nanoseconds), however slowly they come.
    package borrowing func readLine(limit: Int, deadline: Int64) throws(SystemError) -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < limit {
            let left = deadline - Clock.boot()
            guard left > 0 else { throw SystemError("read", errno: EAGAIN) }
            try setTimeout(milliseconds: Int(left / 1_000_000))
            let bytes = try descriptor.read(atMost: min(65_536, limit - line.count))
            if bytes.isEmpty { return nil }
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) { return line + bytes[..<end] }
            line += bytes
        }
        throw SystemError("read", errno: EMSGSIZE)
    }

    /// Reads to the end, at most `limit` bytes.
    package borrowing func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < limit {
            let bytes = try descriptor.read(atMost: min(65_536, limit - all.count))
            if bytes.isEmpty { return all }
            all += bytes
        }
        throw SystemError("read", errno: EMSGSIZE)
    }

    package borrowing func write(_ bytes: [UInt8]) throws(SystemError) { try descriptor.write(bytes) }
}

/// sd_notify(3): tells the service manager how far this process is, where it asked by NOTIFY_SOCKET.
package enum ServiceManager {
    package static func notify(_ state: String) throws(SystemError) {
        guard let path = ThisProcess.environment("NOTIFY_SOCKET"), !path.isEmpty else { return }
        let raw = try check("socket") { clinux_socket(Int32(SOCK_DGRAM.rawValue)) }
        let descriptor = Descriptor(raw: raw)
        let bytes = Array(state.utf8)
        _ = try check("sendto", path) {
            unsafe withCString(path) { name in
                unsafe bytes.withUnsafeBytes { unsafe clinux_unix_send(raw, name, $0.baseAddress!, UInt($0.count)) }
            }
        }
        descriptor.close()
    }
}
