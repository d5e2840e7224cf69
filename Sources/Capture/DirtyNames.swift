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

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ mask: EventMask) {
        self = []
        if !mask.isDisjoint(with: [.modify, .closeWrite]) { insert(.content) }
        if mask.contains(.attrib) { insert(.metadata) }
        if mask.contains(.delete) { insert(.deletedLast) }
        if !mask.isDisjoint(with: [.create, .delete, .movedFrom, .movedTo]) { insert(.entry) }
    }
}

/// The names that events marked, each once, and the renames they told of.
struct DirtyNames {
    private(set) var names: [Place: Hints] = [:]
    /// MOVED_FROM and MOVED_TO with the same cookie. Others may stand between the two, and a read may end there.
    private var leaving: [UInt32: (place: Place, hints: Hints)] = [:]
    private(set) var renames: [Place: Place] = [:]

    var isEmpty: Bool { names.isEmpty }
    /// Whether only the first half of some rename is known.
    var hasHalfARename: Bool { !leaving.isEmpty }
    var count: Int { names.count }

    mutating func insert(_ place: Place, _ hints: Hints) {
        guard var known = names[place] else {
            names[place] = hints
            return
        }
        if !hints.contains(.deletedLast) { known.remove(.deletedLast) }
        names[place] = known.union(hints)
    }

    /// The first half of a rename. What was said of the file under the old name will be said of it under the new one: in
    /// `mv a b; write b; mv b c` nobody will see `b`. `seen` is what was said before the last look, if it is not committed.
    mutating func noteRename(from place: Place, cookie: UInt32, seen: Hints) {
        leaving[cookie] = (place, (names[place] ?? []).union(seen).intersection([.content, .metadata]))
    }

    /// The other half: the pair is a hint that the file went there. Without the first it comes from elsewhere, and may have been
    /// there a moment ago and written to where nobody saw it.
    mutating func noteRename(to place: Place, cookie: UInt32) {
        guard let source = leaving.removeValue(forKey: cookie) else { return insert(place, .listed) }
        renames[place] = source.place
        insert(place, source.hints)
    }

    /// Hands over all names, sorted so that each directory is opened once.
    mutating func takeNames() -> [(place: Place, hints: Hints)] {
        defer { names.removeAll(keepingCapacity: true) }
        return names.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Forgets the renames, once the batch that they were hints for is complete.
    mutating func forgetRenames() {
        leaving.removeAll(keepingCapacity: true)
        renames.removeAll(keepingCapacity: true)
    }
}
