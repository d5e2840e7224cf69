package import Changes
package import Kernel
internal import Synchronization

/// The first of the two paces: a thread that does nothing but wait, look at FIONREAD and read, and never touches the
/// watched file system, so that nothing there can hold up the kernel's queue.
///
/// It hands over late. Untarring 80,000 files, a reader that reads and looks at once burns 1.22 CPU-s and slows tar by 47 %;
/// one that waits 100 ms burns 0.10 and tar loses 2 %: a new directory fills before it is watched, so that one listing
/// replaces five events a file. But to leave the events in the kernel so long is unsafe, because two writers fill the
/// default queue of 16,384 events in 36 ms. So it reads what there is every 5 ms, and keeps it. (To look by FIONREAD how full
/// the queue is costs more: the kernel walks all of it, which was a fifth of the CPU that `rm -rf` took here.)
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
        /// Bytes that have been read and not handed over.
        var gathered = 0
        var readUpTo = Instant.now
        var requested = 0
        var completed = 0
        var failure: SystemError?
        var stopping = false
    }

    /// Bytes that may wait for the work thread. When it is full the drain stops, the kernel overflows and says so: the
    /// only loss is a reported one.
    private let memoryLimit: Int
    /// Bytes that are handed over before their time: 90,000 events with names of usual length.
    private static let gatherLimit = 4 << 20
    /// Bytes of one read: about 1,500 events with names of usual length.
    private static let readSize = 64 << 10
    /// How long events wait to be read, milliseconds.
    private static let step: Int32 = 5

    package let inotify: Inotify
    private let latency: Int64
    private let shared = Mutex(Shared())
    /// Set when there is a request, room, or the end.
    private let wakeDrain: WakeUp
    /// Set when there is something to take.
    package let wakeWork: WakeUp

    /// Latency is the longest time that events wait to be handed over, in nanoseconds; `memoryLimit` is in bytes.
    package init(latency: Int64, memoryLimit: Int = 32 << 20) throws(SystemError) {
        inotify = try Inotify()
        wakeDrain = try WakeUp()
        wakeWork = try WakeUp()
        self.latency = latency
        self.memoryLimit = memoryLimit
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

    /// Bytes of events that nobody has looked at: in the kernel's queue, and in memory.
    package var waitingBytes: Int {
        get throws(SystemError) { try inotify.pendingBytes() + shared.withLock { $0.gathered + $0.bytes } }
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

    /// What has been read and waits to be handed over; the thread's own.
    private struct Gathered: ~Copyable {
        var buffers: [[UInt8]] = []
        var bytes = 0
        private var scratch = [UInt8](repeating: 0, count: readSize)

        /// Reads once; how many bytes there were.
        mutating func read(_ inotify: borrowing Inotify) throws(SystemError) -> Int {
            let count = try inotify.read(into: &scratch)
            if count > 0 { buffers.append(Array(scratch[..<count])) }
            bytes += count
            return count
        }
    }

    private func run() throws(SystemError) {
        var gathered = Gathered()
        while true {
            // Who waited for room has taken back what was set for a request, too.
            let isDue = shared.withLock { $0.requested > $0.completed || $0.stopping }
            let ready = try inotify.poll(with: wakeDrain, timeout: isDue ? 0 : -1)
            if ready.second { wakeDrain.clear() }
            let deadline = Clock.boot() + latency
            while true {
                let (isAsked, isStopping) = shared.withLock { ($0.requested > $0.completed, $0.stopping) }
                if isStopping { return }
                if isAsked || gathered.bytes >= Self.gatherLimit || Clock.boot() >= deadline { break }
                while try gathered.read(inotify) > Self.readSize / 2 && gathered.bytes < Self.gatherLimit {}
                if gathered.bytes == 0 { break }
                shared.withLock { $0.gathered = gathered.bytes }
                if try wakeDrain.wait(timeout: Self.step) { wakeDrain.clear() }
            }
            try handOver(&gathered)
        }
    }

    /// Reads what FIONREAD counts now, hands over all that has been read, then answers the requests made before.
    private func handOver(_ gathered: inout Gathered) throws(SystemError) {
        let requested = shared.withLock { $0.requested }
        let began = Instant.now
        let end = try gathered.bytes + inotify.pendingBytes()
        while gathered.bytes < end {
            if try gathered.read(inotify) == 0 { break }
            if gathered.bytes >= Self.gatherLimit, try !give(&gathered.buffers) { return }
        }
        guard try give(&gathered.buffers) else { return }
        gathered.bytes = 0
        let isNews = shared.withLock {
            let isNews = !$0.buffers.isEmpty || $0.completed < requested
            $0.completed = requested
            $0.readUpTo = began
            return isNews
        }
        if isNews { wakeWork.set() }
    }

    /// Waits for room, then gives what has been read to the work thread; false at the end.
    private func give(_ buffers: inout [[UInt8]]) throws(SystemError) -> Bool {
        while shared.withLock({ $0.bytes >= memoryLimit && !$0.stopping }) {
            // A queue that is longer than by default holds more than there is room for, at one look.
            wakeWork.set()
            _ = try wakeDrain.wait(timeout: -1)
            wakeDrain.clear()
        }
        return shared.withLock {
            if $0.stopping { return false }
            $0.buffers += buffers
            $0.bytes += buffers.reduce(0) { $0 + $1.count }
            $0.gathered = 0
            buffers = []
            return true
        }
    }
}
