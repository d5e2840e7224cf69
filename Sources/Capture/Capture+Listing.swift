internal import Changes
internal import Kernel

/// Listing one directory, and comparing it with its rows.
///
/// Most names are as their row says, and in a new directory most are files of which nothing is to be said but that they are
/// there. Both are told by comparing numbers, without a heap object a name. What is left takes the way of any name that an
/// event told of.
extension Capture {
    /// Watches a directory, then reads its names and looks at the first page of them. Nil when it is not there any more, or
    /// cannot be read, which has been noted.
    func begin(listing node: NodeID) -> Listing? {
        do throws(SystemError) {
            guard let opened = try openToList(node) else { return nil }
            let isFolded = foldsCase(opened)
            var names = takeSpareNames()
            try explorer.reader.read(opened.descriptor, into: &names)
            let listing = Listing(node: node, names: names, isFolded: isFolded)
            if !isFolded { listing.look(in: opened.descriptor) }
            listing.opened = consume opened
            return listing
        } catch {
            noteUnlisted(node, error)
            return nil
        }
    }

    /// Opens a directory and watches it. Nil when it is not to be listed, or not there any more, which has been noted.
    private func openToList(_ node: NodeID) throws(SystemError) -> OpenedDirectory? {
        guard let value = tree[node], value.coverage == .covered, !isAway(node) else { return nil }
        guard let opened = try open(node, for: .listing) else {
            noteLost(node)
            return nil
        }
        if value.watch == nil { try watch(node, opened.descriptor) }
        return opened
    }

    private func noteUnlisted(_ node: NodeID, _ error: SystemError) {
        if error.reach == .gone { noteLost(node) } else { noteUnreadable(node, error) }
    }

    func takeSpareNames() -> DirectoryListing { spareNames.popLast() ?? DirectoryListing() }

    func keep(_ names: DirectoryListing) {
        if spareNames.count <= ReadAhead.limit { spareNames.append(names) }
    }

    /// A directory is done: the memory serves the next one.
    func end(_ listing: Listing) {
        keep(listing.names)
        listing.names = DirectoryListing()
    }

    /// Watches one directory. Where the limit is reached, its subtree is a gap from now on and the rest goes on.
    private func watch(_ node: NodeID, _ directory: borrowing Descriptor) throws(SystemError) {
        if let parent = tree[node]?.parent, tree[parent]?.isUnwatched == true {
            tree.setUnwatched(node, true)
            return
        }
        noteWatchesAhead()
        do throws(SystemError) {
            take(try explorer.watch(directory, by: drain.inotify), of: node)
        } catch {
            guard error.reach == .limit else { throw error }
            tree.setUnwatched(node, true)
            noteWatchLimit(node)
        }
    }

    /// Takes the watch of a directory into the tree.
    func take(_ watch: WatchDescriptor, of node: NodeID) {
        if tree[node]?.watch == watch { return }
        if let other = tree.node(watchedBy: watch), isOfAnotherRoot(node, other), (try? isThere(other)) ?? true {
            return noteSecondSight(node)
        }
        tree.setWatch(node, watch)
        tree.setUnwatched(node, false)
    }

    private func isOfAnotherRoot(_ node: NodeID, _ other: NodeID) -> Bool { tree[node]!.root != tree[other]!.root }

    /// Two roots show one directory (a bind mount), which has one watch (fact 50). The other has it; here is looked from time to
    /// time.
    private func noteSecondSight(_ node: NodeID) {
        tree.setUnwatched(node, true)
        remoteTops.insert(node)
        openGap(node, .remote)
    }

    /// Looks at the next page of a directory. True when it is done.
    func look(at listing: Listing, _ state: some StoredState) throws -> Bool {
        defer { listing.opened = nil }
        guard let value = tree[listing.node], !isAway(listing.node) else { return true }
        if listing.isFolded {
            guard let opened = try openAgain(listing) else { return true }
            try observeFolded(listing.node, [:], otherwise: .listed, in: opened.descriptor, state)
            listing.next = listing.names.count
            return true
        }
        if listing.needsLook {
            guard let opened = try openAgain(listing) else { return true }
            listing.look(in: opened.descriptor)
        }
        try readRows(listing, state)
        let page = Page(listing.node, value, self)
        // What an object holds is retained for each look at it.
        let (names, rows) = (listing.names, rows)
        var remarkable: [(name: Int?, row: Int?)] = []
        var hasBegun = false
        let isDone = listing.forEachOfPage(rows) { name, row in
            guard let name, let status = names.status(name), page.isUnremarkable(status, names, name, self)
            else { return remarkable.append((name, row)) }
            let entry = page.entry(status)
            if let row {
                if rows[row].entry != entry || rows[row].child != nil { remarkable.append((name, row)) }
                return
            }
            if !hasBegun { pending.arrivals.begin(listing.node, isLogged: page.isLogged) }
            hasBegun = true
            let item = names.items[name]
            pending.arrivals.append(entry, isText: item.isText) { $0.append(contentsOf: names.bytes[item.range]) }
        }
        if remarkable.isEmpty { return isDone }
        guard let opened = try openAgain(listing) else { return true }
        for (name, row) in remarkable {
            let (place, known) = position(in: listing, name, row)
            // What has several names may have changed through another one since it was listed ahead.
            guard let name, let status = listing.names.status(name), status.isDirectory || status.nlink == 1 else {
                try observe(place, .listed, in: opened.descriptor, state)
                continue
            }
            try found(status, at: place, in: opened.descriptor, .listed, state, row: .some(known))
        }
        return isDone
    }

    /// Reads the rows of the state that come next.
    func readRows(_ listing: Listing, _ state: some StoredState) throws {
        rows.removeAll()
        if tree[listing.node]?.hasNoRows ?? true { return }
        try state.read(&rows, of: listing.node, after: listing.last, limit: Listing.pageSize)
    }

    /// The place of a name or a row that ``Listing/forEachOfPage(_:_:)`` came to, and the row.
    func position(in listing: Listing, _ name: Int?, _ row: Int?) -> (place: Place, row: StoredRow?) {
        if let row {
            let known = rows.stored(row, in: listing.node)
            return (known.place, known)
        }
        return (Place(listing.node, Name(listing.names.name(name!))), nil)
    }

    private func openAgain(_ listing: Listing) throws -> OpenedDirectory? {
        if let opened = listing.opened.take() { return opened }
        do throws(SystemError) {
            if let opened = try open(listing.node, for: .anchor) { return opened }
            noteLost(listing.node)
        } catch {
            noteUnreadable(listing.node, error)
        }
        return nil
    }
}

/// What holds for all names of a directory that are looked at together.
private struct Page {
    private let node: NodeID
    private let device: UInt64
    private let filesystem: Int32
    /// Each name has to be looked at with care.
    private let isRemarkable: Bool
    /// More is known of some names: they have been observed or listed, and wait to be committed, or are directories.
    private let isKnown: Bool
    /// The journal's own inodes on this device.
    private let own: [UInt64]
    /// What changed since then may have changed without a trace.
    private let doubtfulSince: Int64
    private let excludes: (patterns: Excludes, prefix: [UInt8])?
    let isLogged: Bool

    init(_ node: NodeID, _ value: Node, _ capture: Capture) {
        self.node = node
        filesystem = value.id.filesystem
        device = capture.devices.first { $0.value.number == value.id.filesystem }?.key ?? 0
        isKnown =
            capture.pending.observations.has(node) || capture.pending.arrivals.has(node) || !value.children.isEmpty
        own = capture.ownFiles.filter { [device] in $0.device == device }.map(\.inode)
        doubtfulSince = capture.doubtfulSince(device)
        isLogged = !capture.isSilent(node)
        let watched = capture.roots[value.root]!
        isRemarkable =
            capture.links.unlinked.has(node) || (capture.crawling != nil && !watched.formerExcludes.isEmpty)
        excludes =
            watched.excludes.isEmpty
            ? nil
            : capture.tree.path(of: node).map {
                let relative = watched.root.path.relative($0)
                return (watched.excludes, relative.isEmpty ? [] : relative + [slash])
            }
    }

    /// Whether there is nothing more to a name than what statx says: no directory, no other name, no doubt, and nothing that
    /// was said of it before.
    func isUnremarkable(_ status: FileStatus, _ names: DirectoryListing, _ index: Int, _ capture: Capture) -> Bool {
        if isRemarkable || status.isDirectory || status.nlink != 1 || status.ctime >= doubtfulSince { return false }
        if status.device != device || own.contains(status.inode) { return false }
        if let excludes, excludes.patterns.excludes(relative: excludes.prefix + names.name(index), isDirectory: false) {
            return false
        }
        guard isKnown else { return true }
        let place = Place(node, Name(names.name(index)))
        return capture.pending.observations[place] == nil && !capture.pending.arrivals.has(place)
            && capture.tree.child(at: place) == nil
    }

    func entry(_ status: FileStatus) -> Entry {
        Entry(status, id: FileID(filesystem: filesystem, inode: status.inode, birth: status.birth))
    }
}
