package import Changes
internal import Kernel

/// A root that is watched, or would be if it were there.
package final class WatchedRoot {
    package internal(set) var root: Root
    let excludes: Excludes
    /// What was excluded before, until the crawl that follows is done: what was excluded then begins to be covered.
    var formerExcludes: Excludes?
    /// The file system as the journal numbers it.
    var filesystem: Int32
    var device: UInt64 = 0
    var mount: UInt64 = 0
    /// Its file system has been unmounted, whatever is at its path by now: mounted again at once it has the same identity,
    /// and even the same mount id, which the kernel gives out again; but its watches are gone.
    var isUnmounted = false
    /// The next reconcile begins no sooner (CLOCK_BOOTTIME, nanoseconds).
    var nextReconcile: Int64 = 0
    /// What was written from then on may be lost, though size and times are as they were: power may have gone since. Nil
    /// where the root is still on the mount it was on.
    var unwrittenSince: Int64?
    /// When an offline root is looked for again.
    var nextLook: Int64 = 0

    init(root: Root, formerExcludes: [[UInt8]], filesystem: Int32) {
        self.root = root
        excludes = Excludes(patterns: root.excludes)
        self.formerExcludes = formerExcludes == root.excludes ? nil : Excludes(patterns: formerExcludes)
        self.filesystem = filesystem
    }
}

/// A directory as it is stored.
package struct StoredNode: Sendable {
    package var id: NodeID
    package var parent: NodeID
    package var name: Name
    package var file: FileID
    package var coverage: Coverage

    package init(id: NodeID, parent: NodeID, name: Name, file: FileID, coverage: Coverage) {
        self.id = id
        self.parent = parent
        self.name = name
        self.file = file
        self.coverage = coverage
    }
}

/// Roots come, go offline, and come back; what lies below them is known meanwhile.
extension Capture {
    /// How often a root that is not there is looked for, nanoseconds.
    private static let lookInterval: Int64 = 1_000_000_000

    /// Takes up a root with the directories that the store has of it, parents first, and begins with a crawl: the first, or
    /// the one that reconciles the time without a watcher. `formerExcludes` are those of the last time.
    package func add(
        _ root: Root, nodes: [StoredNode], gaps stored: [GapID: OpenGap], formerExcludes: [[UInt8]],
        adopts: Bool
    ) {
        let watched = WatchedRoot(
            root: root, formerExcludes: formerExcludes, filesystem: nodes.first?.file.filesystem ?? 0)
        roots[root.id] = watched
        tree.addContainer(root.container, path: root.path.parent, root: root.id)
        for node in nodes {
            tree.add(
                node.id, at: Place(node.parent, node.name), id: node.file, root: root.id, coverage: node.coverage)
        }
        gaps.merge(stored) { $1 }
        watched.root.state = .offline
        lookFor(watched, isStart: true, adopts: adopts)
        if watched.root.state == .offline { goOffline(watched) }
    }

    /// Forgets a root and all its directories; the store has dropped them already, or will.
    package func remove(_ root: RootID) {
        guard let watched = roots.removeValue(forKey: root) else { return }
        dropCrawls(of: root)
        gaps = gaps.filter { $0.value.root != root }
        for node in tree.subtree(watched.root.container).reversed() {
            if let watch = tree[node]?.watch { drain.inotify.remove(watch) }
            detached.remove(node)
            unlisted.remove(node)
            tree.forget(node)
        }
        parked = parked.filter { tree[$0.key.node] != nil }
    }

    /// There is nothing to crawl any more; whoever waits for it need not wait.
    private func dropCrawls(of root: RootID) {
        for crawl in crawls where crawl.root == root {
            if let ticket = crawl.ticket { finishedTickets.insert(ticket) }
        }
        crawls.removeAll { $0.root == root }
    }

    /// Asks for a crawl of a directory's subtree; the ticket is in ``finishedTickets`` when it is done.
    /// False where no live root has it.
    package func scan(_ path: Path, ticket: Int) -> Bool {
        guard let root = roots.values.first(where: { $0.root.path.contains(path) }), root.root.state == .live,
            let node = node(at: path, in: root.root)
        else { return false }
        let isReconciled = crawls.contains { $0.root == root.root.id && $0.mode != .scan }
        addCrawl(
            Crawl(
                root: root.root.id, top: isReconciled ? root.root.node : node,
                mode: root.root.since == nil ? .baseline : .scan,
                gaps: [], notBefore: root.root.crawled, ticket: ticket))
        return true
    }

    /// Takes the directory that is at an offline root's path now for the root, though it is on another file system.
    package func adopt(_ path: Path, _ state: some StoredState) throws -> Bool {
        guard let watched = roots.values.first(where: { $0.root.path == path }) else { return false }
        guard watched.root.state == .offline else { return true }
        pending.began = .now
        lookFor(watched, isStart: false, adopts: true)
        try flush(state)
        return watched.root.state == .live
    }

    /// The nearest directory at or above `path`.
    private func node(at path: Path, in root: Root) -> NodeID? {
        var node = root.node
        guard tree[node] != nil else { return nil }
        for component in root.path.relative(path).split(separator: slash) {
            guard let child = tree[node]?.children[Name(Array(component))] else { break }
            node = child
        }
        return node
    }

    /// Looks whether each root is still the directory it was, by its path: a root that was renamed still reports events,
    /// and one whose parent was renamed reports nothing at all.
    func checkRoots(_ state: some StoredState) throws {
        for watched in roots.values {
            switch watched.root.state {
            case .live:
                let status = try? FileStatus(at: watched.root.path.shown)
                let isSame = status.map(fileID) == tree[watched.root.node]?.id && status?.mount == watched.mount
                if isSame && !watched.isUnmounted { continue }
                if watched.isUnmounted { watched.root.mount = nil }
                watched.isUnmounted = false
                goOffline(watched)
                notify(.offline(path: watched.root.path))
                lookFor(watched, isStart: false)
                try flush(state)
            case .offline:
                guard Clock.boot() >= watched.nextLook else { continue }
                watched.nextLook = Clock.boot() + Self.lookInterval
                lookFor(watched, isStart: false)
                if watched.root.state == .live { notify(.back(path: watched.root.path)) }
                if !pending.isEmpty { try flush(state) }
            case .stopped: continue
            }
        }
    }

    /// A root is not there, or is on another file system: what is known of it stays.
    private func goOffline(_ watched: WatchedRoot) {
        watched.root.state = .offline
        pending.rootStates.append((watched.root.id, .offline))
        dropCrawls(of: watched.root.id)
        guard tree[watched.root.node] != nil else { return }
        openGap(watched.root.node, .offline)
        for node in detached where tree[node]?.root == watched.root.id {
            detached.remove(node)
            if let place = pending.origins[node], tree.child(at: place) == nil, tree[place.node] != nil {
                tree.attach(node, at: place)
            } else {
                forget(node)
            }
        }
        for node in tree.subtree(watched.root.node) {
            if let watch = tree[node]?.watch { drain.inotify.remove(watch) }
            tree.setWatch(node, nil)
        }
        parked = parked.filter { tree[$0.key.node]?.root != watched.root.id }
        unlisted = unlisted.filter { tree[$0]?.root != watched.root.id }
    }

    /// Takes a root up if its directory is there: the one it was, or another one on the same file system.
    private func lookFor(_ watched: WatchedRoot, isStart: Bool, adopts: Bool = false) {
        guard let directory = try? Descriptor(opening: watched.root.path.shown, for: .listing),
            let status = try? FileStatus(of: directory), let filesystem = try? FileSystem(of: directory)
        else { return }
        let number = number(of: filesystem, device: status.device)
        let isNew = tree[watched.root.node] == nil
        if !isNew && watched.filesystem != number && !adopts { return }
        watched.filesystem = number
        watched.device = status.device
        watched.mount = status.mount
        watched.root.state = .live
        pending.rootStates.append((watched.root.id, .live))
        let id = fileID(status)
        if isNew {
            let place = Place(watched.root.container, watched.root.path.name)
            tree.add(watched.root.node, at: place, id: id, root: watched.root.id, coverage: .covered)
            pending.addBorn(watched.root.node)
        } else if tree[watched.root.node]!.id != id {
            tree.setID(watched.root.node, id)
            pending.altered.insert(watched.root.node)
        }
        let isFirst = watched.root.since == nil
        if isStart { openGap(watched.root.node, isFirst ? .beginning : .downtime) }
        let open = gaps.filter { $0.value.root == watched.root.id }
        let since = open.values.map(\.since).min()
        if !isFirst && watched.root.mount != status.mount {
            // A gap begins when somebody last looked; that of an earlier start which has not been made up for is among them.
            watched.unwrittenSince = min(isStart ? unwrittenSince : .max, (since ?? vouchedUntil) - Writeback.lag)
        }
        addCrawl(
            Crawl(
                root: watched.root.id, top: watched.root.node, mode: isFirst ? .baseline : .reconcile,
                gaps: open.keys.sorted { $0.rawValue < $1.rawValue }, notBefore: since,
                unwrittenSince: watched.unwrittenSince))
    }

    /// The journal's number of a file system; a new one gets the next.
    private func number(of filesystem: FileSystem, device: UInt64) -> Int32 {
        let number = filesystems[filesystem.key] ?? Int32(filesystems.count + 1)
        if filesystems.updateValue(number, forKey: filesystem.key) == nil {
            pending.filesystems.append((number, filesystem.key))
        }
        devices[device] = number
        if filesystem.isPseudo { pseudoDevices.insert(device) }
        return number
    }

    /// Which file a status is of; its file system is 0 where nobody has asked for it yet.
    func fileID(_ status: FileStatus) -> FileID {
        FileID(filesystem: devices[status.device] ?? 0, inode: status.inode, birth: status.birth)
    }

    /// Which directory a status is of, asking for its file system where its device is new.
    func directoryID(_ status: FileStatus, at place: Place) -> FileID {
        if devices[status.device] == nil, let path = tree.path(of: place.node)?.appending(place.name),
            let directory = try? Descriptor(opening: path.shown, for: .listing),
            let opened = try? FileStatus(of: directory), opened.device == status.device,
            let filesystem = try? FileSystem(of: directory)
        {
            _ = number(of: filesystem, device: status.device)
        }
        return fileID(status)
    }

    /// What a status says, for the state. What is no directory is of the file system of the directory it lies in: only that
    /// one is stored, and a file mounted by itself is as good as any.
    func entry(_ status: FileStatus, in parent: NodeID) -> Entry {
        let id = fileID(status)
        let filesystem = status.isDirectory ? id.filesystem : tree[parent]?.id.filesystem ?? id.filesystem
        return Entry(
            id: FileID(filesystem: filesystem, inode: id.inode, birth: id.birth), mode: status.mode, size: status.size,
            mtime: status.mtime, ctime: status.ctime,
            nlink: status.nlink, uid: status.uid, gid: status.gid)
    }

    /// Whether a place is excluded by the patterns of its root.
    func isExcluded(_ place: Place, _ status: FileStatus) -> Bool {
        guard let watched = roots[tree[place.node]!.root], !watched.excludes.isEmpty, !tree.isContainer(place.node),
            let path = tree.path(of: place.node)?.appending(place.name)
        else { return false }
        return watched.excludes.excludes(relative: watched.root.path.relative(path), isDirectory: status.isDirectory)
    }

    /// Whether what was found at a place was excluded until now: then its coverage begins, and the directory it lies in, or
    /// is, says so by a gap that ends with this crawl.
    func isNewlyCovered(_ place: Place, _ after: Found) -> Bool {
        guard case .present(let entry, let child) = after, let crawling,
            let watched = roots[crawling.root], let former = watched.formerExcludes,
            let directory = tree.path(of: place.node)
        else { return false }
        let relative = watched.root.path.relative(directory.appending(place.name))
        guard former.excludes(relative: relative, isDirectory: entry.isDirectory) else { return false }
        let parent = watched.root.path.relative(directory)
        if parent.isEmpty || !former.excludes(relative: parent, isDirectory: true) {
            let gap = openGap(child ?? place.node, .beginning)
            if !crawling.gaps.contains(gap) { crawling.gaps.append(gap) }
        }
        return true
    }

    /// Whether what is found below a directory only fills the state: its first crawl is not complete.
    func isSilent(_ node: NodeID) -> Bool {
        guard let root = tree[node]?.root, let watched = roots[root] else { return false }
        return watched.root.since == nil
            || crawls.contains { $0.mode == .baseline && !$0.isWalked && $0.root == root && tree.isBelow(node, $0.top) }
    }
}
