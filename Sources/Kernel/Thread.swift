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
    /// Has the first SIGINT, SIGTERM or SIGHUP run `body`, on a thread of its own, instead of ending the process. A second one
    /// ends it as it always does. To be called before any other thread is started: a signal goes to whoever lets it in.
    package static func atFirst(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var set = set()
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        try Thread.start("signals") {
            var set = Signals.set()
            var number: Int32 = 0
            _ = unsafe sigwait(&set, &number)
            body()
            _ = unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
            while true { pause() }
        }
    }

    private static func set() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
        return set
    }
}
