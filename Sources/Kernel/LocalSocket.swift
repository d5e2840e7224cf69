internal import CLinux
internal import Glibc

/// A stream socket in the file system, beside a file it belongs to.
///
/// sun_path has 108 bytes, and a directory's path may be longer: the socket is named through /proc/self/fd, so only its
/// own name has to fit.
package struct ListeningSocket: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Binds a new socket of mode 0660 in place of one that a dead process left. The caller holds the lock that makes sure
    /// it is dead.
    package init(at path: [UInt8]) throws(SystemError) {
        let place = try Place(path)
        _ = unsafe withCString(path) { unsafe unlink($0) }
        let raw = try check("socket") { clinux_socket(Int32(SOCK_STREAM.rawValue)) }
        let descriptor = Descriptor(raw: raw)
        _ = try check("bind", path) { unsafe withCString(place.name) { unsafe clinux_unix_bind(raw, $0) } }
        _ = try check("chmod", path) { unsafe withCString(place.name) { unsafe chmod($0, 0o660) } }
        _ = try check("listen", path) { listen(raw, 64) }
        self.descriptor = descriptor
    }

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

    /// Connects to the socket at `path`.
    package init(to path: [UInt8]) throws(SystemError) {
        let place = try ListeningSocket.Place(path)
        let raw = try check("socket") { clinux_socket(Int32(SOCK_STREAM.rawValue)) }
        let descriptor = Descriptor(raw: raw)
        _ = try check("connect", path) { unsafe withCString(place.name) { unsafe clinux_unix_connect(raw, $0) } }
        self.descriptor = descriptor
    }

    /// The uid of the process at the other end when it connected (SO_PEERCRED).
    package var peer: UInt32 {
        get throws(SystemError) {
            let raw = descriptor.raw
            var uid: UInt32 = 0
            _ = try check("getsockopt SO_PEERCRED") { unsafe clinux_peer(raw, &uid) }
            return uid
        }
    }

    /// How long reading and writing wait before they fail with EAGAIN, milliseconds.
    package borrowing func setTimeout(milliseconds: Int) throws(SystemError) {
        let raw = descriptor.raw
        _ = try check("setsockopt") { clinux_set_timeout(raw, max(1, milliseconds)) }
    }

    /// Reads up to the first newline, which is left out, or the end; nil where nothing came. At most `limit` bytes.
    package borrowing func readLine(limit: Int) throws(SystemError) -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < limit {
            let bytes = try descriptor.read(atMost: min(4096, limit - line.count))
            if bytes.isEmpty { return line.isEmpty ? nil : line }
            line += bytes
            if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return Array(line[..<end]) }
        }
        throw SystemError("read", errno: EMSGSIZE)
    }

    /// Reads to the end, at most `limit` bytes.
    package borrowing func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < limit {
            let bytes = try descriptor.read(atMost: min(4096, limit - all.count))
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
