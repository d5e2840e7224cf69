internal import Changes
internal import Kernel

/// From dirty names to observations.
extension Capture {
    /// Looks at every name that is due and whose directory can be opened and is the one the tree means; goes round, since a look
    /// may say that there are others to be looked at. A name in a directory that is not where the tree has it is parked.
    ///
    /// A file that is written to all the time through many names could keep this going, so it ends after some rounds; the
    /// events of those writes bring it back.
    func resolve(_ state: some StoredState) throws {
        var rounds = 0
        while dirty.isDue && rounds < Self.resolveRounds {
            rounds += 1
            for (node, names) in dirty.takeNames() {
                guard let value = tree[node] else { continue }
                guard value.coverage == .covered, !isAway(node) else {
                    try setAside(names, in: node, state)
                    continue
                }
                voidLooksAhead(at: node)
                let opened = try state.inSnapshot {
                    try withDirectory(node, for: names, state) { directory, foldsCase in
                        if foldsCase { return try observeFolded(node, names, in: directory, state) }
                        let rows = value.hasNoRows ? nil : try NeighbouringRows(of: names.keys, in: node, state)
                        for (name, hints) in names.sorted(by: { $0.key < $1.key }) {
                            try observe(Place(node, name), hints, in: directory, state, row: rows?[name])
                        }
                    }
                }
                if !opened { parked.note(names, in: node) }
                try flushIfLarge(state)
            }
            try seekLinks(state)
        }
    }

    private static let resolveRounds = 64

    /// Runs `body` with the directory of `node` open, and whether that finds names in any case. False when the directory is not
    /// there (yet, or any more), true also when it cannot be looked into, which is a gap from now on: then `names` are kept.
    private func withDirectory(
        _ node: NodeID, for names: [Name: Hints], _ state: some StoredState,
        _ body: (borrowing Descriptor, Bool) throws -> Void
    ) throws -> Bool {
        let directory: OpenedDirectory
        do throws(SystemError) {
            guard let opened = try openToLook(node) else { return false }
            directory = opened
        } catch {
            keepUnseen(names, in: node, error)
            return true
        }
        if let status = directory.status { try refresh(node, status, state) }
        try body(directory.descriptor, foldsCase(directory))
        return true
    }

    /// Opens a directory to look at names in it; for listing where it can be asked only then whether it folds case.
    private func openToLook(_ node: NodeID) throws(SystemError) -> OpenedDirectory? {
        let filesystem = tree[node]?.id.filesystem
        let canFoldCase = devices.values.contains { $0.number == filesystem && $0.canFoldCase }
        do throws(SystemError) {
            return try open(node, for: canFoldCase ? .listing : .anchor)
        } catch {
            guard canFoldCase, error.reach == .denied else { throw error }
            return try open(node, for: .anchor)
        }
    }

    /// Opens the directory of `node`, confirmed by identity: by path alone it could be another one by now (`mv D E; mv X D`),
    /// and its rows would go wrong for ever. Nil when it is not where the tree has it. A container has no status: nothing
    /// but the root's name is known of it.
    func open(_ node: NodeID, for purpose: Descriptor.Purpose) throws(SystemError) -> OpenedDirectory? {
        guard let path = tree.path(of: node), let watched = roots[tree[node]!.root] else { return nil }
        let root = watched.root
        do throws(SystemError) {
            if tree.isContainer(node) {
                return OpenedDirectory(
                    descriptor: try Descriptor(opening: path.shown, for: purpose), purpose: purpose, status: nil)
            }
            // How one gets to the root is the administrator's business; below it no link is followed.
            if node == root.node {
                return try confirmed(Descriptor(opening: root.path.shown, for: purpose), purpose, as: node)
            }
            return try confirmed(
                Descriptor(below: watched.openAnchor().descriptor, opening: root.path.relative(path), for: purpose),
                purpose, as: node)
        } catch {
            if error.reach == .gone { return nil }
            throw error
        }
    }

    private func confirmed(
        _ directory: consuming Descriptor, _ purpose: Descriptor.Purpose, as node: NodeID
    ) throws(SystemError) -> OpenedDirectory? {
        let status = try FileStatus(of: directory)
        guard status.isDirectory else { return nil }
        guard try fileID(status, of: directory) == tree[node]!.id else { return nil }
        return OpenedDirectory(descriptor: directory, purpose: purpose, status: status)
    }

    /// Brings a directory's own row up to date when it is opened: its entries changed, which moves its times and is no
    /// change of the directory. Otherwise the next crawl would take those times for one.
    private func refresh(_ node: NodeID, _ status: FileStatus, _ state: some StoredState) throws {
        guard let place = tree.place(of: node) else { return }
        try record(place, .present(Entry(status, id: tree[node]!.id), child: node), doubtHints(node), state)
    }

    /// Looks at one name and records what is there. `row` is what the state has there, if that was read already.
    func observe(
        _ place: Place, _ hints: Hints, in directory: borrowing Descriptor, _ state: some StoredState,
        row: StoredRow?? = nil
    ) throws {
        guard let status = try status(of: place, hints, in: directory, state, row: row) else { return }
        try found(status, at: place, in: directory, hints, state, row: row)
    }

    /// The status of a name. Nil where it is gone or cannot be told, which has been noted.
    func status(
        of place: Place, _ hints: Hints, in directory: borrowing Descriptor, _ state: some StoredState,
        row: StoredRow?? = nil
    ) throws -> FileStatus? {
        do throws(SystemError) {
            var status = try FileStatus(of: place.name.bytes, in: directory)
            if hints.contains(.deletedLast) && announcesDeletionsEarly {
                ThisProcess.sleep(nanoseconds: Self.deletionPause)
                status = try FileStatus(of: place.name.bytes, in: directory)
            }
            return status
        } catch {
            // Permission to look is missing for all names beside it. Of any other failure a directory that is known says how far
            // it reaches (the root of a mount that fails, say).
            if error.reach == .gone {
                try vanished(place, hints, state, row: row)
            } else {
                let child = error.reach == .denied ? nil : tree.child(at: place)
                noteUnreadable(child ?? place.node, error)
                keepUnseen(place, hints)
            }
            return nil
        }
    }

    /// How long a name may outlive the event of its deletion on the kernels that announce it early, nanoseconds.
    private static let deletionPause: Int64 = 10_000_000

    /// A name that is not there.
    func vanished(
        _ place: Place, _ hints: Hints, _ state: some StoredState, row: StoredRow?? = nil
    ) throws {
        // A root that is not there is a matter of checkRoots: it takes nothing from what is known of it.
        if tree.isContainer(place.node) { return }
        if let child = tree.child(at: place) { detach(child) }
        try record(place, .absent, hints, state, row: row)
    }

    /// A name that is there. `row` is what the state has there, if that was read already.
    func found(
        _ status: FileStatus, at place: Place, in directory: borrowing Descriptor, _ hints: Hints,
        _ state: some StoredState, row: StoredRow?? = nil
    ) throws {
        if tree.isContainer(place.node), tree.child(at: place).flatMap({ tree[$0]?.id }) != fileID(status) { return }
        if ownFiles.contains(OwnFile(device: status.device, inode: status.inode))
            || isExcluded(place, isDirectory: status.isDirectory)
        {
            try foundUncovered(status, at: place, hints, state, row: row)
            return
        }
        let hints = hints.union(doubtHints(place.node)).union(doubtHints(status))
        guard status.isDirectory else {
            if let child = tree.child(at: place) { detach(child) }
            try record(place, .present(entry(status, in: place.node), child: nil), hints, state, row: row)
            return
        }
        guard let child = placeDirectory(status, at: place, in: directory, hints) else { return }
        try record(place, .present(Entry(status, id: tree[child]!.id), child: child), hints, state, row: row)
    }

    /// A name that is there and no part of the journal. What was there before may have been: a pattern can mean directories only.
    private func foundUncovered(
        _ status: FileStatus, at place: Place, _ hints: Hints, _ state: some StoredState, row: StoredRow??
    ) throws {
        noteLinks(ofUncovered: entry(status, in: place.node), hints)
        let row = try row ?? stored(place, state)
        let isGone = row.map { !isExcluded(place, isDirectory: $0.entry.isDirectory) } ?? false
        if let child = tree.child(at: place) { if isGone { detach(child) } else { forgetSilently(child) } }
        try record(place, isGone ? .absent : .excluded, hints, state, row: .some(row))
    }

    /// The row at a place, which is not looked up where the directory has none.
    private func stored(_ place: Place, _ state: some StoredState) throws -> StoredRow? {
        tree[place.node]?.hasNoRows == true ? nil : try state.row(at: place)
    }

    /// Notes what was found at a place beside what the state has there, which is `row` if that was read already.
    func record(
        _ place: Place, _ after: Found, _ hints: Hints, _ state: some StoredState, row: StoredRow?? = nil
    ) throws {
        links.sights += 1
        pending.observeArrival(at: place)
        if var known = pending.observations[place] {
            noteLinks(place, known.before, after, hints, wasSeen: known.after)
            known.after = after
            known.hints.formUnion(hints)
            known.sight = links.sights
            pending.observations[place] = known
            return
        }
        let before = try row ?? stored(place, state)
        noteLinks(place, before, after, hints)
        switch (before, after) {
        case (nil, .absent): return pending.notePassing(place)
        case (nil, .excluded): return
        case (let before?, .present(let entry, let child)):
            if before.entry == entry && before.child == child && hints.isDisjoint(with: [.content, .metadata]) {
                return
            }
        case (nil, .present), (_, .absent), (_, .excluded): break
        }
        pending.observations[place] = Observation(
            before: before, after: after, hints: hints,
            isSilent: isSilent(place.node) || (before == nil && isNewlyCovered(place, after)),
            sight: links.sights)
    }
}

/// A directory that was opened, and what it is.
struct OpenedDirectory: ~Copyable {
    let descriptor: Descriptor
    let purpose: Descriptor.Purpose
    let status: FileStatus?

    init(descriptor: consuming Descriptor, purpose: Descriptor.Purpose, status: FileStatus?) {
        self.descriptor = descriptor
        self.purpose = purpose
        self.status = status
    }
}
