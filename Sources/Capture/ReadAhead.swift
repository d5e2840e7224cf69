internal import Kernel

/// Threads that list directories for a crawl before it comes to them: more than half of a crawl is the kernel telling what
/// names are, and that needs no thought.
///
/// They touch nothing but the directory they are handed, which is open and watched already. The tree, the rows and the
/// events stay on one thread, which takes the listings in the order in which it asked for them. What events tell of between
/// a look and its use is newer than the look; see ``Capture/voidLooksAhead(at:)``.
final class ReadAhead: Sendable {
    /// One directory that is listed ahead.
    final class Flight: @unchecked Sendable {
        // Sendable: a reader has it to itself until `isDone`, which is set and seen under the monitor; then the taker has.
        fileprivate var directory: Descriptor?
        fileprivate var names: DirectoryListing
        fileprivate var failure: SystemError?
        fileprivate var isDone = false

        init(_ directory: consuming Descriptor, reusing names: DirectoryListing) {
            self.directory = consume directory
            self.names = names
        }

        fileprivate func run(_ reader: borrowing DirectoryReader) {
            guard let directory = directory.take() else { return }
            do throws(SystemError) {
                try reader.read(directory, into: &names)
                names.look(at: 0..<min(names.count, Listing.pageSize), in: directory)
            } catch {
                failure = error
            }
        }
    }

    private struct Queue {
        /// Those that nobody has begun.
        var flights: [Flight] = []
        var isStopped = false
    }

    /// Directories that are open at a time: enough to keep a thread at work while the other commits, and a part of what the
    /// process may have open.
    static let limit = max(1, min(192, ThisProcess.descriptorLimit / 4))

    private let queue = Monitor(Queue())

    /// One core is left to the thread that takes. Nil where no thread can be started.
    init?() {
        var threads = 0
        for _ in 0..<max(1, min(4, ThisProcess.cores - 1)) {
            do throws(SystemError) {
                try Thread.start("crawl") { [queue] in Self.run(queue) }
                threads += 1
            } catch {
                break
            }
        }
        if threads == 0 { return nil }
    }

    deinit { queue.change { $0.isStopped = true } }

    private static func run(_ queue: Monitor<Queue>) {
        let reader = DirectoryReader()
        while true {
            // The last one first: the others are nearer to the one who takes, who need not wait for them then.
            let next: Flight? = queue.wait { $0.isStopped ? .some(nil) : $0.flights.popLast().map { .some($0) } }
            guard let flight = next else { return }
            flight.run(reader)
            queue.change { _ in flight.isDone = true }
        }
    }

    /// Asks for a directory to be listed.
    func list(_ flight: Flight) { queue.change { $0.flights.append(flight) } }

    /// Takes a listing; one that nobody has begun is made here and now. Throws what refused it.
    func take(_ flight: Flight, _ reader: borrowing DirectoryReader) throws(SystemError) -> DirectoryListing {
        let isOurs = queue.change { queue in
            guard let index = queue.flights.firstIndex(where: { $0 === flight }) else { return false }
            queue.flights.remove(at: index)
            return true
        }
        if isOurs { flight.run(reader) } else { queue.wait { _ in flight.isDone ? () : nil } }
        if let failure = flight.failure { throw failure }
        return flight.names
    }
}
