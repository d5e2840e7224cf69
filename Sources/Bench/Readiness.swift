import Glibc

/// The other end of sd_notify(3): a datagram socket on which a service says that it is ready.
final class Readiness {
    let path: String
    private let socket: Int32

    init(at path: String) throws {
        self.path = path
        try System.remove(path)
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw Failed.call("socket", path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failed("\(path): too long a path")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0 else { throw Failed.call("bind", path) }
    }

    deinit { close(socket) }

    /// Waits for READY=1, at most so many seconds.
    func arrives(within seconds: Int) -> Bool {
        var request = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, Int32(seconds * 1000)) == 1 else { return false }
        var message = [UInt8](repeating: 0, count: 4096)
        let count = unsafe message.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
        return String(decoding: message.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").contains("READY=1")
    }
}
