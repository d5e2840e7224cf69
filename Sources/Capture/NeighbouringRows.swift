internal import Changes

/// The rows that the state has of several names of one directory, read together: to look one up by its name takes as long as to
/// read six that follow each other.
struct NeighbouringRows {
    /// In the order of the state.
    private var rows = RowList()
    private let node: NodeID
    /// Names up to this one that have no row here have none in the state; nil where that goes for all.
    private let end: Name?

    /// Fewer names are looked up one by one.
    private static let leastNames = 4
    /// Rows that are read for each name, at most: there may be a million between two names.
    private static let reach = 4

    /// Nil where that would not pay.
    init?(of names: some Collection<Name>, in node: NodeID, _ state: some StoredState) throws {
        guard names.count >= Self.leastNames, let first = names.min(by: Name.storageOrder) else { return nil }
        self.node = node
        if let row = try state.row(at: Place(node, first)) {
            rows.append(row.entry, child: row.child, isText: first.isText) { $0 += first.bytes }
        }
        let (before, limit) = (rows.count, min(names.count * Self.reach, Listing.pageSize))
        try state.read(&rows, of: node, after: first, limit: limit)
        end = rows.count - before < limit ? nil : rows.name(rows.count - 1)
    }

    /// The row of one of the names, or that it has none; nil where that has to be looked up.
    subscript(name: Name) -> StoredRow?? {
        if let index = rows.index(of: name, isText: name.isText, in: 0..<rows.count) {
            return .some(rows.stored(index, in: node))
        }
        if let end, !Name.storageOrder(name, end) { return nil }
        return .some(nil)
    }
}
