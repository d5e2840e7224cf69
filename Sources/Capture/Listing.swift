internal import Changes
internal import Kernel

extension StoredState {
    /// Reads all rows of a directory, page by page.
    func forEachPage(of node: NodeID, _ body: (RowList) -> Void) throws {
        var page = RowList()
        var last: Name?
        repeat {
            page.removeAll()
            try read(&page, of: node, after: last, limit: Listing.pageSize)
            body(page)
            last = page.isEmpty ? nil : page.name(page.count - 1)
        } while page.count == Listing.pageSize
    }
}

/// The names of one directory, on the way to be compared with the rows that the state has of it.
final class Listing {
    let node: NodeID
    var names: DirectoryListing
    /// It finds names in any case; see ``Capture/observeFolded(_:_:otherwise:in:_:)``.
    let isFolded: Bool
    /// How many of the names have been gone through.
    var next = 0
    /// Up to where names and rows have been gone through.
    private(set) var last: Name?
    /// The page that comes next has just been looked at.
    private var hasLooked: Bool
    /// The directory as it was opened to be listed, for the look at the first page: no longer, since it keeps its file system
    /// mounted.
    var opened: OpenedDirectory?

    /// Names looked at before events and barriers get their turn: about 10 ms.
    static let pageSize = 4096

    /// `hasLooked` says that the first page has just been looked at.
    init(node: NodeID, names: DirectoryListing, isFolded: Bool, hasLooked: Bool = false) {
        self.node = node
        self.names = names
        self.isFolded = isFolded
        self.hasLooked = hasLooked
    }

    private var page: Range<Int> { next..<min(next + Self.pageSize, names.count) }
    /// Whether the page that comes next has to be looked at before ``forEachOfPage(_:_:)``.
    var needsLook: Bool { !hasLooked && !page.isEmpty }

    /// Looks at the page that comes next; what is seen has to be used before newer events are.
    func look(in directory: borrowing Descriptor) {
        names.look(at: page, in: directory)
        hasLooked = true
    }

    /// Goes through the next page of a directory: its names and the rows behind ``last``, in one order. A name without a row
    /// has no second number, a row without a name no first: such a row is looked at all the same, since readdir says nothing
    /// about names that come and go while it runs. True when the directory is done.
    ///
    /// Between pages others have their turn, so that rows may come; each page reads its own.
    func forEachOfPage(_ rows: RowList, _ body: (_ name: Int?, _ row: Int?) -> Void) -> Bool {
        defer { hasLooked = false }
        let (names, end) = (names, page.upperBound)
        var row = 0
        var isLastARow = false
        while row < rows.count {
            let order = next < names.count ? names.order(next, rows[row].isText, rows.bytes, rows[row].range) : 1
            if order <= 0 && next == end { break }
            body(order > 0 ? nil : next, order < 0 ? nil : row)
            isLastARow = order > 0
            if order <= 0 { next += 1 }
            if order >= 0 { row += 1 }
        }
        if row == rows.count && rows.count < Self.pageSize {
            while next < end {
                isLastARow = false
                body(next, nil)
                next += 1
            }
            if next == names.count { return true }
        }
        last = isLastARow ? rows.name(row - 1) : Name(names.name(next - 1))
        return false
    }
}
