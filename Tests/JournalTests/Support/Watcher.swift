import Foundation
import Synchronization

/// A `journal watch` in its own process.
final class Watcher {
    let database: Bytes
    let roots: [Bytes]
    let options: [Bytes]
    private let environment: [String: String]
    /// `journal`, with what stands before it: `setpriv` or `unshare` and their options.
    private let command: [Bytes]
    private(set) var child: Child

    struct NotLive: Error, CustomStringConvertible {
        var description: String
    }

    init(
        _ roots: [Bytes], database: Bytes, options: [Bytes] = [], environment: [String: String] = [:],
        command: [Bytes] = [Program.journal], live: Bool = true, queue: Int? = nil
    ) throws {
        self.roots = roots
        self.database = database
        self.options = options
        self.environment = environment
        self.command = command
        child = try Watcher.spawn(command, roots, database, options, environment, live: live, queue: queue)
    }

    deinit { child.signal(SIGKILL) }

    var pid: pid_t { child.pid }
    var isRunning: Bool { child.isRunning }

    /// What the watcher has printed so far.
    var said: Program.Output { child.output(status: child.isRunning ? 0 : child.wait(.zero) ?? 0) }

    private static func spawn(
        _ command: [Bytes], _ roots: [Bytes], _ database: Bytes, _ options: [Bytes], _ environment: [String: String],
        live: Bool, queue: Int?
    ) throws -> Child {
        let child = try Queue.whileItHolds(queue) {
            let arguments = command.dropFirst() + ["watch", "--db", database] + options + roots
            let child = try Child(command[0], Array(arguments), environment: environment)
            if Queue.isAdjustable { waitForInstance(child) }
            return child
        }
        if live { try waitUntilLive(child, command, database) }
        return child
    }

    /// The length of the queue is copied into an instance when it is made: until then it may not change.
    private static func waitForInstance(_ child: Child) {
        let descriptors = Bytes("/proc/\(child.pid)/fd")
        let limit = ContinuousClock.now + .seconds(30)
        while child.isRunning, .now < limit {
            // A process that has ended meanwhile has no descriptors to list.
            let names = (try? Sys.list(descriptors)) ?? []
            if names.contains(where: { Sys.link(at: descriptors / $0) == "anon_inode:inotify" }) { return }
            usleep(500)
        }
    }

    /// Waits for the first barrier. Until the watcher has made the database there is none to ask for.
    private static func waitUntilLive(_ child: Child, _ command: [Bytes], _ database: Bytes) throws {
        let limit = ContinuousClock.now + .seconds(60)
        while true {
            let sync = try Program.run(
                command[0], command.dropFirst() + ["sync", "--timeout", "30s", "--db", database])
            if sync.status == 0 { return }
            if let status = child.wait(.milliseconds(20)) {
                throw NotLive(description: "the watcher has ended: \(child.output(status: status))")
            }
            guard [66, 69].contains(sync.status), .now < limit else {
                let said = child.output(status: 0)
                child.signal(SIGKILL)
                throw NotLive(description: "the watcher does not go live: \(said)\n\(sync)")
            }
        }
    }

    /// A clean stop, which has to be one: SIGTERM and status 0.
    func stop() throws {
        child.signal(SIGTERM)
        guard let status = child.wait(.seconds(30)) else {
            throw NotLive(description: "SIGTERM does not stop the watcher: \(said)")
        }
        if status != 0 { throw NotLive(description: "stopped by SIGTERM, but: \(child.output(status: status))") }
    }

    /// SIGKILL: what a crash or the OOM killer does.
    func kill() {
        child.signal(SIGKILL)
        _ = child.wait(.seconds(30))
    }

    /// Starts the same watcher again and waits until it is live.
    func restart(live: Bool = true, queue: Int? = nil) throws {
        precondition(!child.isRunning)
        child = try Watcher.spawn(command, roots, database, options, environment, live: live, queue: queue)
    }

    /// Stops reading for the length of `body`: the kernel queue fills, and all of it is drained in one go afterwards.
    func paused<R>(_ body: () throws -> R) rethrows -> R {
        child.signal(SIGSTOP)
        defer { child.signal(SIGCONT) }
        return try body()
    }
}

/// `fs.inotify.max_queued_events`, which is the machine's: changed only while one watcher makes its instance. Those that
/// want the usual length share the lock, so that they start side by side.
enum Queue {
    private static let file: Bytes = "/proc/sys/fs/inotify/max_queued_events"

    /// Whether this user may change it.
    static let isAdjustable: Bool = (try? Sys.write(file, Sys.read(file), O_WRONLY)) != nil

    /// Runs `body`, which starts a watcher, with a queue of `length` events, or of the usual length.
    static func whileItHolds<R>(_ length: Int?, _ body: () throws -> R) throws -> R {
        // A lock between test runs too: two checkouts may be tested on one machine.
        let lock = try Sys.open("/tmp/journal-test-queue.lock", O_RDONLY | O_CREAT, 0o644)
        defer { close(lock) }
        flock(lock, length == nil ? LOCK_SH : LOCK_EX)
        guard let length else { return try body() }
        let before = try Sys.read(file)
        defer { try? Sys.write(file, before, O_WRONLY) }
        try Sys.write(file, Array("\(length)".utf8), O_WRONLY)
        return try body()
    }
}
