package import Changes
internal import Kernel

/// Audits: from time to time each root is compared with its state, when there is nothing else to do. What nobody told of is
/// written down as any change is, and healed by that; no gap is opened, since nothing says when it happened.
extension Capture {
    /// The share of one CPU that an audit takes: a slice, then so many times as long nothing.
    private static let restFactor: Int64 = 19
    /// Time that one slice takes before it looks for events, nanoseconds; the page it is at comes to its end.
    private static let sliceTime: Int64 = 5_000_000
    /// How long a suspect has to stay untold, nanoseconds; and how long where it was changed so short ago that the call may be
    /// under way: write(2) moves the ctime first and queues its event at the end.
    private static let patience: (usual: Int64, changing: Int64) = (1_000_000_000, 5_000_000_000)

    /// Sets when a root is audited first; `since` is how long ago that was last done, nanoseconds.
    package func scheduleAudit(of root: RootID, since: Int64) {
        guard let auditInterval else { return }
        roots[root]?.nextAudit = Clock.boot() + max(0, auditInterval - since)
    }

    /// How long until there is something to do for an audit, milliseconds; nil where none is asked for.
    package var auditPause: Int32? {
        guard auditInterval != nil else { return nil }
        // One that waits for a crawl goes on when that is over, which wakes everyone.
        let next =
            audit.map { walk in roots[walk.root].map(isAuditable) ?? false ? walk.next : .max }
            ?? roots.values.filter(isAuditable).map(\.nextAudit).min() ?? .max
        return Int32(clamping: max(0, next - Clock.boot()) / 1_000_000 + 1)
    }

    /// Whether a root's rows can be held against its tree: every directory watched, and no crawl on its way.
    private func isAuditable(_ watched: WatchedRoot) -> Bool {
        watched.root.state == .live && watched.root.since != nil && !crawls.contains { $0.root == watched.root.id }
    }

    /// Runs one slice of the audit that is due.
    func runAudit(_ state: some StoredState) throws {
        guard let walk = currentAudit(), Clock.boot() >= walk.next else { return }
        let began = Clock.boot()
        if walk.suspects.count < AuditWalk.suspectLimit {
            try IOPriority.whileIdle { try advance(walk, until: began + Self.sliceTime, state) }
        }
        try settleSuspects(of: walk, state)
        let took = Clock.boot() - began
        walk.next = Clock.boot() + took * Self.restFactor
        guard walk.isWalked && walk.suspects.isEmpty else { return }
        audit = nil
        walk.audit.ended = .now
        roots[walk.root]?.nextAudit = Clock.boot() + (auditInterval ?? 0)
        finishedAudits.append(walk.audit)
        notify(.audited(walk.audit))
    }

    /// The audit to go on with, or one that begins. Where its root went, it has come to nothing; where that is crawled, it
    /// waits.
    private func currentAudit() -> AuditWalk? {
        guard auditInterval != nil else { return nil }
        if let walk = audit {
            guard let watched = roots[walk.root], watched.root.state == .live else {
                audit = nil
                return nil
            }
            return isAuditable(watched) ? walk : nil
        }
        guard let due = roots.values.filter(isAuditable).min(by: { $0.nextAudit < $1.nextAudit }),
            due.nextAudit <= Clock.boot()
        else { return nil }
        audit = AuditWalk(root: due.root.id, top: due.root.node, path: due.root.path)
        return audit
    }

    /// Walks on, and notes what does not agree.
    private func advance(_ walk: AuditWalk, until deadline: Int64, _ state: some StoredState) throws {
        repeat {
            if let listing = walk.listing {
                guard try compare(listing, walk, state) else { continue }
                walk.stack += tree[listing.node].map { Array($0.children.values) } ?? []
                walk.listing = nil
            } else if let node = walk.stack.popLast() {
                if node == roots[walk.root]?.root.node { try compareTop(node, walk, state) }
                walk.listing = try begin(auditing: node)
                if walk.listing != nil { walk.audit.directories += 1 }
            } else {
                return
            }
        } while Clock.boot() < deadline
    }

    /// The root's own row is in no listing.
    private func compareTop(_ node: NodeID, _ walk: AuditWalk, _ state: some StoredState) throws {
        guard let place = tree.place(of: node) else { return }
        try compare(place, try state.row(at: place), nil, walk)
    }

    /// Reads the names of a directory; nil where its rows say nothing of it, or where it cannot be read now. What is not
    /// compared claims nothing.
    private func begin(auditing node: NodeID) throws -> Listing? {
        guard let value = tree[node], value.coverage == .covered, !value.isUnwatched,
            !gaps.values.contains(where: { $0.node == node }), let opened = try openForAudit(node, .listing)
        else { return nil }
        do throws(SystemError) {
            return Listing(node: node, names: try explorer.reader.names(in: opened.descriptor), isFolded: false)
        } catch {
            return nil
        }
    }

    /// Opens a directory that an audit is at. One that is not there was told of, or is a suspect where it was; one that cannot
    /// be opened is left out.
    private func openForAudit(_ node: NodeID, _ purpose: Descriptor.Purpose) throws -> OpenedDirectory? {
        do throws(SystemError) { return try open(node, for: purpose) } catch { return nil }
    }

    /// Compares the next page of a directory. True when it is done.
    private func compare(_ listing: Listing, _ walk: AuditWalk, _ state: some StoredState) throws -> Bool {
        if listing.needsLook {
            guard let opened = try openForAudit(listing.node, .anchor) else { return true }
            listing.look(in: opened.descriptor)
        }
        try readRows(listing, state)
        var pairs: [(name: Int?, row: Int?)] = []
        let isDone = listing.forEachOfPage(rows) { name, row in pairs.append((name, row)) }
        for (name, row) in pairs {
            let (place, known) = position(in: listing, name, row)
            try compare(place, known, name.flatMap(listing.names.status), walk)
        }
        return isDone
    }

    private func compare(_ place: Place, _ row: StoredRow?, _ listed: FileStatus?, _ walk: AuditWalk) throws {
        var status = listed
        if status == nil {
            guard let opened = try openForAudit(place.node, .anchor) else { return }
            do throws(SystemError) {
                status = try FileStatus(of: place.name.bytes, in: opened.descriptor)
            } catch {
                guard error.reach == .gone else { return }
            }
        }
        guard row != nil || status != nil, isCovered(place, row, status) else { return }
        walk.audit.entries += 1
        guard !agree(row, status, at: place) else { return }
        walk.add(place, AuditWalk.Suspect(row: row, status: status, seen: Clock.boot()))
    }

    /// Whether what is at a place is any business of the journal. What was mounted there, or was until lately, is not: nobody
    /// is told of mounts.
    private func isCovered(_ place: Place, _ row: StoredRow?, _ status: FileStatus?) -> Bool {
        if let child = row?.child, tree[child]?.coverage != .covered { return false }
        guard let status, let root = roots[tree[place.node]?.root ?? RootID(rawValue: 0)] else { return true }
        if ownFiles.contains(OwnFile(device: status.device, inode: status.inode)) { return false }
        if isExcluded(place, isDirectory: status.isDirectory) { return false }
        return !status.isDirectory || tree.isContainer(place.node)
            || coverage(of: status, fileID(status), at: place, in: root) == .covered
    }

    private func agree(_ row: StoredRow?, _ status: FileStatus?, at place: Place) -> Bool {
        guard let row, let status else { return row == nil && status == nil }
        let entry = entry(status, in: place.node)
        return row.child == nil ? entry == row.entry : row.entry.isSameDirectory(as: entry)
    }

    /// Reads and commits all that is queued now. A suspect that was told of is none; one whose row has followed was told of by
    /// another name of the file. What is left and has outlived every call under way has been missed.
    private func settleSuspects(of walk: AuditWalk, _ state: some StoredState) throws {
        guard !walk.suspects.isEmpty else { return }
        try settleEvents(absorbQueued(), state)
        // An overflow, perhaps: the crawl that follows finds what there is to find.
        guard let watched = roots[walk.root], isAuditable(watched) else { return walk.acquitAll() }
        var missed: [Place] = []
        for (place, suspect) in walk.suspects.sorted(by: { $0.key < $1.key }) {
            guard tree[place.node] != nil, !walk.isMoved(place, in: tree), !isDetached(place.node),
                try !hasFollowed(state.row(at: place), suspect.row)
            else {
                walk.acquit(place)
                continue
            }
            guard hasOutlived(suspect) else { continue }
            walk.convict(place)
            missed.append(place)
        }
        if !missed.isEmpty { try heal(missed, in: watched, state) }
    }

    /// Whether a row has changed. Its directory's times do whenever that is opened, which says nothing.
    private func hasFollowed(_ now: StoredRow?, _ before: StoredRow?) -> Bool {
        guard let now, let before, now.child != nil, now.child == before.child else { return now != before }
        return !now.entry.isSameDirectory(as: before.entry)
    }

    private func hasOutlived(_ suspect: AuditWalk.Suspect) -> Bool {
        let lasted = Clock.boot() - suspect.seen
        if lasted >= Self.patience.changing { return true }
        let isChanging = suspect.status.map { $0.ctime > Clock.wall() - Self.patience.changing } ?? false
        return lasted >= Self.patience.usual && !isChanging
    }

    /// Records what is there now at the places that were missed, and all that comes with it, as found by the audit.
    private func heal(_ missed: [Place], in watched: WatchedRoot, _ state: some StoredState) throws {
        pending.source = .audit
        pending.notBefore = watched.root.crawled
        for place in missed {
            guard let opened = try openForAudit(place.node, .anchor) else { continue }
            try observe(place, .listed, in: opened.descriptor, state)
        }
        try lookAndList(state)
        try settleDetached(state)
        try flush(state)
    }
}

extension Entry {
    /// Whether two entries are the same directory with nothing changed that is a change of it: entries that come and go move
    /// its size, times and link count.
    fileprivate func isSameDirectory(as other: Entry) -> Bool {
        id == other.id && mode == other.mode && uid == other.uid && gid == other.gid
    }
}
