internal import Glibc

/// A system call that failed: which, on what, and why.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    /// The call, by its name in the manual.
    package var operation: String
    /// What it was called on, where it was a path.
    package var path: [UInt8]?
    package var errno: Int32

    package init(_ operation: String, _ path: [UInt8]? = nil, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The error of the call that has just failed on this thread.
    static func last(_ operation: String, _ path: [UInt8]? = nil) -> SystemError {
        SystemError(operation, path, errno: Glibc.errno)
    }

    /// What strerror(3) says of the number.
    package var reason: String {
        var text = [CChar](repeating: 0, count: 256)
        // The POSIX form, which is the one the Glibc module has: it fills the buffer, and fails for no known errno.
        unsafe _ = strerror_r(errno, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var description: String {
        (path.map { String(decoding: $0, as: UTF8.self) + ": " } ?? "") + "\(operation): \(reason)"
    }

    /// ENOENT or ENOTDIR: there is nothing by that name.
    package var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
    /// EACCES or EPERM: it may not be looked at.
    package var isForbidden: Bool { errno == EACCES || errno == EPERM }
    /// EPIPE: whoever read from us has left.
    package var isBrokenPipe: Bool { errno == EPIPE }
}
