internal import Changes
internal import Kernel

/// Adds up what events say about one name that come one after the other, before it is noted.
///
/// A file is created, written, closed and given its times, and often removed at once, in events with nothing in between but
/// what other writers do. To note each would be to copy, hash and look up the same name again and again; with two writers
/// at full speed that was a sixth of what the thread does that has to keep up with them. Here it is a comparison of bytes.
struct EventRuns {
    /// Events about one name, added up.
    struct Run {
        let watch: WatchDescriptor
        let node: NodeID
        /// Where the name lies in the buffer that is decoded.
        let name: Range<Int>
        var hints: Hints
        /// Its directory has been deleted by the end of what was read, so that nobody need look where a deletion was told.
        let hasEnded: Bool
    }

    /// What is added up here says something of one name alone, so that the order of events about different names does not
    /// matter. It does for renames, and for directories, which are looked at in another way.
    private static let plain: EventMask = [.create, .modify, .closeWrite, .attrib, .delete]

    /// A place for each of a few names, so that several writers do not end each other's runs.
    private var runs = [Run?](repeating: nil, count: 8)

    static func adds(_ mask: EventMask) -> Bool { plain.contains(mask) }

    private static func slot(_ watch: WatchDescriptor, _ name: Range<Int>, in buffer: [UInt8]) -> Int {
        (Int(watch.raw) &+ Int(buffer[name.upperBound - 1])) & 7
    }

    /// Adds an event about a name to the run that it continues; false where there is none.
    mutating func extend(_ event: EventHeader, _ name: Range<Int>, in buffer: [UInt8]) -> Bool {
        let slot = Self.slot(event.watch, name, in: buffer)
        guard let run = runs[slot], run.watch == event.watch, buffer[run.name] == buffer[name] else { return false }
        if !run.hasEnded || event.mask != .delete { runs[slot]!.hints.follow(Hints(event.mask)) }
        return true
    }

    /// Begins a run, and gives back the one whose place it takes.
    mutating func begin(_ run: Run, in buffer: [UInt8]) -> Run? {
        let slot = Self.slot(run.watch, run.name, in: buffer)
        defer { runs[slot] = run }
        return runs[slot]
    }

    /// Ends all runs.
    mutating func end(_ note: (Run) -> Void) {
        for slot in runs.indices {
            if let run = runs[slot] { note(run) }
            runs[slot] = nil
        }
    }
}
