internal import Changes
internal import Kernel

/// One directory of the watched trees. (An object of its own: a dictionary has room for up to three times as many values as
/// there are, and each look at one would copy it.)
final class Node {
    /// The directory it lies in; nil for a container, and while nobody knows where the directory went.
    var parent: NodeID?
    var name: Name
    var id: FileID
    let root: RootID
    var coverage: Coverage
    var watch: WatchDescriptor?
    var children: [Name: NodeID] = [:]
    /// It was not in the state before, and no row of it has been stored: nothing to look up.
    var hasNoRows = false
    /// A gap tells that it has no watch.
    var isUnwatched = false

    init(parent: NodeID?, name: Name, id: FileID, root: RootID, coverage: Coverage) {
        self.parent = parent
        self.name = name
        self.id = id
        self.root = root
        self.coverage = coverage
    }
}

/// The directories in memory: watch → node, never watch → path. A rename relinks one node, and all below it have moved.
struct Tree {
    private var nodes: [NodeID: Node] = [:]
    private var byWatch: [WatchDescriptor: NodeID] = [:]
    private var byID: [FileID: NodeID] = [:]
    /// The absolute paths of the containers.
    private var containers: [NodeID: Path] = [:]
    private(set) var nextID: Int64
    /// Directories without a watch, because the limit is reached.
    private(set) var unwatched = 0
    /// Directories at which something is or was mounted.
    private(set) var mountPoints: Set<NodeID> = []

    init(nextID: Int64) { self.nextID = nextID }

    var count: Int { nodes.count - containers.count }
    var watches: Int { byWatch.count }

    subscript(id: NodeID) -> Node? { nodes[id] }

    func node(watchedBy watch: WatchDescriptor) -> NodeID? { byWatch[watch] }
    func node(of id: FileID) -> NodeID? { byID[id] }
    func child(at place: Place) -> NodeID? { nodes[place.node]?.children[place.name] }

    /// The place a directory is at; nil for containers and for what is detached.
    func place(of id: NodeID) -> Place? {
        guard let node = nodes[id], let parent = node.parent else { return nil }
        return Place(parent, node.name)
    }

    func isContainer(_ id: NodeID) -> Bool { containers[id] != nil }

    /// The absolute path of a directory; nil when it is, or lies below, a detached one. Those in `detachedAt` are where the
    /// stored state has them.
    func path(of id: NodeID, detachedAt places: [NodeID: Place] = [:]) -> Path? {
        var names: [Name] = []
        var (id, length) = (id, 0)
        while let node = nodes[id] {
            let held = places.isEmpty ? nil : places[id]
            guard let above = held?.node ?? node.parent else { break }
            names.append(held?.name ?? node.name)
            length += 1 + names.last!.bytes.count
            id = above
        }
        guard let container = containers[id] else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(container.bytes.count + length)
        bytes.append(contentsOf: container.bytes)
        for name in names.reversed() where !name.bytes.isEmpty {
            bytes.append(slash)
            bytes.append(contentsOf: name.bytes)
        }
        return Path(bytes)
    }

    /// Whether `id` is `top` or lies below it.
    func isBelow(_ id: NodeID, _ top: NodeID) -> Bool {
        var id = id
        while id != top {
            guard let parent = nodes[id]?.parent else { return false }
            id = parent
        }
        return true
    }

    /// The nearest of `tops` that is `id` or above it.
    func nearest(of tops: Set<NodeID>, above id: NodeID?) -> NodeID? {
        var id = id
        while let node = id, !tops.contains(node) { id = nodes[node]?.parent }
        return id
    }

    /// `top` and all directories below it, parents first.
    func subtree(_ top: NodeID) -> [NodeID] {
        var all = [top]
        var index = 0
        while index < all.count {
            if let children = nodes[all[index]]?.children { all.append(contentsOf: children.values) }
            index += 1
        }
        return all
    }

    mutating func addContainer(_ id: NodeID, path: Path, root: RootID) {
        nodes[id] = Node(
            parent: nil, name: Name([UInt8]()), id: FileID(filesystem: 0, inode: 0, birth: 0), root: root,
            coverage: .covered)
        containers[id] = path
        nextID = max(nextID, id.rawValue + 1)
    }

    /// Adds a directory that the state does not have, under a new number.
    mutating func addNew(
        at place: Place, id file: FileID, root: RootID, coverage: Coverage, isMountPoint: Bool
    ) -> NodeID {
        let number = NodeID(rawValue: nextID)
        add(number, at: place, id: file, root: root, coverage: coverage)
        nodes[number]!.hasNoRows = true
        if isMountPoint { mountPoints.insert(number) }
        return number
    }

    /// Adds a directory under its number.
    mutating func add(_ number: NodeID, at place: Place, id file: FileID, root: RootID, coverage: Coverage) {
        nextID = max(nextID, number.rawValue + 1)
        nodes[number] = Node(parent: place.node, name: place.name, id: file, root: root, coverage: coverage)
        nodes[place.node]!.children[place.name] = number
        if coverage.isOwnSight { byID[file] = number }
    }

    /// Takes a directory out of its parent; it keeps what is below it, and its watch.
    mutating func detach(_ id: NodeID) {
        guard let place = place(of: id) else { return }
        nodes[place.node]!.children[place.name] = nil
        nodes[id]!.parent = nil
    }

    /// Puts a detached directory at a place where no other is.
    mutating func attach(_ id: NodeID, at place: Place) {
        precondition(nodes[id]!.parent == nil && child(at: place) == nil)
        nodes[id]!.parent = place.node
        nodes[id]!.name = place.name
        nodes[place.node]!.children[place.name] = id
    }

    /// Forgets a directory that has none below it any more, or whose descendants are forgotten as well.
    mutating func forget(_ id: NodeID) {
        detach(id)
        guard let node = nodes.removeValue(forKey: id) else { return }
        // Another node may have it by now: a directory that moved to another root is one inode, and has one watch.
        if let watch = node.watch, byWatch[watch] == id { byWatch[watch] = nil }
        if node.isUnwatched { unwatched -= 1 }
        if byID[node.id] == id { byID[node.id] = nil }
        containers[id] = nil
        mountPoints.remove(id)
    }

    mutating func setWatch(_ id: NodeID, _ watch: WatchDescriptor?) {
        if let old = nodes[id]!.watch, byWatch[old] == id { byWatch[old] = nil }
        nodes[id]!.watch = watch
        if let watch { byWatch[watch] = id }
    }

    /// Another directory is at its place now, or it became covered or not.
    mutating func set(_ id: NodeID, _ file: FileID, _ coverage: Coverage) {
        if byID[nodes[id]!.id] == id { byID[nodes[id]!.id] = nil }
        nodes[id]!.id = file
        nodes[id]!.coverage = coverage
        if coverage.isOwnSight { byID[file] = id } else { mountPoints.insert(id) }
    }

    /// A directory from the store that is on another file system than the one it lies in had that mounted.
    mutating func noteMountPoint(_ id: NodeID) {
        guard let parent = nodes[id]?.parent, !isContainer(parent) else { return }
        if nodes[parent]!.id.filesystem != nodes[id]!.id.filesystem { mountPoints.insert(id) }
    }

    mutating func setHasRows(_ id: NodeID) { nodes[id]?.hasNoRows = false }

    mutating func setUnwatched(_ id: NodeID, _ isUnwatched: Bool) {
        guard nodes[id]!.isUnwatched != isUnwatched else { return }
        nodes[id]!.isUnwatched = isUnwatched
        unwatched += isUnwatched ? 1 : -1
    }
}

extension Coverage {
    /// Whether the directory is the one its identity means. What is mounted there is another file system's, or a second sight
    /// of one that is in the tree already.
    fileprivate var isOwnSight: Bool {
        switch self {
        case .covered, .unreadable: true
        case .mount, .pseudo: false
        }
    }
}
