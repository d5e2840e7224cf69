internal import Changes

/// What statx found at a place.
enum Found: Equatable {
    case absent
    case present(Entry, child: NodeID?)
    /// It is there and not part of the journal: excluded, or the journal's own file.
    case excluded

    var isPresent: Bool {
        if case .present = self { true } else { false }
    }

    /// Whether this is the file that `entry` is of.
    func isSameFile(as entry: Entry) -> Bool {
        if case .present(let found, _) = self { found.isSameFile(as: entry) } else { false }
    }
}

/// What was at a place in the state, and what is there now.
struct Observation {
    var before: StoredRow?
    var after: Found
    var hints: Hints
    /// It only updates the state: the crawl that found it begins the coverage of its subtree.
    var isSilent: Bool
    /// The number of the look that saw it last; see ``Links``.
    var sight: Int
}

/// Observations by place, and which directories they are in.
struct Observations: Sequence {
    private var all: [Place: Observation] = [:]
    private var nodes: Set<NodeID> = []

    var count: Int { all.count }
    var isEmpty: Bool { all.isEmpty }
    var places: some Sequence<Place> { all.keys }

    /// Whether there are, or were, any in a directory.
    func has(_ node: NodeID) -> Bool { nodes.contains(node) }

    subscript(place: Place) -> Observation? {
        get { all[place] }
        set {
            all[place] = newValue
            if newValue != nil { nodes.insert(place.node) }
        }
    }

    func inOrder() -> some Sequence<(key: Place, value: Observation)> { all.inOrder() }

    func makeIterator() -> Dictionary<Place, Observation>.Iterator { all.makeIterator() }
}

/// What has been observed and not yet committed. Everything here is relative to the stored state, so that it makes one
/// batch, whatever order it was found in.
struct Pending {
    var source: Source = .event
    var notBefore: Int64?
    var observations = Observations()
    /// Files that were seen for the first time, of which nothing else is to be said.
    var arrivals = Arrivals()
    /// Names that came and went.
    private(set) var passing: [NodeID: Passing] = [:]
    /// Directories in the tree that the store does not have, parents first.
    var born: [NodeID] = []
    private(set) var bornSet: Set<NodeID> = []
    /// Where directories that moved were in the stored state.
    private(set) var origins: [NodeID: Place] = [:]
    /// Directories of the store that are no more, and where those that had moved before were.
    private(set) var gone: [(node: NodeID, origin: Place?, isLogged: Bool)] = []
    var altered: Set<NodeID> = []
    var filesystems: [(id: Int32, key: [UInt8])] = []
    var openedGaps: [OpenedGap] = []
    var closedGaps: [ClosedGap] = []
    var rootStates: [(root: RootID, state: RootState)] = []

    /// Names that the last commit could not take.
    private var heldBack = 0
    /// Names are held in memory up to this number; then a part is committed.
    private static let limit = 32_768

    /// Whether a commit is worth its while: what cannot be committed yet is no reason to try again for every name.
    var isLarge: Bool { isLarge(limit: Self.limit) }
    func isLarge(limit: Int) -> Bool { observations.count - heldBack + arrivals.count >= limit }

    var isEmpty: Bool {
        observations.isEmpty && arrivals.isEmpty && passing.isEmpty && born.isEmpty && origins.isEmpty && gone.isEmpty
            && altered.isEmpty && filesystems.isEmpty
            && openedGaps.isEmpty && closedGaps.isEmpty && rootStates.isEmpty
    }

    mutating func notePassing(_ place: Place) { passing[place.node, default: .names([])].insert(place.name) }

    /// Makes observations of the arrivals that are wanted, of the directories that are.
    mutating func observeArrivals(
        of isMeant: (NodeID) -> Bool = { _ in true }, where isWanted: (Entry) -> Bool = { _ in true }
    ) {
        guard !arrivals.isEmpty else { return }
        arrivals.take(of: isMeant, where: isWanted) { row, isLogged in
            observations[row.place] = Observation(
                before: nil, after: .present(row.entry, child: nil), hints: .listed, isSilent: !isLogged, sight: 0)
        }
    }

    /// The same for one place.
    mutating func observeArrival(at place: Place) {
        guard let (entry, isLogged) = arrivals.take(place) else { return }
        observations[place] = Observation(
            before: nil, after: .present(entry, child: nil), hints: .listed, isSilent: !isLogged, sight: 0)
    }

    mutating func addBorn(_ node: NodeID) {
        born.append(node)
        bornSet.insert(node)
    }

    /// Notes where a directory that is taken from its place was, if the store has it there.
    mutating func noteOrigin(_ node: NodeID, _ place: Place) {
        if !bornSet.contains(node) && origins[node] == nil { origins[node] = place }
    }

    /// Notes that a directory is no more.
    mutating func addGone(_ node: NodeID, isLogged: Bool) {
        let origin = origins.removeValue(forKey: node)
        altered.remove(node)
        if bornSet.remove(node) != nil {
            born.removeAll { $0 == node }
        } else {
            gone.append((node, origin, isLogged))
        }
    }

    /// Takes everything, but for the observations and origins of the directories in `held`, and all about those in `unborn`:
    /// these stay.
    mutating func take(holding held: [NodeID: Place], unborn: Set<NodeID>) -> Pending {
        if !unborn.isEmpty { observeArrivals(of: unborn.contains) }
        var taken = self
        self = Pending()
        source = taken.source
        notBefore = taken.notBefore
        for (node, place) in held {
            origins[node] = place
            taken.origins[node] = nil
            if let observation = taken.observations[place] { observations[place] = observation }
            taken.observations[place] = nil
        }
        if !unborn.isEmpty {
            for node in taken.born where unborn.contains(node) { addBorn(node) }
            taken.born.removeAll(where: unborn.contains)
            taken.bornSet.subtract(unborn)
            openedGaps = taken.openedGaps.filter { unborn.contains($0.node) }
            taken.openedGaps.removeAll { unborn.contains($0.node) }
            for (place, observation) in taken.observations where unborn.contains(place.node) {
                observations[place] = observation
                taken.observations[place] = nil
            }
        }
        heldBack = observations.count
        return taken
    }
}
