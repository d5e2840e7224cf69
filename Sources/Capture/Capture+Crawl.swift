internal import Changes
internal import Kernel

/// Listing directories: new ones, and the crawls. A directory is always watched before it is listed, so that every name is
/// seen by the listing or by an event.
extension Capture {
    /// Time that one slice of a crawl takes before events get their turn, nanoseconds.
    private static let sliceTime: Int64 = 20_000_000

    /// Lists the directories that events told of, and those found in them, to the end: a barrier is answered only when what
    /// happened in a new directory before it was watched is known too.
    func expand(_ state: some StoredState) throws {
        var directories = 0
        while let node = expansions.popLast() {
            try list(node, state)
            directories += 1
            // What is read meanwhile must not fill the drain's memory, nor be taken for what an audit found.
            if crawling == nil && pending.source == .event && directories.isMultiple(of: 256) {
                absorb(try drain.take())
            }
        }
        try seekLinks(state)
    }

    /// Lists one directory to its end.
    private func list(_ node: NodeID, _ state: some StoredState) throws {
        guard var listing = begin(listing: node) else { return }
        while try !look(at: &listing, state) { try flushIfLarge(state) }
        try flushIfLarge(state)
    }

    func flushIfLarge(_ state: some StoredState) throws {
        if pending.isLarge { try flush(state) }
    }

    /// Runs one slice of a crawl, and its end when there is nothing left to walk.
    func runSlice(of crawl: Crawl, _ state: some StoredState) throws {
        crawling = crawl
        defer { crawling = nil }
        if crawl.began == nil { begin(crawl) }
        // What events left behind waits for a directory that only this crawl can find.
        if pending.isEmpty || pending.source != .crawl {
            pending.source = .crawl
            pending.notBefore = crawl.notBefore
        }
        let deadline = Clock.boot() + Self.sliceTime
        while Clock.boot() < deadline {
            if crawl.listing != nil {
                if try look(at: &crawl.listing!, state) {
                    crawl.entries += crawl.listing!.next
                    crawl.listing = nil
                }
            } else if let node = crawl.stack.popLast() {
                crawl.listing = begin(listing: node)
            } else {
                return try end(crawl, state)
            }
            try flushIfLarge(state)
        }
        try resolve(state)
    }

    private func begin(_ crawl: Crawl) {
        crawl.began = .now
        if let path = tree.path(of: crawl.top) { notify(.crawlBegan(path: path, isFirst: crawl.mode == .baseline)) }
        // Its own row is in no listing below it.
        if let place = tree.place(of: crawl.top) { dirty.insert(place, .listed) }
        recallUnseen(below: crawl.top)
    }

    /// The walk is over: what is still detached is gone. Then what events told of meanwhile is looked at, as events; only
    /// when all of that is committed, the gaps close, in a batch of their own.
    private func end(_ crawl: Crawl, _ state: some StoredState) throws {
        unpark()
        try resolve(state)
        try expand(state)
        while let node = crawl.stack.popLast() { try list(node, state) }
        try lookAgainAtLinks(of: crawl, state)
        crawl.isWalked = true
        try settleDetached(state)
        try flush(state)
        crawling = nil
        // Whoever asked meanwhile is answered by the next step.
        var queued = try absorbQueued()
        queued.completed = settled
        try settleEvents(queued, state)
        crawls.removeAll { $0 === crawl }
        var batch = Batch(source: .crawl, began: vouched, notBefore: crawl.notBefore)
        let isBeginning = crawl.gaps.contains { gaps[$0]?.cause == .beginning }
        batch.closedGaps = close(crawl)
        batch.openedGaps = standingGaps(of: crawl)
        if let began = crawl.began?.wall, let root = roots[crawl.root], root.root.node == crawl.top {
            batch.crawled.append((crawl.root, began))
            root.root.crawled = began
            // What could not be looked at may be in doubt, and the next start has to know.
            let isInDoubt = gaps.values.contains {
                $0.root == crawl.root && $0.cause != .remote && $0.cause != .watchLimit
            }
            if crawl.mode != .scan, !isInDoubt {
                batch.trusted.append((crawl.root, root.mount))
                root.root.mount = root.mount
                root.unwrittenSince = nil
            }
            // Not where an overflow has left the beginning to another crawl.
            if root.root.since == nil && isBeginning { batch.beginning.append(crawl.root) }
        }
        let cursor = try state.commit(batch)
        for id in batch.beginning { roots[id]?.root.since = cursor.seq }
        noteEnd(of: crawl)
    }

    /// Watches a directory, then reads its names. Nil when it is not there any more, or cannot be read, which has been noted.
    func begin(listing node: NodeID) -> Listing? {
        guard let value = tree[node], value.coverage == .covered, !isAway(node) else { return nil }
        do throws(SystemError) {
            guard let opened = try open(node, for: .listing) else {
                noteLost(node)
                return nil
            }
            if value.watch == nil { try watch(node, opened.descriptor) }
            var names: [Name] = []
            try reader.forEachName(in: opened.descriptor) { names.append(Name($0)) }
            names.sort(by: Name.storageOrder)
            return Listing(node: node, names: names, isPastRows: value.hasNoRows)
        } catch {
            if error.reach == .gone { noteLost(node) } else { noteUnreadable(node, error) }
            return nil
        }
    }

    /// Watches one directory. Where the limit is reached, its subtree is a gap from now on and the rest goes on.
    private func watch(_ node: NodeID, _ directory: borrowing Descriptor) throws(SystemError) {
        if let parent = tree[node]?.parent, tree[parent]?.isUnwatched == true {
            tree.setUnwatched(node, true)
            return
        }
        do throws(SystemError) {
            let watch = try drain.inotify.watch(directory)
            tree.setWatch(node, watch)
            tree.setUnwatched(node, false)
        } catch {
            guard error.reach == .limit else { throw error }
            tree.setUnwatched(node, true)
            noteWatchLimit(node)
        }
    }

    /// Looks at the next page of a directory. True when it is done.
    func look(at listing: inout Listing, _ state: some StoredState) throws -> Bool {
        let directory: OpenedDirectory
        do throws(SystemError) {
            guard let opened = try open(listing.node, for: .anchor) else {
                noteLost(listing.node)
                return true
            }
            directory = opened
        } catch {
            noteUnreadable(listing.node, error)
            return true
        }
        if let status = directory.status, foldsCase(directory.descriptor, status) {
            try observeFolded(listing.node, [], otherwise: .listed, in: directory.descriptor, state)
            listing.next = listing.names.count
            return true
        }
        return try forEachPlace(of: &listing, directory.descriptor, state) { place, _, directory in
            try observe(place, .listed, in: directory, state)
        }
    }

    /// Hands `body` the next page of a directory: its names and the rows the state has, in one order. True when it is done.
    ///
    /// A row that the listing lacks is looked at all the same: readdir says nothing about names that come and go while it
    /// runs.
    func forEachPlace(
        of listing: inout Listing, _ directory: borrowing Descriptor, _ state: some StoredState,
        _ body: (Place, StoredRow?, borrowing Descriptor) throws -> Void
    ) throws -> Bool {
        let end = listing.next + Listing.pageSize
        if !listing.isPastRows {
            let rows = try state.rows(of: listing.node, after: listing.lastRow, limit: Listing.pageSize)
            for row in rows {
                let name = row.place.name
                while listing.next < listing.names.count, Name.storageOrder(listing.names[listing.next], name) {
                    if listing.next >= end { return false }
                    try body(Place(listing.node, listing.names[listing.next]), nil, directory)
                    listing.next += 1
                }
                try body(row.place, row, directory)
                if listing.next < listing.names.count, listing.names[listing.next] == name { listing.next += 1 }
                listing.lastRow = name
            }
            if rows.count == Listing.pageSize { return false }
            listing.isPastRows = true
        }
        while listing.next < listing.names.count {
            if listing.next >= end { return false }
            try body(Place(listing.node, listing.names[listing.next]), nil, directory)
            listing.next += 1
        }
        return true
    }

    /// A directory that was to be listed is not where the tree has it: it is listed when it is found again.
    private func noteLost(_ node: NodeID) {
        guard tree[node] != nil else { return }
        unlisted.insert(node)
        if let place = tree.place(of: node) { dirty.insert(place, []) }
    }
}
