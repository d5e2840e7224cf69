import Changes
import Testing

@testable import Capture

/// From what was observed to what is logged and stored.
@Suite struct BatchBuilderTests {
    /// A directory that was seen at another place, and is gone by now, has left the one that the store has it at, also where
    /// nobody can look there: its row would stay behind, of a directory that is none any more.
    @Test(arguments: [true, false]) func whatWasSeenElsewhereAndIsGoneHasLeftItsPlace(isLogged: Bool) throws {
        var trees = Fixture()
        let (unreadable, other) = (trees.add("unreadable"), trees.add("other"))
        let child = trees.add("child", in: unreadable)
        let origin = Place(unreadable, Name("child"))
        var pending = Pending()

        pending.noteOrigin(child, origin)
        trees.tree.detach(child)
        trees.tree.attach(child, at: Place(other, Name("child")))
        pending.noteOrigin(child, Place(other, Name("child")))
        trees.tree.forget(child)
        pending.addGone(child, isLogged: isLogged)

        let batch = try trees.batch(of: pending)
        let before = trees.rows[origin]
        #expect(
            batch.rows == [RowChange(place: origin, entry: nil, child: nil, before: before, transition: nil)])
        #expect(batch.log.map(\.kind) == (isLogged ? [.deleted] : []))
        #expect(batch.log.allSatisfy { $0.place == origin && $0.entry.id == before?.entry.id })
    }

    /// A look at the place says it better.
    @Test func whatWasLookedAtIsToldOnce() throws {
        var trees = Fixture()
        let child = trees.add("child")
        let origin = Place(trees.top, Name("child"))
        var pending = Pending()
        pending.noteOrigin(child, origin)
        trees.tree.forget(child)
        pending.addGone(child, isLogged: true)
        pending.observations[origin] = Observation(
            before: trees.rows[origin], after: .absent, hints: [], isSilent: false, sight: 1)
        let batch = try trees.batch(of: pending)
        #expect(batch.log.map(\.kind) == [.deleted] && batch.rows.count == 1)
    }
}

/// A root with directories that tree and store agree about.
private struct Fixture: StoredState {
    struct Unexpected: Error {}

    let top = NodeID(rawValue: 2)
    var tree = Tree(nextID: 3)
    var rows: [Place: StoredRow] = [:]
    private let root = RootID(rawValue: 1)

    init() {
        let container = NodeID(rawValue: 1)
        tree.addContainer(container, path: Path("/"), root: root)
        tree.add(top, at: Place(container, Name("top")), id: file(top), root: root, coverage: .covered)
    }

    private func file(_ node: NodeID) -> FileID {
        FileID(filesystem: 1, inode: UInt64(node.rawValue), birth: 5)
    }

    mutating func add(_ name: String, in parent: NodeID? = nil) -> NodeID {
        let (node, place) = (NodeID(rawValue: tree.nextID), Place(parent ?? top, Name(name)))
        tree.add(node, at: place, id: file(node), root: root, coverage: .covered)
        let entry = Entry(
            id: file(node), mode: 0o040755, size: 0, mtime: 1, ctime: 1, nlink: 2, uid: 0, gid: 0)
        rows[place] = StoredRow(place: place, entry: entry, child: node)
        return node
    }

    func batch(of pending: Pending) throws -> Batch {
        try BatchBuilder(
            pending, began: Instant(wall: 0, boot: 0), tree: tree, renames: [:], held: [:], unborn: []
        ).build(state: self)
    }

    func row(at place: Place) -> StoredRow? { rows[place] }
    func read(_: inout RowList, of _: NodeID, after _: Name?, limit _: Int) {}
    func rows(linkedTo _: Set<FileID>) throws -> [StoredRow] { throw Unexpected() }
    func linkedRows(of _: some Sequence<NodeID>) throws -> [StoredRow] { throw Unexpected() }
    func rows(ofInodes _: Set<UInt64>) throws -> [StoredRow] { throw Unexpected() }
    func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result { try body() }
    func commit(_: Batch) throws -> Cursor { throw Unexpected() }
}
