internal import Changes
internal import Kernel

/// Hard links: what happens to an inode through one name makes no event at its others, so they are sought and looked at.
///
/// A crawl of a whole root looks at every name, so it needs this only for what changes while it runs: where it has not been,
/// nothing may be watched. One of a subtree needs all of it: what happened there unseen concerns names elsewhere.
struct Links {
    /// Looks at places, counted.
    var sights = 0
    /// Inodes of which all names are to be looked at: what was said of them, and the look that said it. Names that were
    /// looked at later need no other.
    var touched: [FileID: (hints: Hints, sight: Int)] = [:]
    /// How each inode with several names was seen last, since events were last read: the same sight under another name says
    /// nothing new.
    var latest: [FileID: (ctime: Int64, nlink: UInt32, hints: Hints)] = [:]
    /// Inodes with more links than names were found, with both numbers: some lie outside the roots. Sought again when a number
    /// changes.
    var short: [FileID: (nlink: UInt32, names: Int)] = [:]
    /// Inodes known by number only.
    var sought: [UInt64: Hints] = [:]
    /// Inodes that were seen to have changed, since the last read and in the two reads before; see
    /// ``Capture/lookAgainAtLinks(_:isRead:)``.
    var recent: [Set<FileID>] = [[], [], []]
    /// Names that are gone while their inode has others: a program that opened the file by such a name still writes to it,
    /// and the kernel reports that under the old name.
    var unlinked = UnlinkedNames()

    /// Names remembered in ``unlinked``, and inodes in ``short``; about 100 bytes each.
    static let limit = 65_536

    /// Asks for a look at all names of an inode.
    mutating func touch(_ file: FileID, _ hints: Hints) {
        touched[file] = ((touched[file]?.hints ?? []).union(hints), sights)
    }
}

/// Names by directory, with the inode each had.
struct UnlinkedNames {
    private var names: [NodeID: [Name: FileID]] = [:]
    private(set) var count = 0

    func has(_ node: NodeID) -> Bool { !names.isEmpty && names[node] != nil }

    subscript(place: Place) -> FileID? {
        get { names.isEmpty ? nil : names[place.node]?[place.name] }
        set {
            let old = names[place.node]?[place.name]
            count += (newValue == nil ? 0 : 1) - (old == nil ? 0 : 1)
            names[place.node, default: [:]][place.name] = newValue
            if names[place.node]!.isEmpty { names[place.node] = nil }
        }
    }
}

extension Capture {
    /// Notes that what was seen at a place concerns other names as well. `wasSeen` is what was seen there before since the
    /// last commit.
    func noteLinks(_ place: Place, _ before: StoredRow?, _ after: Found, _ hints: Hints, wasSeen: Found? = nil) {
        // A crawl does not know whether content was written, so neither is it known for the other names.
        let content = hints.intersection(crawling == nil ? .content : .listed)
        // A write, perhaps through a name that this file no longer has: its ctime tells. The row of another name may know of
        // one link only.
        if let file = links.unlinked[place], !content.isEmpty, !(links.latest[file]?.hints.contains(.listed) ?? false) {
            links.latest[file, default: (0, 0, [])].hints.insert(.listed)
            touch(file, .listed)
            links.sought[file.inode, default: []].insert(.listed)
        }
        if let was = wasSeen?.file ?? (wasSeen == nil ? before?.file : nil), !after.isSameFile(as: was),
            was.nlink > 1 || isDoubtful(place.node)
        {
            touch(was.id, [])
            if links.unlinked.count >= Links.limit { links.unlinked = UnlinkedNames() }
            links.unlinked[place] = was.id
        }
        switch after {
        case .present(let entry, nil):
            if links.unlinked[place] == entry.id { links.unlinked[place] = nil }
            guard entry.nlink > 1 || before?.entry.nlink ?? 1 > 1 else { return }
            if let crawling, isWholeCrawl {
                guard entry.ctime >= (crawling.began?.wall ?? 0) - Self.tick else { return }
                crawling.links.insert(entry.id)
            }
            let known = wasSeen ?? before.map { .present($0.entry, child: $0.child) }
            if after != known { links.recent[0].insert(entry.id) }
            if let latest = links.latest[entry.id], latest.ctime == entry.ctime, latest.hints.isSuperset(of: content) {
                return
            }
            links.latest[entry.id] = (entry.ctime, entry.nlink, content.union(links.latest[entry.id]?.hints ?? []))
            touch(entry.id, content)
        case .absent:
            // A file opened without a name (O_TMPFILE) is reported as "#123" even after it got one.
            if let inode = place.name.temporaryInode { links.sought[inode, default: []].formUnion(hints) }
        case .present, .excluded: break
        }
    }

    /// An excluded name may be another one of a file that is covered: what events say of it happened to that.
    func noteLinks(ofUncovered entry: Entry, _ hints: Hints) {
        guard entry.nlink > 1, !entry.isDirectory, crawling == nil else { return }
        touch(entry.id, hints.intersection(.content))
    }

    /// Asks for a look at all names of an inode, those included that a crawl has looked at ahead.
    private func touch(_ file: FileID, _ hints: Hints) {
        links.touch(file, hints)
        voidLooksAhead()
    }

    /// Marks every other name of the inodes that were noted: by the index of rows with several links, by what was seen since
    /// the last commit, and, where that gives fewer names than links, in one pass over the state, since a row may be from
    /// when its inode had one.
    func seekLinks(_ state: some StoredState) throws {
        let (touched, sought) = (links.touched, links.sought)
        (links.touched, links.sought) = ([:], [:])
        guard !touched.isEmpty || !sought.isEmpty else { return }
        var names: [FileID: Set<Place>] = [:]
        for row in try state.rows(linkedTo: Set(touched.keys)) {
            guard let (hints, sight) = touched[row.entry.id] else { continue }
            if pending.observations[row.place]?.after.isSameFile(as: row.entry) ?? true {
                names[row.entry.id, default: []].insert(row.place)
            }
            mark(row.place, hints, behind: sight)
        }
        for (place, entry) in pending.arrivals.places(where: { touched[$1.id] != nil || sought[$1.id.inode] != nil }) {
            names[entry.id, default: []].insert(place)
            mark(place, (touched[entry.id]?.hints ?? []).union(sought[entry.id.inode] ?? []), behind: 0)
        }
        for (place, observation) in pending.observations {
            guard case .present(let entry, nil) = observation.after else { continue }
            if let (hints, sight) = touched[entry.id] {
                names[entry.id, default: []].insert(place)
                mark(place, hints, behind: sight)
            }
            if let hints = sought[entry.id.inode] { mark(place, hints, behind: links.sights) }
        }
        var inodes = Set(sought.keys)
        for file in touched.keys where isShort(file, of: names[file]?.count ?? 0) { inodes.insert(file.inode) }
        guard !inodes.isEmpty else { return }
        for row in try state.rows(ofInodes: inodes) {
            let (hints, sight) = touched[row.entry.id] ?? ([], 0)
            mark(row.place, hints.union(sought[row.entry.id.inode] ?? []), behind: sight)
        }
    }

    /// Whether an inode has more links than `names`, and was not sought in vain with these numbers before.
    private func isShort(_ file: FileID, of names: Int) -> Bool {
        guard let nlink = links.latest[file]?.nlink, Int(nlink) > names else {
            links.short[file] = nil
            return false
        }
        if let known = links.short[file], known == (nlink, names) { return false }
        if links.short.count >= Links.limit { links.short.removeAll() }
        links.short[file] = (nlink, names)
        return true
    }

    /// Looks once more at inodes that were seen to have changed lately. One of their names may have been in a new directory,
    /// and gone from it before that was watched: no event tells, and what was seen of the other names was of a moment in
    /// between. The event of that directory was queued before they were seen, so it comes with this read (`isRead`) or,
    /// where one was under way, with the next but one.
    func lookAgainAtLinks(_ state: some StoredState, isRead: Bool) throws {
        let suspects = links.recent.reduce(Set<FileID>()) { $0.union($1) }
        if isRead { links.recent = [[]] + links.recent.dropLast() }
        try lookAgain(at: suspects, state)
    }

    /// At the end of a crawl, when all is watched: looks once more at the inodes that changed while it ran.
    func lookAgainAtLinks(of crawl: Crawl, _ state: some StoredState) throws {
        try lookAgain(at: crawl.links, state)
    }

    private func lookAgain(at files: Set<FileID>, _ state: some StoredState) throws {
        guard !files.isEmpty else { return }
        links.sights += 1
        for file in files { links.touch(file, []) }
        try seekLinks(state)
        try resolve(state)
    }

    /// What leaves with a directory: files in it may have names elsewhere.
    func noteLinksLeaving(with nodes: [NodeID], _ state: some StoredState) throws {
        links.sights += 1
        for row in try state.linkedRows(of: nodes.lazy.filter { [tree] in tree[$0]?.hasNoRows == false }) {
            links.touch(row.entry.id, [])
        }
        let nodes = Set(nodes)
        for (place, observation) in pending.observations where nodes.contains(place.node) {
            if let file = observation.after.file, file.nlink > 1 { links.touch(file.id, []) }
        }
    }

    /// Whether the row of a file may not know of all its links, because nobody could look when they came. A crawl of the whole
    /// root looks at every name anyway.
    private func isDoubtful(_ node: NodeID) -> Bool {
        !isWholeCrawl && !doubtHints(node).isEmpty
    }

    private var isWholeCrawl: Bool { crawling.map { $0.top == roots[$0.root]?.root.node } ?? false }

    /// Marks a name, unless it has been looked at since, with as much in mind.
    private func mark(_ place: Place, _ hints: Hints, behind sight: Int) {
        if let known = pending.observations[place], known.sight >= sight, known.hints.isSuperset(of: hints) { return }
        // One that cannot be looked at now waits for the crawl that can.
        if isAway(place.node) { keepUnseen(place, hints) } else { dirty.insert(place, hints) }
    }
}

extension Found {
    fileprivate var file: Entry? {
        if case .present(let entry, nil) = self { entry } else { nil }
    }
}

extension StoredRow {
    fileprivate var file: Entry? { child == nil ? entry : nil }
}

extension Name {
    /// The inode in `#123`, the name under which the kernel reports a file that had no name when it was opened.
    var temporaryInode: UInt64? {
        guard bytes.first == UInt8(ascii: "#"), bytes.count > 1 else { return nil }
        return bytes.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
            ? UInt64(String(decoding: bytes.dropFirst(), as: UTF8.self)) : nil
    }
}
