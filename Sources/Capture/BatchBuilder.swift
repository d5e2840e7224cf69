internal import Changes

/// Turns what was observed into what is to be logged and stored: the way from the state before to the state after.
///
/// Each place is looked at on both sides. The file that was there before *departed* if it is not there any more; the
/// file that is there now *arrived* if it was not there before; else it *stayed*. A file that departed from one place and
/// arrived at another was renamed. What is left of the departed is deleted, what is left of the arrived created, and
/// where both are left at one place it was replaced: modified, by another inode. So every path is at most once "before"
/// and at most once "after" in a batch, and chains, exchanges and replacements (`mv a b; mv b c`, RENAME_EXCHANGE, an
/// editor's save) need no rule of their own.
struct BatchBuilder {
    private var pending: Pending
    private let tree: Tree
    private let renames: [Place: Place]
    private let held: [NodeID: Place]
    /// Directories that the store does not have yet, and does not get now.
    private let unborn: Set<NodeID>
    private var batch: Batch
    /// The nearest renamed directory at or above each directory whose path changed.
    private var movers: [NodeID: NodeID] = [:]
    private let goneNodes: Set<NodeID>
    private var departed: [Place: StoredRow] = [:]
    private var arrived: [Place: (entry: Entry, child: NodeID?)] = [:]
    /// Where something arrived, whatever becomes of it here.
    private var arrivedAt: Set<Place> = []
    private var silent: Set<Place> = []
    /// Places of directories that moved or went that stand in the log by themselves.
    private var excepted: [NodeID: [Name]] = [:]
    private var ranked: [(rank: Rank, transition: Transition, row: Int?)] = []

    /// The order of the log within a batch, for those who apply it in order though its rows are simultaneous.
    private enum Rank: Int { case deleted, renamedDirectory, renamed, other }

    init(
        _ pending: Pending, began: Instant, tree: Tree, renames: [Place: Place], held: [NodeID: Place],
        unborn: Set<NodeID>
    ) {
        self.unborn = unborn
        self.pending = pending
        self.tree = tree
        self.renames = renames
        self.held = held
        goneNodes = Set(pending.gone.map(\.node))
        batch = Batch(source: pending.source, began: began, notBefore: pending.notBefore)
        batch.filesystems = pending.filesystems
        batch.openedGaps = pending.openedGaps
        batch.closedGaps = pending.closedGaps
        batch.rootStates = pending.rootStates
    }

    consuming func build(state: some StoredState) throws -> Batch {
        findMovers()
        observeArrivals()
        for (place, observation) in pending.observations.inOrder() { sort(place, observation) }
        arrivedAt = Set(arrived.keys)
        try findUnseenDepartures(state: state)
        try findDeparturesInGoneDirectories(state: state)
        matchRenames()
        addLeftOvers()
        addNodes()
        return finish()
    }

    /// Every directory below a renamed one has another path.
    private mutating func findMovers() {
        let renamed = pending.origins.filter {
            held[$0.key] == nil && tree.place(of: $0.key) != nil && tree.place(of: $0.key) != $0.value
        }
        let tops = renamed.keys.map { (depth: depth($0), node: $0) }.sorted { $0.depth < $1.depth }
        for top in tops {
            for node in storedSubtree(top.node) where !pending.bornSet.contains(node) && !unborn.contains(node) {
                movers[node] = top.node
            }
        }
    }

    /// A directory and all below it, those that are held at a place below it included: for the store they are still there.
    private func storedSubtree(_ top: NodeID) -> [NodeID] {
        var all = tree.subtree(top)
        guard !held.isEmpty else { return all }
        var found = Set(all)
        while let (node, _) = held.first(where: { found.contains($1.node) && !found.contains($0) }) {
            let more = tree.subtree(node)
            all += more
            found.formUnion(more)
        }
        return all
    }

    private func depth(_ node: NodeID) -> Int {
        var (depth, node) = (0, node)
        while let parent = tree[node]?.parent { (depth, node) = (depth + 1, parent) }
        return depth
    }

    /// Arrivals in a directory that moved or went are told beside it, and those that departed elsewhere are renamed.
    private mutating func observeArrivals() {
        if pending.arrivals.isEmpty { return }
        // What was in a directory that is gone may be anywhere.
        let hasGone = !goneNodes.isEmpty
        pending.observeArrivals(of: { [tree, movers] in hasGone || movers[$0] != nil || tree[$0] == nil })
        let departed = Set(
            pending.observations.lazy.compactMap { $1.before }.filter { $0.child == nil }.map(\.entry.id))
        if !departed.isEmpty { pending.observeArrivals(where: { departed.contains($0.id) }) }
    }

    /// Sorts one place into stayed, departed and arrived.
    private mutating func sort(_ place: Place, _ observation: Observation) {
        if observation.isSilent { silent.insert(place) }
        except(place)
        // Whatever was seen in a directory that has gone since has gone with it, or turned up elsewhere; and so has a directory
        // that was seen here and elsewhere since. What took its place is looked at next.
        var isGone = tree[place.node] == nil
        if case .present(_, let child?) = observation.after, tree.place(of: child) != place { isGone = true }
        switch (observation.before, isGone ? .absent : observation.after) {
        case (nil, .absent):
            pending.notePassing(place)
        case (nil, .excluded):
            break
        case (let before?, .absent):
            departed[place] = before
        case (let before?, .excluded):
            addRow(place, nil, child: nil, before: before)
        case (nil, .present(let entry, let child)):
            arrived[place] = (entry, child)
        case (let before?, .present(let entry, let child)):
            // A root that was replaced by another directory keeps its node.
            if before.child == child && (child != nil || before.entry.isSameFile(as: entry)) {
                addStayed(place, before, entry, child, observation)
            } else {
                departed[place] = before
                arrived[place] = (entry, child)
            }
        }
    }

    /// A place that stands in the log by itself is not told once more with its directory.
    private mutating func except(_ place: Place) {
        if movers[place.node] != nil || goneNodes.contains(place.node) {
            excepted[place.node, default: []].append(place.name)
        }
    }

    private mutating func addStayed(
        _ place: Place, _ before: StoredRow, _ entry: Entry, _ child: NodeID?, _ observation: Observation
    ) {
        let difference = before.entry.difference(to: entry, hints: observation.hints)
        let mover = movers[place.node]
        if entry == before.entry && difference.isEmpty && mover == nil { return }
        let row = addRow(place, entry, child: child, before: before)
        guard !observation.isSilent else { return }
        if let mover {
            add(
                .renamed,
                Transition(
                    kind: .renamed, difference: difference, place: place, oldPlace: place, entry: entry, child: child,
                    mover: mover), row)
        } else if !difference.isEmpty {
            let kind: Kind = difference.contains(.content) ? .modified : .attrib
            add(
                .other,
                Transition(
                    kind: kind, difference: difference, place: place, entry: entry, child: child,
                    prior: before.entry.id == entry.id ? nil : before.entry.id), row)
        }
    }

    /// A directory that was seen at another place has left the one it was at, though nobody could look there; and that also
    /// where it is gone by now.
    private mutating func findUnseenDepartures(state: some StoredState) throws {
        for (node, old) in pending.origins.sorted(by: { $0.value < $1.value }) {
            guard let place = tree.place(of: node), place != old, arrived[place]?.child == node else { continue }
            try depart(node, unseen: old, state)
        }
        for (node, origin, isLogged) in pending.gone {
            guard let origin else { continue }
            if try depart(node, unseen: origin, state), !isLogged { silent.insert(origin) }
        }
    }

    /// Takes a directory from where the store has it. False where a look has told that already.
    @discardableResult
    private mutating func depart(_ node: NodeID, unseen old: Place, _ state: some StoredState) throws -> Bool {
        guard pending.observations[old] == nil, let row = try state.row(at: old), row.child == node else {
            return false
        }
        departed[old] = row
        except(old)
        return true
    }

    /// A file that arrived may have come from a directory that is gone, where nobody looked at it.
    private mutating func findDeparturesInGoneDirectories(state: some StoredState) throws {
        guard !arrived.isEmpty, !pending.gone.isEmpty else { return }
        let sought = Set(arrived.values.lazy.filter { $0.child == nil }.map(\.entry.id))
        for node in pending.gone.map(\.node) {
            let known = Set(excepted[node] ?? [])
            try state.forEachPage(of: node) { rows in
                for index in 0..<rows.count where rows[index].child == nil && sought.contains(rows[index].entry.id) {
                    let row = rows.stored(index, in: node)
                    if known.contains(row.place.name) { continue }
                    departed[row.place] = row
                    except(row.place)
                }
            }
        }
    }

    /// Pairs the departed with the arrived: directories by their node, files by inode and birth time, and on file systems
    /// without birth times only where a rename event said so too.
    private mutating func matchRenames() {
        if departed.isEmpty { return }
        var byChild: [NodeID: Place] = [:]
        var byFile: [FileID: [Place]] = [:]
        for (place, value) in arrived.inOrder().reversed() {
            if let child = value.child {
                byChild[child] = place
            } else {
                byFile[value.entry.id, default: []].append(place)
            }
        }
        for (old, before) in departed.inOrder() {
            let new: Place?
            if let child = before.child {
                new = byChild.removeValue(forKey: child)
            } else if before.entry.id.birth != 0 {
                new = byFile[before.entry.id]?.popLast()
            } else {
                new = byFile[before.entry.id]?.first { renames[$0] == old }
            }
            guard let new, let (entry, child) = arrived.removeValue(forKey: new) else { continue }
            departed[old] = nil
            addRename(from: old, before, to: new, entry, child)
        }
    }

    private mutating func addRename(
        from old: Place, _ before: StoredRow, to new: Place, _ entry: Entry, _ child: NodeID?
    ) {
        // What departs from a place where something else arrived is overwritten there, not dropped.
        if !arrivedAt.contains(old), !goneNodes.contains(old.node) {
            addRow(old, nil, child: nil, before: before)
        }
        let row = addRow(new, entry, child: child, before: pending.observations[new]?.before)
        // Where only one side is covered, the file came out of nowhere or went there.
        switch (silent.contains(old), silent.contains(new)) {
        case (true, true): return
        case (false, true):
            return add(
                .deleted, Transition(kind: .deleted, difference: .all, place: old, entry: before.entry, child: child),
                nil)
        case (true, false):
            return add(
                .other, Transition(kind: .created, difference: .all, place: new, entry: entry, child: child), row)
        case (false, false): break
        }
        let difference = before.entry.difference(
            to: entry, hints: hints(of: new).union(hints(of: old)), isRenamed: true)
        add(
            child == nil ? .renamed : .renamedDirectory,
            Transition(kind: .renamed, difference: difference, place: new, oldPlace: old, entry: entry, child: child),
            row)
    }

    private func hints(of place: Place) -> Hints { pending.observations[place]?.hints ?? [] }

    /// What nobody claimed: deleted, created, or replaced where both are at one place that kept its path.
    private mutating func addLeftOvers() {
        for (place, before) in departed.inOrder() {
            if movers[place.node] == nil, !goneNodes.contains(place.node), let (entry, child) = arrived[place] {
                arrived[place] = nil
                let row = addRow(place, entry, child: child, before: before)
                if silent.contains(place) { continue }
                add(
                    .other,
                    Transition(
                        kind: .modified, difference: before.entry.replacement(by: entry), place: place, entry: entry,
                        child: child, prior: before.entry.id), row)
            } else {
                if !goneNodes.contains(place.node), !arrivedAt.contains(place) {
                    addRow(place, nil, child: nil, before: before)
                }
                if silent.contains(place) { continue }
                add(
                    .deleted,
                    Transition(
                        kind: .deleted, difference: .all, place: place, entry: before.entry, child: before.child), nil)
            }
        }
        for (place, (entry, child)) in arrived.inOrder() {
            let row = addRow(place, entry, child: child, before: pending.observations[place]?.before)
            if silent.contains(place) { continue }
            add(.other, Transition(kind: .created, difference: .all, place: place, entry: entry, child: child), row)
        }
    }

    private mutating func addNodes() {
        for node in pending.born {
            guard let value = tree[node], let path = tree.path(of: node, detachedAt: held) else { continue }
            batch.nodes.append(
                .born(node, parent: value.parent, root: value.root, path: path, id: value.id, coverage: value.coverage))
        }
        for (node, mover) in movers.sorted(by: { $0.key < $1.key }) {
            guard let parent = held[node]?.node ?? tree[node]?.parent, let path = tree.path(of: node, detachedAt: held)
            else { continue }
            batch.nodes.append(
                .relocated(
                    node, parent: parent, path: path, mover: mover, except: excepted[node] ?? [],
                    logged: !(tree.place(of: mover).map(silent.contains) ?? false)))
        }
        for (node, _, isLogged) in pending.gone {
            batch.nodes.append(.gone(node, except: excepted[node] ?? [], logged: isLogged))
        }
        for node in pending.altered.sorted() where !pending.bornSet.contains(node) {
            if let value = tree[node] { batch.nodes.append(.altered(node, id: value.id, coverage: value.coverage)) }
        }
    }

    @discardableResult
    private mutating func addRow(_ place: Place, _ entry: Entry?, child: NodeID?, before: StoredRow?) -> Int {
        batch.rows.append(RowChange(place: place, entry: entry, child: child, before: before, transition: nil))
        return batch.rows.count - 1
    }

    private mutating func add(_ rank: Rank, _ transition: Transition, _ row: Int?) {
        ranked.append((rank, transition, row))
    }

    private consuming func finish() -> Batch {
        var batch = batch
        batch.arrivals = pending.arrivals.sorted()
        batch.passing = pending.passing
        let order = ranked.indices.sorted { (ranked[$0].rank.rawValue, $0) < (ranked[$1].rank.rawValue, $1) }
        batch.log.reserveCapacity(order.count)
        for index in order {
            if let row = ranked[index].row { batch.rows[row].transition = batch.log.count }
            batch.log.append(ranked[index].transition)
        }
        return batch
    }
}

extension Dictionary where Key: Comparable {
    /// What it holds in the order of the keys. To sort the pairs themselves would move each many times, and they may be large;
    /// to sort the keys and look each up would hash it once more.
    func inOrder() -> some BidirectionalCollection<Element> {
        indices.sorted { keys[$0] < keys[$1] }.lazy.map { self[$0] }
    }
}
