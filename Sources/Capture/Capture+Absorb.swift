internal import Changes
internal import Kernel

/// From what the kernel said to dirty names.
extension Capture {
    /// Reads all that is queued now and adds it to the dirty names; returns the last read, without what has been added.
    @discardableResult
    func absorbQueued() throws -> Drain.Take {
        let request = drain.request()
        while true {
            var take = try drain.take()
            absorb(take)
            take.buffers = []
            if take.completed >= request { return take }
            _ = try drain.wakeWork.wait(timeout: 1000)
        }
    }

    /// Folds events into dirty names; the state of the file system is not looked at here.
    func absorb(_ take: Drain.Take) {
        links.latest = [:]
        noteWatchesAhead()
        let ahead = Set(crawls.lazy.flatMap(\.ahead).map(\.node))
        let ended = directoriesThatEnded(in: take.buffers)
        for buffer in take.buffers {
            var runs = EventRuns()
            // Most events are about the directory that the one before was about.
            var last: (watch: WatchDescriptor, node: NodeID, hasEnded: Bool)?
            func note(_ run: EventRuns.Run) { dirty.note(Place(run.node, Name(Array(buffer[run.name]))), run.hints) }
            decodeEvents(buffer) { event, name in
                // An audit wants to hear of each event.
                let isPlain = EventRuns.adds(event.mask) && !name.isEmpty && audit == nil
                if isPlain, runs.extend(event, name, in: buffer) { return }
                // What comes next may ask what has been said.
                if !isPlain { runs.end(note) }
                if event.mask.contains(.queueOverflow) { return noteOverflow() }
                if last?.watch != event.watch {
                    // An unknown watch is a stale event's: what it told of has been listed anew or is gone.
                    guard let node = tree.node(watchedBy: event.watch) else { return }
                    if ahead.contains(node) { voidLooksAhead(at: node) }
                    last = (event.watch, node, ended.contains(node))
                }
                let (node, hasEnded) = (last!.node, last!.hasEnded)
                // It may change which watch is whose.
                if !isPlain { last = nil }
                if isPlain {
                    if hasEnded, event.mask == .delete { return }
                    let run = EventRuns.Run(
                        watch: event.watch, node: node, name: name, hints: Hints(event.mask), hasEnded: hasEnded)
                    if let other = runs.begin(run, in: buffer) { note(other) }
                } else if event.mask.contains(.unmount) {
                    noteUnmount(node)
                } else if event.mask.contains(.ignored) {
                    if let place = tree.place(of: node) { audit?.note(place, event.mask) }
                    tree.setWatch(node, nil)
                    if let place = tree.place(of: node), !ended.contains(place.node) { dirty.note(place, []) }
                } else if name.isEmpty {
                    noteSelf(node, event.mask)
                } else if event.mask == [.delete, .isDirectory], hasEnded, audit == nil {
                    return
                } else {
                    noteName(Place(node, Name(Array(buffer[name]))), event)
                }
            }
            runs.end(note)
        }
    }

    /// An event about a name.
    private func noteName(_ place: Place, _ event: EventHeader) {
        audit?.note(place, event.mask)
        dirty.note(place, Hints(event.mask))
        if event.mask.contains(.movedFrom) {
            let seen = (pending.observations[place]?.hints ?? []).union(unseen[place] ?? [])
            dirty.noteRename(from: place, cookie: event.cookie, seen: seen.union(parked[place] ?? []))
        }
        if event.mask.contains(.movedTo) { dirty.noteRename(to: place, cookie: event.cookie) }
    }

    /// The directories that have been deleted by the end of what was read. What was in such a one is gone with it, so that
    /// nobody need look at each name of which a deletion was told: `rm -rf` leaves one where there were thousands.
    ///
    /// Without birth times another directory could be taken for it, once its inode number is used again.
    private func directoriesThatEnded(in buffers: [[UInt8]]) -> Set<NodeID> {
        var (deleted, ended): (Set<WatchDescriptor>, Set<NodeID>) = ([], [])
        for buffer in buffers {
            decodeEvents(buffer) { event, _ in
                if event.mask.contains(.deleteSelf) { deleted.insert(event.watch) }
                // Alone it tells of an unmount, or of a watch that was removed.
                if event.mask.contains(.ignored), deleted.contains(event.watch),
                    let node = tree.node(watchedBy: event.watch), tree[node]!.id.birth != 0
                {
                    ended.insert(node)
                }
            }
        }
        return ended
    }

    /// An event about a watched directory itself. Names are the parent's business, so DELETE_SELF and MOVE_SELF decide
    /// nothing. A root has no parent that would tell: its attributes are taken here, and whether it is there by checkRoots.
    private func noteSelf(_ node: NodeID, _ mask: EventMask) {
        guard let place = tree.place(of: node) else { return }
        audit?.note(place, mask)
        guard tree.isContainer(place.node) else { return }
        if mask.contains(.attrib) { dirty.note(place, .metadata) }
    }

    /// The kernel dropped events: nothing between the last complete read and this one is vouched for.
    private func noteOverflow() {
        overflows += 1
        notify(.overflow)
        for watched in roots.values { reconcile(watched, cause: .overflow) }
    }
}
