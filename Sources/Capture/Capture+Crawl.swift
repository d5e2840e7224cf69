internal import Changes
internal import Kernel

/// Listing directories: new ones, and the crawls. A directory is always watched before it is listed, so that every name is
/// seen by the listing or by an event.
extension Capture {
    /// Time that one slice of a crawl takes before events get their turn, nanoseconds.
    private static let sliceTime: Int64 = 20_000_000

    /// Names that a crawl commits together. While one thread commits, the other lists what comes next, and it comes to its end
    /// with that if there are many more.
    private static let crawlBatch = 4096

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
        guard let listing = begin(listing: node) else { return }
        walkAgain(node)
        while try !look(at: listing, state) { try flushIfLarge(state) }
        end(listing)
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
        let isDone = try state.inSnapshot { try walk(on: crawl, state) }
        if isDone { try end(crawl, state) } else { try resolve(state) }
    }

    /// Compares directories until the time of a slice is over; true when there are no more.
    private func walk(on crawl: Crawl, _ state: some StoredState) throws -> Bool {
        let deadline = Clock.boot() + Self.sliceTime
        while Clock.boot() < deadline {
            if crawl.listing == nil {
                while crawl.ahead.count < crawl.reach, let node = crawl.takeNext() {
                    crawl.ahead.append(ahead(node))
                }
                if crawl.ahead.isEmpty { return true }
                crawl.listing = take(crawl.ahead.removeFirst())
            }
            // In one stretch with what was seen: between slices events say what is newer.
            if let listing = crawl.listing, try look(at: listing, state) {
                crawl.entries += listing.next
                crawl.directories += 1
                crawl.listing = nil
                end(listing)
            }
            if pending.isLarge(limit: Self.crawlBatch) { try flush(state) }
        }
        return false
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
        while let node = crawl.takeNext() { try list(node, state) }
        try lookAgainAtLinks(of: crawl, state)
        crawl.isWalked = true
        try settleDetached(state)
        try flush(state)
        crawling = nil
        // Whoever asked meanwhile is answered by the next step.
        var queued = try absorbQueued()
        queued.completed = settled
        try settleEvents(queued, state)
        // Its root may have gone by now, and then the gaps are another crawl's to close.
        guard let index = crawls.firstIndex(where: { $0 === crawl }) else { return }
        crawls.remove(at: index)
        if crawls.isEmpty { spareNames = [] }
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

    /// A directory that was to be listed is not where the tree has it: it is listed when it is found again.
    func noteLost(_ node: NodeID) {
        guard tree[node] != nil else { return }
        unlisted.insert(node)
        crawling?.lost.insert(node)
        for crawl in crawls { crawl.followed = [] }
        if let place = tree.place(of: node) { dirty.insert(place, []) }
    }

    /// A directory is found that a crawl had to pass over. It need not have moved as far as anybody can tell: it, or one above
    /// it, may have gone and come back. Listing it says nothing of those below it, so it is that crawl's again, or one of its
    /// own where that has been walked.
    private func walkAgain(_ node: NodeID) {
        for crawl in crawls where crawl.lost.remove(node) != nil {
            if crawl.isWalked {
                let since = crawl.gaps.compactMap { gaps[$0]?.since }.min()
                self.crawl(toClose: openGap(node, .doubt, since: since))
            } else {
                crawl.add(node)
            }
        }
    }
}
