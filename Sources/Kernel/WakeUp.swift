internal import CLinux
internal import Glibc

/// An eventfd(2): one thread sets it, another finds it in poll(2).
package struct WakeUp: ~Copyable, Sendable {
    private let descriptor: Descriptor
    var raw: Int32 { descriptor.raw }

    package init() throws(SystemError) {
        descriptor = Descriptor(raw: try check("eventfd") { clinux_eventfd() })
    }

    /// Wakes the thread that waits, or the next time it waits.
    package borrowing func set() {
        let result = clinux_eventfd_add(descriptor.raw)
        precondition(result == 0 || errno == EAGAIN, "eventfd_write: \(errno)")
    }

    /// Takes all settings back.
    package borrowing func clear() {
        let result = clinux_eventfd_take(descriptor.raw)
        precondition(result == 0 || errno == EAGAIN, "eventfd_read: \(errno)")
    }

    /// Waits until it is set, at most `timeout` milliseconds; -1 waits for ever. True when it was set.
    package borrowing func wait(timeout: Int32) throws(SystemError) -> Bool {
        try Readiness.poll(descriptor.raw, -1, timeout: timeout).first
    }
}

/// Which of two descriptors poll(2) found readable.
package struct Readiness: Sendable {
    package let first: Bool
    package let second: Bool

    static func poll(_ first: Int32, _ second: Int32, timeout: Int32) throws(SystemError) -> Readiness {
        var set = (
            pollfd(fd: first, events: Int16(POLLIN), revents: 0), pollfd(fd: second, events: Int16(POLLIN), revents: 0)
        )
        // A signal ends the wait like a timeout: the callers look around and wait again.
        let count = unsafe withUnsafeMutableBytes(of: &set) {
            unsafe Glibc.poll($0.assumingMemoryBound(to: pollfd.self).baseAddress!, 2, timeout)
        }
        guard count >= 0 || errno == EINTR else { throw SystemError("poll", errno: errno) }
        return Readiness(first: count > 0 && set.0.revents != 0, second: count > 0 && set.1.revents != 0)
    }

    /// Whether POLLPRI is there now, without waiting.
    static func hasPriorityEvent(_ raw: Int32) throws(SystemError) -> Bool {
        var set = pollfd(fd: raw, events: Int16(POLLPRI), revents: 0)
        return try check("poll") { unsafe Glibc.poll(&set, 1, 0) } > 0
    }
}
