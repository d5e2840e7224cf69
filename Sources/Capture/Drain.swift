package import Changes
package import Kernel
internal import Synchronization

/// The first of the two paces: a thread that does nothing but wait, look at FIONREAD and read, and never touches the
/// watched file system, so that nothing there can hold up the kernel's queue.
///
/// It reads late. Untarring 80,000 files, a reader that reads at once burns 1.22 CPU-s and slows tar by 47 %; one that
/// waits 100 ms burns 0.10 and tar loses 2 %: the kernel merges, and a new directory fills before it is watched, so
/// that one listing replaces five events a file. But a fixed wait is unsafe, because two writers fill the default
/// queue of 16,384 events in 36 ms. So it steps, and reads when a quarter of the queue is used.
///
/// A barrier is a request: whatever FIONREAD counts when it is seen is read before the request counts as done. An
/// event is queued before the system call that caused it returns, so nothing that happened before is left out.
package final class Drain: Sendable {
    /// What was read, in order, since the last time.
    package struct Take: Sendable {
        package var buffers: [[UInt8]]
        /// Requests up to this number are behind what was read up to now.
        package var completed: Int
        /// All that was queued before this is in the buffers, or was in earlier ones.
        package var readUpTo: Instant
    }

    private struct Shared {
        var buffers: [[UInt8]] = []
        var bytes = 0
        var readUpTo = Instant.now
        var requested = 0
        var completed = 0
        var failure: SystemError?
        var stopping = false
    }

    /// Bytes that may wait for the work thread. When it is full the drain stops, the kernel overflows and says so: the
    /// only loss is a reported one.
    private static let memoryLimit = 16 << 20
    /// Bytes of one read: about 6,000 events with names of usual length.
    private static let readSize = 256 << 10
    /// Bytes of a queued event with a name of usual length, as FIONREAD counts it.
    private static let usualEventSize = 44
    /// How long a step of the late read is, milliseconds.
    private static let step: Int32 = 5

    package let inotify: Inotify
    private let latency: Int64
    private let shared = Mutex(Shared())
    /// Set when there is a request, room, or the end.
    private let wakeDrain: WakeUp
    /// Set when there is something to take.
    package let wakeWork: WakeUp

    /// Latency is the longest time that events wait to be read, in nanoseconds.
    package init(latency: Int64) throws(SystemError) {
        inotify = try Inotify()
        wakeDrain = try WakeUp()
        wakeWork = try WakeUp()
        self.latency = latency
    }

    package func start() throws(SystemError) {
        try Thread.start("drain") { [self] in
            do throws(SystemError) {
                try run()
            } catch {
                shared.withLock { $0.failure = error }
                wakeWork.set()
            }
        }
    }

    package func stop() {
        shared.withLock { $0.stopping = true }
        wakeDrain.set()
    }

    /// Asks for all that is queued now; the number is in ``Take/completed`` when it has been read.
    package func request() -> Int {
        let number = shared.withLock {
            $0.requested += 1
            return $0.requested
        }
        wakeDrain.set()
        return number
    }

    /// Hands over what has been read; throws when the kernel refused to be read.
    package func take() throws(SystemError) -> Take {
        wakeWork.clear()
        let (take, failure) = shared.withLock { shared in
            defer {
                shared.buffers = []
                shared.bytes = 0
            }
            let take = Take(buffers: shared.buffers, completed: shared.completed, readUpTo: shared.readUpTo)
            return (take, shared.failure)
        }
        if let failure { throw failure }
        if !take.buffers.isEmpty { wakeDrain.set() }
        return take
    }

    private func run() throws(SystemError) {
        let readAt = inotify.queueLimit * Self.usualEventSize / 4
        while true {
            let ready = try inotify.poll(with: wakeDrain, timeout: -1)
            if ready.second { wakeDrain.clear() }
            let deadline = Clock.boot() + latency
            while true {
                let (isAsked, isStopping) = shared.withLock { ($0.requested > $0.completed, $0.stopping) }
                if isStopping { return }
                if isAsked { break }
                let waiting = try inotify.pendingBytes()
                if waiting == 0 || waiting >= readAt || Clock.boot() >= deadline { break }
                if try wakeDrain.wait(timeout: Self.step) { wakeDrain.clear() }
            }
            try readPending()
        }
    }

    /// Reads what FIONREAD counts now, then answers the requests made before.
    private func readPending() throws(SystemError) {
        let requested = shared.withLock { $0.requested }
        let began = Instant.now
        var left = try inotify.pendingBytes()
        while left > 0 {
            while shared.withLock({ $0.bytes >= Self.memoryLimit && !$0.stopping }) {
                _ = try wakeDrain.wait(timeout: -1)
                wakeDrain.clear()
            }
            if shared.withLock({ $0.stopping }) { return }
            let buffer = try inotify.read(capacity: min(Self.readSize, max(left, 4096)))
            if buffer.isEmpty { break }
            left -= buffer.count
            shared.withLock {
                $0.buffers.append(buffer)
                $0.bytes += buffer.count
            }
        }
        let isNews = shared.withLock {
            let isNews = !$0.buffers.isEmpty || $0.completed < requested
            $0.completed = requested
            $0.readUpTo = began
            return isNews
        }
        if isNews { wakeWork.set() }
    }
}
