internal import Changes
internal import Kernel

/// One comparison of a live root with its state, by the watcher itself: a walk that changes nothing, and the names that did
/// not agree.
///
/// A name that is not as its row says is a suspect, no more: the watcher reads late, so what changed it may wait in the
/// queue. But an event is queued before the call that caused it returns. So all that is queued behind the look is read, and a
/// suspect whose name, or a directory above it, was told of is no miss. What nobody told of is.
final class AuditWalk {
    struct Suspect {
        /// What the state had.
        var row: StoredRow?
        /// What there was.
        var status: FileStatus?
        /// When that was (CLOCK_BOOTTIME).
        var seen: Int64
    }

    let root: RootID
    /// What will be kept of it.
    var audit: Audit
    /// Directories it has yet to see.
    var stack: [NodeID]
    var listing: Listing?
    private(set) var suspects: [Place: Suspect] = [:]
    /// The places of directories that came, moved or went since there are suspects: what lies below was told of by that.
    private var movers: Set<Place> = []
    /// The next slice begins no sooner (CLOCK_BOOTTIME).
    var next: Int64 = 0

    /// Suspects that wait at a time; the walk waits for them then.
    static let suspectLimit = 4096

    init(root: RootID, top: NodeID, path: Path) {
        self.root = root
        audit = Audit(.audit, of: path, isLive: true, began: .now)
        stack = [top]
    }

    var isWalked: Bool { stack.isEmpty && listing == nil }

    /// Notes a place that is not as the state has it.
    func add(_ place: Place, _ suspect: Suspect) { suspects[place] = suspect }

    /// An event told of a name.
    func note(_ place: Place, _ mask: EventMask) {
        guard !suspects.isEmpty else { return }
        acquit(place)
        let structural: EventMask = [.create, .delete, .movedFrom, .movedTo, .ignored, .unmount]
        if !mask.isDisjoint(with: structural), !mask.isDisjoint(with: [.isDirectory, .ignored, .unmount]) {
            movers.insert(place)
        }
    }

    /// A suspect is none any more, and was not compared either.
    func acquit(_ place: Place) {
        if suspects.removeValue(forKey: place) != nil { audit.entries -= 1 }
        if suspects.isEmpty { movers = [] }
    }

    /// It is one that nobody told of.
    func convict(_ place: Place) {
        if suspects.removeValue(forKey: place) != nil { audit.differences += 1 }
        if suspects.isEmpty { movers = [] }
    }

    func acquitAll() { for place in suspects.keys { acquit(place) } }

    /// Whether a directory above a place was told of.
    func isMoved(_ place: Place, in tree: Tree) -> Bool {
        guard !movers.isEmpty else { return false }
        var above = tree.place(of: place.node)
        while let place = above {
            if movers.contains(place) { return true }
            above = tree.place(of: place.node)
        }
        return false
    }
}
