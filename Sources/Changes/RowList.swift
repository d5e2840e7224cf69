/// Rows of the state, flat: the names lie one behind the other, so that thousands of rows take two allocations.
///
/// What moves in bulk, the rows of a directory that is compared and the files of one that is new, moves in these. A row with
/// a name of its own, ``StoredRow``, is for what takes thought.
package struct RowList: Sendable {
    /// One row.
    package struct Row: Sendable {
        package var entry: Entry
        /// The node of a directory.
        package var child: NodeID?
        fileprivate var start: Int32
        fileprivate var count: Int32
        /// Whether the name is valid UTF-8, and stored as TEXT.
        package var isText: Bool

        /// Where the name lies in ``RowList/bytes``.
        package var range: Range<Int> { Int(start)..<Int(start + count) }
    }

    /// The names, one behind the other.
    package private(set) var bytes: [UInt8] = []
    package private(set) var rows: [Row] = []

    package init() {}

    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }

    package subscript(index: Int) -> Row { rows[index] }

    package func name(_ index: Int) -> Name { Name(Array(bytes[rows[index].range])) }

    /// The row with a name of its own.
    package func stored(_ index: Int, in node: NodeID) -> StoredRow {
        StoredRow(place: Place(node, name(index)), entry: rows[index].entry, child: rows[index].child)
    }

    /// Adds a row whose name `append` adds to the bytes.
    package mutating func append(
        _ entry: Entry, child: NodeID? = nil, isText: Bool, name append: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        append(&bytes)
        rows.append(
            Row(
                entry: entry, child: child, start: Int32(start), count: Int32(bytes.count - start), isText: isText))
    }

    /// Where a name is among rows that are in the order of their names.
    package func index(of name: Name, isText: Bool, in range: Range<Int>) -> Int? {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if isBefore(middle, name, isText) { low = middle + 1 } else { high = middle }
        }
        return low < range.upperBound && bytes[rows[low].range].elementsEqual(name.bytes) ? low : nil
    }

    private func isBefore(_ index: Int, _ name: Name, _ isText: Bool) -> Bool {
        let row = rows[index]
        if row.isText != isText { return row.isText }
        return precedes(bytes[row.range], name.bytes)
    }

    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
    }
}
