internal import Glibc

/// A system call that failed: which, on what, and why.
///
/// pyinotify returned -1 in a dictionary, so that a vanished directory looked like the watch limit. Here a failure is
/// always an error, and says how the caller may go on (``reach``).
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, in the manual's name: `inotify_add_watch`.
    package let operation: String
    /// What it was asked of, where it was a path.
    package let path: [UInt8]?
    package let errno: Int32

    package init(_ operation: String, _ path: [UInt8]? = nil, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The error of the call that has just failed on this thread.
    static func last(_ operation: String, _ path: [UInt8]? = nil) -> SystemError {
        SystemError(operation, path, errno: Glibc.errno)
    }

    /// EPERM: what the kernel would have allowed, and we do not.
    package static func notPermitted(_ operation: String, _ path: [UInt8]) -> SystemError {
        SystemError(operation, path, errno: EPERM)
    }

    /// How far the failure reaches.
    package enum Reach: Sendable {
        /// ENOENT, ENOTDIR, ELOOP: what was named is no longer there. The only errors that mean deleted.
        case gone
        /// ENOSPC, ENOMEM, EMFILE, ENFILE: a limit of the system; the rest goes on.
        case limit
        /// EACCES, EPERM: permissions, which may change.
        case denied
        /// EIO, ESTALE and all others: nobody knows, so nothing may be deleted for it.
        case unknown
    }

    package var reach: Reach {
        switch errno {
        case ENOENT, ENOTDIR, ELOOP: .gone
        case ENOSPC, ENOMEM, EMFILE, ENFILE: .limit
        case EACCES, EPERM: .denied
        default: .unknown
        }
    }

    /// ENOENT or ENOTDIR: there is nothing by that name.
    package var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
    /// EISDIR: it is a directory, and was to be written to.
    package var isOfADirectory: Bool { errno == EISDIR }
    /// ENAMETOOLONG: longer than PATH_MAX.
    package var isTooLong: Bool { errno == ENAMETOOLONG }
    /// EACCES or EPERM: it may not be looked at.
    package var isForbidden: Bool { errno == EACCES || errno == EPERM }
    /// EPIPE: whoever read from us has left.
    package var isBrokenPipe: Bool { errno == EPIPE }
    /// ENOSPC or EDQUOT.
    package var isFull: Bool { errno == ENOSPC || errno == EDQUOT }
    /// EMFILE: this process has no descriptor left, or its user no inotify instance.
    package var isOutOfDescriptors: Bool { errno == EMFILE }
    /// EEXIST.
    package var isExisting: Bool { errno == EEXIST }
    /// EAGAIN: nothing there yet, or another one holds it.
    package var isWouldBlock: Bool { errno == EAGAIN }
    /// There is no socket, or nobody listens at it (ECONNREFUSED).
    package var isNobodyThere: Bool { isMissing || errno == ECONNREFUSED }

    /// ECONNRESET: the other end is gone with what it had not read.
    package var isReset: Bool { errno == ECONNRESET }

    /// What strerror(3) says of the number.
    package var reason: String {
        var text = [CChar](repeating: 0, count: 256)
        // The POSIX form, which is the one the Glibc module has: it fills the buffer, and fails for no known errno.
        _ = unsafe strerror_r(errno, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var description: String {
        guard let path else { return "\(operation): \(reason)" }
        return "\(String(decoding: path, as: UTF8.self)): \(operation): \(reason)"
    }
}

/// Runs a system call until it is not interrupted, and turns -1 into an error.
///
/// EBADF and EFAULT are bugs of ours and never of the world, so they trap: a descriptor that was closed twice would
/// otherwise hit whatever file got its number since.
func check<Result: FixedWidthInteger & SignedInteger>(
    _ operation: String, _ path: [UInt8]? = nil, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let code = errno
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(operation): a descriptor or pointer of ours is wrong")
        throw SystemError(operation, path, errno: code)
    }
}

/// Hands `bytes` to `call` as a NUL-terminated C string, on the stack where it is short.
func withCString<Result>(_ bytes: [UInt8], _ call: (UnsafePointer<CChar>) -> Result) -> Result {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
        for index in bytes.indices { unsafe buffer[index] = CChar(bitPattern: bytes[index]) }
        unsafe buffer[bytes.count] = 0
        return unsafe call(UnsafePointer(buffer.baseAddress!))
    }
}
