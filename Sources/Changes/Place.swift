/// The number of a directory of the watched trees. It stays the same when the directory is renamed, and while a watcher
/// runs none is used twice. The next one begins above those that are stored, so that the number of a directory that is
/// gone may come again: nothing that outlives a directory may keep it. The log has paths.
package struct NodeID: OwnNumber, Comparable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (a: NodeID, b: NodeID) -> Bool { a.rawValue < b.rawValue }
}

/// The number of a root.
package struct RootID: OwnNumber {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// The number of a gap.
package struct GapID: OwnNumber {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A number that the journal gave out itself.
package protocol OwnNumber: RawRepresentable<Int64>, Hashable, Sendable {}

extension OwnNumber {
    package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// What dictionaries ask for. Nodes and roots are looked up for every name and event, and SipHash took longer than the rest of
    /// the look-up. It keeps strangers from choosing keys that collide; these are our own, so a multiplication will do.
    package func _rawHashValue(seed: Int) -> Int {
        let mixed = (UInt64(bitPattern: rawValue) ^ UInt64(bitPattern: Int64(seed))) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed ^ (mixed >> 32))
    }
}

/// A name in a directory, wherever that directory is now: the key of the state.
package struct Place: Hashable, Sendable, Comparable {
    package var node: NodeID
    package var name: Name

    package init(_ node: NodeID, _ name: Name) {
        self.node = node
        self.name = name
    }

    package static func < (a: Place, b: Place) -> Bool { a.node == b.node ? a.name < b.name : a.node < b.node }
}

/// One row of the state: what is known to be at a place.
package struct StoredRow: Sendable, Equatable {
    package var place: Place
    package var entry: Entry
    /// The node of a directory.
    package var child: NodeID?

    package init(place: Place, entry: Entry, child: NodeID?) {
        self.place = place
        self.entry = entry
        self.child = child
    }
}

/// What Capture asks of the stored state, and how it hands over what it found. Answers are as of the last commit.
package protocol StoredState {
    /// The row at a place.
    func row(at place: Place) throws -> StoredRow?
    /// Reads the rows of a directory behind the name `after`, in the order of ``Name/storageOrder(_:_:)``, at most `limit`.
    func read(_ page: inout RowList, of node: NodeID, after: Name?, limit: Int) throws
    /// All rows of these inodes that are known to have more than one link.
    func rows(linkedTo files: Set<FileID>) throws -> [StoredRow]
    /// The rows of directories whose inodes are known to have more than one link.
    func linkedRows(of nodes: some Sequence<NodeID>) throws -> [StoredRow]
    /// All rows of these inode numbers; reads the whole state.
    func rows(ofInodes inodes: Set<UInt64>) throws -> [StoredRow]
    /// Runs `body` with one snapshot for all that it reads, up to its first commit: each read would take the locks anew.
    func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result
    /// Commits a batch in one transaction.
    func commit(_ batch: Batch) throws -> Cursor
}

extension Name {
    /// The order in which SQLite keeps names: TEXT (valid UTF-8) before BLOB, each by its bytes.
    package static func storageOrder(_ a: Name, _ b: Name) -> Bool {
        let (aIsText, bIsText) = (a.isText, b.isText)
        return aIsText == bIsText ? a < b : aIsText
    }

    /// Whether the name is stored as TEXT.
    package var isText: Bool { bytes.allSatisfy { $0 < 0x80 } || bytes.validText != nil }
}
