internal import Kernel

/// Threads that look at directories for a crawl before it comes to them: more than half of a crawl is the kernel telling what
/// names are, and that needs no thought.
///
/// They open a directory, watch it, and list it, in this order. The tree, the rows and the events stay on one thread, which
/// takes the listings in the order in which it asked for them, and before that the watches: before it looks at any event,
/// since the first one of a watch may be among those; see ``Capture/noteWatchesAhead()``. What events tell of between a look
/// and its use is newer than the look; see ``Capture/voidLooksAhead(at:)``.
///
/// Whatever is not as it was expected here, from a name that is gone to a watch that is refused, is left to the one who takes:
/// there all of it is done once more, and understood.
final class ReadAhead: Sendable {
    /// A directory to be looked at: where it is, and which it has to be.
    struct Errand: Sendable {
        let anchor: WatchedRoot.Anchor
        /// Relative to the anchor.
        let path: [UInt8]
        let device: UInt64
        let inode: UInt64
        let birth: Int64
        /// It has a watch already.
        let isWatched: Bool
        /// It may find names in any case, and then it is not for us.
        let canFoldCase: Bool

        fileprivate func means(_ status: FileStatus) -> Bool {
            status.isDirectory && status.device == device && status.inode == inode && status.birth == birth
        }
    }

    /// One directory that is looked at ahead.
    final class Flight: @unchecked Sendable {
        // Sendable: a thread has it to itself while `stage` is `begun` or `watched`, but for `watch`, which is not changed behind
        // `watched`; before and after that the taker has. The stage is set and seen under the monitor.
        fileprivate enum Stage {
            case waiting, begun, watched, done
        }

        /// Until it is done: its anchor keeps a file system mounted.
        fileprivate var errand: Errand?
        /// There is a watch already.
        fileprivate let isWatched: Bool
        fileprivate var stage = Stage.waiting
        fileprivate var watch: WatchDescriptor?
        /// The taker has taken the watch into the tree, and does so once: it may be gone since, as an event said or will say.
        var isNoted = false
        fileprivate var names: DirectoryListing
        /// Whether `names` are those of the directory that was meant, seen behind its watch.
        fileprivate var isListed = false

        init(_ errand: Errand, reusing names: DirectoryListing) {
            self.errand = errand
            isWatched = errand.isWatched
            self.names = names
        }
    }

    private struct Queue {
        /// Those that nobody has begun.
        var flights: [Flight] = []
        var isStopped = false

        /// Takes one back, if nobody has begun it.
        mutating func take(_ flight: Flight) -> Bool {
            guard let index = flights.firstIndex(where: { $0 === flight }) else { return false }
            flights.remove(at: index)
            return true
        }
    }

    /// Directories that are looked at ahead at a time: enough to keep a thread at work while the other commits.
    static let limit = 576

    private let queue = Monitor(Queue())
    private let drain: Drain

    /// One core is left to the thread that takes. Nil where no thread can be started.
    init?(_ drain: Drain) {
        self.drain = drain
        var threads = 0
        for _ in 0..<max(1, min(4, ThisProcess.cores - 1)) {
            do throws(SystemError) {
                try Thread.start("crawl") { [queue] in Self.run(queue, drain) }
                threads += 1
            } catch {
                break
            }
        }
        if threads == 0 { return nil }
    }

    deinit { queue.change { $0.isStopped = true } }

    private static func run(_ queue: Monitor<Queue>, _ drain: Drain) {
        let explorer = Explorer()
        while true {
            // The last one first: the others are nearer to the one who takes, who need not wait for them then.
            let next: Flight? = queue.wait { queue in
                if queue.isStopped { return .some(nil) }
                guard let flight = queue.flights.popLast() else { return nil }
                flight.stage = .begun
                return flight
            }
            guard let flight = next else { return }
            look(flight, explorer, drain) { queue.change { _ in flight.stage = .watched } }
            queue.change { _ in flight.stage = .done }
        }
    }

    /// Opens, watches and lists; `didWatch` is called when there is a watch.
    private static func look(
        _ flight: Flight, _ explorer: borrowing Explorer, _ drain: Drain, didWatch: () -> Void
    ) {
        guard let errand = flight.errand.take() else { return }
        do throws(SystemError) {
            let directory = try Descriptor(below: errand.anchor.descriptor, opening: errand.path, for: .listing)
            guard errand.means(try FileStatus(of: directory)) else { return }
            if errand.canFoldCase, try directory.foldsCase() { return }
            if !errand.isWatched {
                flight.watch = try explorer.watch(directory, by: drain.inotify)
                didWatch()
            }
            try explorer.reader.read(directory, into: &flight.names)
            flight.names.look(at: 0..<min(flight.names.count, Listing.pageSize), in: directory)
            flight.isListed = true
        } catch {
            // Whoever takes it will see.
        }
    }

    /// Asks for a directory to be looked at.
    func ask(for flight: Flight) { queue.change { $0.flights.append(flight) } }

    /// The watch that a look which was begun has, or will have in a moment. Nil where it needs none, was not begun, or failed.
    func watch(of flight: Flight) -> WatchDescriptor? {
        if flight.isWatched { return nil }
        return queue.wait { _ in
            switch flight.stage {
            case .waiting: .some(nil)
            case .begun: nil
            case .watched, .done: .some(flight.watch)
            }
        }
    }

    /// Takes back what nobody has begun, and waits for what was.
    func cancel(_ flight: Flight) {
        if !queue.change({ $0.take(flight) }) { awaitEnd(of: flight) }
    }

    /// Waits for a look that was begun, or will be by one of the threads.
    func awaitEnd(of flight: Flight) { queue.wait { _ in flight.stage == .done ? () : nil } }

    /// Takes the names, with the memory for them whatever came of it. What nobody has begun is done here and now.
    func take(_ flight: Flight, _ explorer: borrowing Explorer) -> (names: DirectoryListing, isListed: Bool) {
        let isOurs = queue.change { $0.take(flight) }
        if isOurs {
            Self.look(flight, explorer, drain) {}
            flight.stage = .done
        } else {
            awaitEnd(of: flight)
        }
        return (flight.names, flight.isListed)
    }
}
