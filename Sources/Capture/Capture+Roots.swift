package import Changes
internal import Kernel

/// A root that is watched, or would be if it were there.
package final class WatchedRoot {
    package internal(set) var root: Root
    let excludes: Excludes
    /// What was excluded before, until the crawl that follows is done: what was excluded then begins to be covered.
    var formerExcludes: [Excludes]
    /// The file system as the journal numbers it.
    var filesystem: Int32
    var device: UInt64 = 0
    var mount: UInt64 = 0
    /// Its file system has been unmounted, whatever is at its path by now: mounted again at once it has the same identity,
    /// and even the same mount id, which the kernel gives out again; but its watches are gone.
    var isUnmounted = false
    /// The next reconcile begins no sooner (CLOCK_BOOTTIME, nanoseconds).
    var nextReconcile: Int64 = 0
    /// The next audit begins no sooner (CLOCK_BOOTTIME, nanoseconds).
    var nextAudit: Int64 = 0
    /// What was written from then on may be lost, though size and times are as they were: power may have gone since. Nil
    /// where the root is still on the mount it was on.
    var unwrittenSince: Int64?
    /// When an offline root is looked for again.
    var nextLook: Int64 = 0
    /// The root, open while there is something to look at below it: no longer, since it keeps its file system mounted.
    var anchor: Anchor?

    final class Anchor: Sendable {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    func openAnchor() throws(SystemError) -> Anchor {
        if let anchor { return anchor }
        let opened = Anchor(try Descriptor(opening: root.path.shown, for: .anchor))
        anchor = opened
        return opened
    }

    /// Whether a status is of what is mounted where the root lies. Mounts are told apart by their ID: btrfs subvolumes of one
    /// mount have devices of their own, and bind mounts share theirs (fact 54).
    ///
    /// Where nothing is mounted at the name itself, and it is on another mount all the same, so is the directory it lies in: the
    /// root has been mounted anew, which is found next, and nothing hides what is there.
    func isMount(of status: FileStatus) -> Bool {
        status.mount == 0 ? status.device == device : status.mount == mount || !status.isMountRoot
    }

    init(root: Root, formerExcludes: [[[UInt8]]], filesystem: Int32) {
        self.root = root
        excludes = Excludes(patterns: root.excludes)
        self.formerExcludes = formerExcludes.filter { $0 != root.excludes }.map { Excludes(patterns: $0) }
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
    /// the one that reconciles the time without a watcher. `formerExcludes` are lists of patterns that were in force since the
    /// last crawl that came to its end.
    package func add(
        _ root: Root, nodes: [StoredNode], gaps stored: [GapID: OpenGap], formerExcludes: [[[UInt8]]],
        adopting path: Path?
    ) {
        if let path { adopted.insert(path) }
        let watched = WatchedRoot(
            root: root, formerExcludes: formerExcludes, filesystem: nodes.first?.file.filesystem ?? 0)
        roots[root.id] = watched
        tree.addContainer(root.container, path: root.path.parent, root: root.id)
        for node in nodes {
            tree.add(
                node.id, at: Place(node.parent, node.name), id: node.file, root: root.id, coverage: node.coverage)
            tree.noteMountPoint(node.id)
        }
        gaps.merge(stored) { $1 }
        for gap in stored.values where gap.keepsAway(from: root.node) { away.insert(gap.node) }
        watched.root.state = .offline
        lookFor(watched, isStart: true)
        if watched.root.state == .offline { goOffline(watched) }
    }

    /// Forgets a root and all its directories, which the store drops next: nothing of them may be left to be committed.
    package func remove(_ root: RootID, _ state: some StoredState) throws {
        dropCrawls(of: root)
        try settleDetached(state)
        try flush(state)
        guard let watched = roots.removeValue(forKey: root) else { return }
        gaps = gaps.filter { $0.value.root != root }
        for node in tree.subtree(watched.root.container).reversed() { letGo(node) }
    }

    /// There is nothing to crawl any more; whoever waits for it need not wait.
    private func dropCrawls(of root: RootID) {
        for crawl in crawls where crawl.root == root {
            callBack(crawl)
            if let ticket = crawl.ticket { finishedTickets.insert(ticket) }
        }
        crawls.removeAll { $0.root == root }
    }

    /// The directory at `path`, or the nearest above it that is known.
    func node(at path: Path, in root: Root) -> NodeID? {
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
    ///
    /// One that is offline is looked for from time to time, and whenever someone asks.
    func checkRoots(_ state: some StoredState, isAsked: Bool = false) throws {
        for watched in roots.values {
            switch watched.root.state {
            case .live:
                // Whatever keeps it from being looked at, offline is what it is then, and nothing is deleted for it.
                let status = try? FileStatus(at: watched.root.path.shown)
                if !watched.isUnmounted, status.map(fileID) == tree[watched.root.node]?.id,
                    status?.mount == watched.mount
                {
                    continue
                }
                if watched.isUnmounted { watched.root.mount = nil }
                watched.isUnmounted = false
                goOffline(watched)
                notify(.offline(path: watched.root.path))
                lookFor(watched, isStart: false)
                try flush(state)
            case .offline:
                guard isAsked || Clock.boot() >= watched.nextLook else { continue }
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
        suspend(watched.root.node)
    }

    /// Takes a root up if its directory is there: the one it was, or another one on the same file system.
    func lookFor(_ watched: WatchedRoot, isStart: Bool) {
        guard let directory = try? Descriptor(opening: watched.root.path.shown, for: .listing),
            let status = try? FileStatus(of: directory),
            let filesystem = try? know(directory, device: status.device)
        else { return }
        let isNew = tree[watched.root.node] == nil
        if !isNew && watched.filesystem != filesystem.number && !adopted.contains(watched.root.path) { return }
        adopted.remove(watched.root.path)
        watched.filesystem = filesystem.number
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
            tree.set(watched.root.node, id, .covered)
            pending.altered.insert(watched.root.node)
        }
        let isFirst = watched.root.since == nil
        if isFirst { openGap(watched.root.node, .beginning) } else if isStart { openGap(watched.root.node, .downtime) }
        if !filesystem.isLocal { remoteTops.insert(watched.root.node) } else { remoteTops.remove(watched.root.node) }
        let open = gaps.filter {
            $0.value.root == watched.root.id && !$0.value.keepsAway(from: watched.root.node)
        }
        let since = open.values.map(\.since).min()
        // Of what was mounted below a root nobody knows whether it is the same mount.
        let hasOthers = watched.root.crossesMounts && tree.mountPoints.contains { tree[$0]?.root == watched.root.id }
        let isSameMount = watched.root.mount == status.mount && !(isStart && hasOthers)
        if !isFirst && !isSameMount {
            // A gap begins when somebody last looked; that of an earlier start which has not been made up for is among them.
            watched.unwrittenSince = min(isStart ? unwrittenSince : .max, (since ?? vouchedUntil) - Writeback.lag)
        }
        addCrawl(
            Crawl(
                root: watched.root.id, top: watched.root.node, mode: isFirst ? .baseline : .reconcile,
                gaps: open.keys.sorted { $0.rawValue < $1.rawValue }, notBefore: since,
                unwrittenSince: watched.unwrittenSince))
    }

    /// Whether a place is excluded by the patterns of its root.
    func isExcluded(_ place: Place, isDirectory: Bool) -> Bool {
        guard let watched = roots[tree[place.node]!.root], !watched.excludes.isEmpty, !tree.isContainer(place.node),
            let path = tree.path(of: place.node)?.appending(place.name)
        else { return false }
        return watched.excludes.excludes(relative: watched.root.path.relative(path), isDirectory: isDirectory)
    }

    /// Whether patterns with a path in them may tell other names below a directory at `place` than where it was.
    func excludesOthers(_ place: Place, than old: Place?, in watched: WatchedRoot) -> Bool {
        guard !watched.excludes.isEmpty else { return false }
        let paths = [old, place].map { $0.flatMap { tree.path(of: $0.node)?.appending($0.name) } }
        return paths[0] != paths[1]
            && paths.contains { path in
                path.map { watched.excludes.dependOnPath(below: watched.root.path.relative($0)) } ?? true
            }
    }

    /// Whether what was found at a place was excluded until now: then its coverage begins, and the directory it lies in, or
    /// is, says so by a gap that ends with this crawl.
    func isNewlyCovered(_ place: Place, _ after: Found) -> Bool {
        guard case .present(let entry, let child) = after, let crawling,
            let watched = roots[crawling.root], !watched.formerExcludes.isEmpty,
            let directory = tree.path(of: place.node)
        else { return false }
        let relative = watched.root.path.relative(directory.appending(place.name))
        func wasExcluded(_ relative: [UInt8], isDirectory: Bool) -> Bool {
            watched.formerExcludes.contains { $0.excludes(relative: relative, isDirectory: isDirectory) }
        }
        guard wasExcluded(relative, isDirectory: entry.isDirectory) else { return false }
        let parent = watched.root.path.relative(directory)
        if parent.isEmpty || !wasExcluded(parent, isDirectory: true) {
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
