internal import Changes

/// Names with what was said of them, by directory: a directory that is gone takes all of its names along at once.
struct HintedNames {
    private(set) var directories: [NodeID: [Name: Hints]] = [:]

    var isEmpty: Bool { directories.isEmpty }
    var nodes: some Collection<NodeID> { directories.keys }

    subscript(place: Place) -> Hints? { directories.isEmpty ? nil : directories[place.node]?[place.name] }

    /// Adds what was said last.
    mutating func note(_ place: Place, _ hints: Hints) {
        directories[place.node, default: [:]][place.name, default: []].follow(hints)
    }

    /// Adds what was said last of names in one directory.
    mutating func note(_ names: [Name: Hints], in node: NodeID) {
        if names.isEmpty { return }
        if directories[node] == nil {
            directories[node] = names
        } else {
            directories[node]!.merge(names) { $0.followed(by: $1) }
        }
    }

    mutating func remove(_ place: Place) -> Hints? {
        guard let hints = directories[place.node]?.removeValue(forKey: place.name) else { return nil }
        if directories[place.node]!.isEmpty { directories[place.node] = nil }
        return hints
    }

    /// Takes out all names of one directory.
    @discardableResult
    mutating func removeAll(in node: NodeID) -> [Name: Hints]? { directories.removeValue(forKey: node) }

    mutating func removeAll() { directories.removeAll(keepingCapacity: true) }
}
