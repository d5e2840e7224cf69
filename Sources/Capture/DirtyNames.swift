internal import Changes
internal import Kernel

/// What events said about a name, added up. It is a hint of what to look for; statx decides what there is.
struct Hints: OptionSet, Hashable {
    let rawValue: UInt8

    /// MODIFY or CLOSE_WRITE: content was written, even if size and times are equal.
    static let content = Hints(rawValue: 1)
    /// ATTRIB.
    static let metadata = Hints(rawValue: 2)
    /// The last event of the name was a DELETE: before Linux 5.17 it could be seen before the name was gone.
    static let deletedLast = Hints(rawValue: 4)
    /// Found by a crawl or a listing, where no event tells a change of metadata from one of content.
    static let listed = Hints(rawValue: 8)
    /// CREATE, DELETE or a half of a rename: another file has the name, or none.
    static let entry = Hints(rawValue: 16)
    /// The same of a directory: it tells where directories are that are not at their places.
    static let directory = Hints(rawValue: 32)
    /// CREATE or MOVED_TO: another file has the name, or had it.
    static let arrival = Hints(rawValue: 64)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ mask: EventMask) {
        self = []
        if !mask.isDisjoint(with: Self.writes) { insert(.content) }
        if mask.contains(.attrib) { insert(.metadata) }
        if mask.contains(.delete) { insert(.deletedLast) }
        if !mask.isDisjoint(with: Self.entries) { insert(.entry) }
        if contains(.entry) && mask.contains(.isDirectory) { insert(.directory) }
        if !mask.isDisjoint(with: Self.arrivals) { insert(.arrival) }
    }

    private static let writes: EventMask = [.modify, .closeWrite]
    private static let entries: EventMask = [.create, .delete, .movedFrom, .movedTo]
    private static let arrivals: EventMask = [.create, .movedTo]

    /// Both, where the other was said after this.
    func followed(by newer: Hints) -> Hints {
        newer.contains(.deletedLast) ? union(newer) : union(newer).subtracting(.deletedLast)
    }

    mutating func follow(_ newer: Hints) { self = followed(by: newer) }
}

/// The names that events marked, each once, and the renames they told of.
///
/// Where more is written than can be looked at, there are always newer events. So what is read while names are looked at
/// waits for the next time, but for what it takes to make sense of these.
struct DirtyNames {
    /// Those to be looked at now.
    private var names = HintedNames()
    /// Those that were read since; none is in both.
    private var later = HintedNames()
    /// MOVED_FROM and MOVED_TO with the same cookie. Others may stand between the two, and a read may end there.
    private var leaving: [UInt32: (place: Place, hints: Hints)] = [:]
    private(set) var renames: [Place: Place] = [:]

    var isEmpty: Bool { names.isEmpty && later.isEmpty }
    /// Whether there are names to be looked at now.
    var isDue: Bool { !names.isEmpty }
    /// Whether only the first half of some rename is known, of which the name is due or was looked at.
    var hasHalfARename: Bool { leaving.values.contains { later[$0.place] == nil } }

    /// Marks a name to be looked at now.
    mutating func insert(_ place: Place, _ hints: Hints) {
        names.note(place, hints)
        if let newer = later.remove(place) { names.note(place, newer) }
    }

    /// Marks names of one directory to be looked at now.
    mutating func insert(_ marked: [Name: Hints], in node: NodeID) {
        names.note(marked, in: node)
        for name in marked.keys {
            if let newer = later.remove(Place(node, name)) { names.note(Place(node, name), newer) }
        }
    }

    /// Marks a name that was read of: to be looked at with those that are due, if it is one of them.
    mutating func note(_ place: Place, _ hints: Hints) {
        if names[place] != nil { names.note(place, hints) } else { later.note(place, hints) }
    }

    /// The first half of a rename. What was said of the file under the old name will be said of it under the new one: in
    /// `mv a b; write b; mv b c` nobody will see `b`. `seen` is what was said before and is not committed.
    mutating func noteRename(from place: Place, cookie: UInt32, seen: Hints) {
        let said = (names[place] ?? []).union(later[place] ?? []).union(seen)
        leaving[cookie] = (place, said.intersection([.content, .metadata]))
    }

    /// The other half: the pair is a hint that the file went there. Without the first it comes from elsewhere, and may have been
    /// there a moment ago and written to where nobody saw it.
    mutating func noteRename(to place: Place, cookie: UInt32) {
        guard let source = leaving.removeValue(forKey: cookie) else { return note(place, .listed) }
        renames[place] = source.place
        note(place, source.hints)
    }

    /// Makes all names due that have been read.
    mutating func takeUp() {
        if names.isEmpty { return swap(&names, &later) }
        for (node, newer) in later.directories { names.note(newer, in: node) }
        later.removeAll()
    }

    /// Makes those due that tell where directories are, and where the files went that due names had.
    mutating func takeUpMoves() {
        for (node, names) in later.directories {
            for (name, hints) in names where hints.contains(.directory) { insert(Place(node, name), []) }
        }
        // What becomes due may be the source of another.
        while true {
            let targets = renames.filter { later[$0.key] != nil && later[$0.value] == nil }.keys
            if targets.isEmpty { break }
            for place in targets { insert(place, []) }
        }
    }

    /// Hands over all names that are due, by directory.
    mutating func takeNames() -> [(node: NodeID, names: [Name: Hints])] {
        defer { names.removeAll() }
        return names.directories.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Forgets the renames, once the batch that they were hints for is complete; not those of names that wait.
    mutating func forgetRenames() {
        leaving = leaving.filter { later[$1.place] != nil }
        renames = renames.filter { later[$0.key] != nil }
    }
}
