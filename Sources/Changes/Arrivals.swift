/// Files that were seen where the state has no row, and of which nothing else is to be said: no directories, and no other
/// names. In a new directory that is nearly all there is.
///
/// They go from the listing to the tables as they are. Whatever is said of one later, before it is committed, takes it out.
package struct Arrivals: Sendable {
    /// Rows that follow each other, of one directory, in the order of its names.
    package struct Group: Sendable {
        package let node: NodeID
        package fileprivate(set) var rows: Range<Int>
        /// Whether they are told as created, or only fill the state.
        package let isLogged: Bool
    }

    package private(set) var list = RowList()
    package private(set) var groups: [Group] = []
    private var groupsOf: [NodeID: [Int]] = [:]
    /// Rows that were taken out.
    private var taken: Set<Int> = []

    package init() {}

    /// Rows that are left.
    package var count: Int { list.count - taken.count }
    package var isEmpty: Bool { count == 0 }
    /// Those that are told as created.
    package var logged: Int { groups.reduce(0) { $1.isLogged ? $0 + $1.rows.count : $0 } }

    /// Begins the rows of a directory.
    package mutating func begin(_ node: NodeID, isLogged: Bool) {
        groupsOf[node, default: []].append(groups.count)
        groups.append(Group(node: node, rows: list.count..<list.count, isLogged: isLogged))
    }

    /// Adds a row to the directory that was begun last, in the order of the names.
    package mutating func append(_ entry: Entry, isText: Bool, name append: (inout [UInt8]) -> Void) {
        list.append(entry, isText: isText, name: append)
        groups[groups.count - 1].rows = groups[groups.count - 1].rows.lowerBound..<list.count
    }

    /// Whether there were any in a directory.
    package func has(_ node: NodeID) -> Bool { groupsOf[node] != nil }

    private func isLeft(_ row: Int) -> Bool { taken.isEmpty || !taken.contains(row) }

    /// What is left, without directories of which nothing is, in the order of the state: new rows are written fastest in the
    /// order in which they are kept.
    package func sorted() -> Arrivals {
        var sorted = self
        if !taken.isEmpty {
            sorted = Arrivals()
            for group in groups {
                sorted.begin(group.node, isLogged: group.isLogged)
                for row in group.rows where isLeft(row) {
                    sorted.append(list[row].entry, isText: list[row].isText) { $0 += list.bytes[list[row].range] }
                }
            }
        }
        sorted.groups.removeAll(where: \.rows.isEmpty)
        sorted.groups.sort { $0.node < $1.node }
        sorted.groupsOf = [:]
        return sorted
    }

    /// Whether there is a row of a place.
    package func has(_ place: Place) -> Bool { find(place) != nil }

    /// Takes out the row of a place, if it is one of these.
    package mutating func take(_ place: Place) -> (entry: Entry, isLogged: Bool)? {
        guard let (row, group) = find(place) else { return nil }
        taken.insert(row)
        return (list[row].entry, groups[group].isLogged)
    }

    private func find(_ place: Place) -> (row: Int, group: Int)? {
        guard !groupsOf.isEmpty, let candidates = groupsOf[place.node] else { return nil }
        let isText = place.name.isText
        for group in candidates {
            if let row = list.index(of: place.name, isText: isText, in: groups[group].rows), isLeft(row) {
                return (row, group)
            }
        }
        return nil
    }

    /// Takes out all rows that are wanted, of the directories that are.
    package mutating func take(
        of isMeant: (NodeID) -> Bool, where isWanted: (Entry) -> Bool,
        _ body: (StoredRow, _ isLogged: Bool) -> Void
    ) {
        for group in groups where isMeant(group.node) {
            for row in group.rows where isLeft(row) && isWanted(list[row].entry) {
                taken.insert(row)
                body(list.stored(row, in: group.node), group.isLogged)
            }
        }
    }

    /// The places of those that are wanted.
    package func places(where isWanted: (NodeID, Entry) -> Bool) -> [(place: Place, entry: Entry)] {
        var found: [(place: Place, entry: Entry)] = []
        for group in groups {
            for row in group.rows where isLeft(row) && isWanted(group.node, list[row].entry) {
                found.append((Place(group.node, list.name(row)), list[row].entry))
            }
        }
        return found
    }
}
