internal import CLinux
internal import Glibc

/// A POSIX thread for a loop that blocks.
package enum Thread {
    /// Starts `body` on a detached thread called `name` (15 bytes at most, as `top -H` shows it).
    package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var attributes = pthread_attr_t()
        _ = unsafe pthread_attr_init(&attributes)
        defer { _ = unsafe pthread_attr_destroy(&attributes) }
        _ = unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                _ = unsafe clinux_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", errno: code)
        }
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

/// Signals as something to wait for, instead of handlers that may do almost nothing.
package enum Signals {
    /// Keeps SIGINT, SIGTERM and SIGHUP from interrupting this thread and all it will start, so that ``wait()`` gets
    /// them.
    package static func block() {
        var set = set()
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of the blocked signals and returns its number.
    package static func wait() -> Int32 {
        var set = set()
        var number: Int32 = 0
        _ = unsafe sigwait(&set, &number)
        return number
    }

    /// Lets them do to this thread, and so to the process, what they do by default.
    static func unblock() {
        var set = set()
        _ = unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    private static func set() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }
}
