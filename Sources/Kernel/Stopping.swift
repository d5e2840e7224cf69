internal import Glibc
internal import Synchronization

/// Ending at a signal with what is left to do, for a program that mostly works and looks at this: SIGINT, SIGTERM and SIGHUP
/// set it, once. A second one ends the process as it always does.
package final class StopFlag: Sendable {
    private struct State {
        var isSet = false
        var wake: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() throws(SystemError) {
        try Signals.atFirst { [self] in
            let wake = state.withLock {
                $0.isSet = true
                return $0.wake
            }
            wake?()
        }
    }

    package var isSet: Bool { state.withLock { $0.isSet } }

    /// Has `wake` called when it is set: now, if it is.
    package func whenSet(_ wake: @escaping @Sendable () -> Void) {
        let isSet = state.withLock {
            $0.wake = wake
            return $0.isSet
        }
        if isSet { wake() }
    }
}

/// Ending at a signal with what is left to say, for a program that mostly waits: SIGINT, SIGTERM and SIGHUP set it, once. A
/// second one ends the process as it always does.
package final class Stopping: Sendable {
    private let wakeUp: WakeUp

    package init() throws(SystemError) {
        wakeUp = try WakeUp()
        try Signals.atFirst { [self] in wakeUp.set() }
    }

    /// What a wait ended with.
    package enum Event: Sendable {
        case stopped
        /// Nobody reads stdout any more.
        case readerIsGone
        /// There is something to read.
        case readable
        case timeout
    }

    /// Waits for something to read from `connection`, for a signal, or for whoever reads stdout to leave; at most so many
    /// nanoseconds.
    package func wait(for connection: borrowing Connection, timeout: Int64) throws(SystemError) -> Event {
        try poll(connection.raw, timeout)
    }

    /// Waits at most so many nanoseconds.
    package func wait(timeout: Int64) throws(SystemError) -> Event { try poll(-1, timeout) }

    private func poll(_ descriptor: Int32, _ timeout: Int64) throws(SystemError) -> Event {
        // > The field events may be specified as zero, in which case the only events that can be returned in revents are
        // > POLLHUP, POLLERR, and POLLNVAL (poll(2)). A pipe that nobody reads has POLLERR.
        var set = (
            pollfd(fd: wakeUp.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        )
        let milliseconds = Int32(clamping: (max(0, timeout) + 999_999) / 1_000_000)
        _ = try check("poll") {
            unsafe withUnsafeMutableBytes(of: &set) {
                unsafe Glibc.poll($0.assumingMemoryBound(to: pollfd.self).baseAddress!, 3, milliseconds)
            }
        }
        if set.0.revents != 0 { return .stopped }
        if set.1.revents != 0 { return .readerIsGone }
        return set.2.revents != 0 ? .readable : .timeout
    }
}
