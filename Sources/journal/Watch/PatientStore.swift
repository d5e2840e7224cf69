import Changes
import Kernel
import Store

/// The store as the capture sees it: a commit that finds no space, or that another program keeps out, waits until it can be
/// made.
///
/// Nothing of it is in the database until then, and nothing else is looked at: the batch is held, and what the kernel says
/// gathers behind it in the drain's memory. When that is full too, the kernel overflows and says so. So what either
/// costs is time, and in the worst case a reconcile.
final class PatientStore: StoredState {
    private let store: Store
    private let reporter: Reporter
    /// Looks after what cannot wait, between two attempts, and is told why; throws to give up.
    private let meanwhile: (Obstacle) throws -> Void
    /// Why the last commit could not be made; nil where it was.
    private(set) var obstacle: Obstacle?

    /// Between two attempts, nanoseconds.
    private static let interval: Int64 = 1_000_000_000
    /// Between two looks at what cannot wait, nanoseconds.
    private static let look: Int64 = 50_000_000
    /// How long an attempt waits for another program, milliseconds: nobody is answered meanwhile.
    static let patience = 1_000

    init(_ store: Store, reporter: Reporter, meanwhile: @escaping (Obstacle) throws -> Void) {
        self.store = store
        self.reporter = reporter
        self.meanwhile = meanwhile
    }

    func commit(_ batch: Batch) throws -> Cursor { try waiting { try store.commit(batch) } }

    /// Runs `body` until it does not fail for what passes.
    func waiting<Result>(_ body: () throws -> Result) throws -> Result {
        while true {
            do {
                let result = try body()
                if obstacle != nil { reporter.commitsAgain() }
                obstacle = nil
                return result
            } catch let error as StoreError where error.passes {
                if obstacle == nil { reporter.waits(error.message) }
                // One may follow the other.
                let known = Obstacle(error, since: obstacle?.since)
                obstacle = known
                let next = Clock.boot() + Self.interval
                repeat {
                    try meanwhile(known)
                    ThisProcess.sleep(nanoseconds: Self.look)
                } while Clock.boot() < next
            }
            // A WAL whose content can be moved into the database leaves its own space for the commit.
            try store.truncateLog()
        }
    }

    func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result { try store.inSnapshot(body) }
    func row(at place: Place) throws -> StoredRow? { try store.row(at: place) }
    func read(_ page: inout RowList, of node: NodeID, after: Name?, limit: Int) throws {
        try store.read(&page, of: node, after: after, limit: limit)
    }
    func rows(linkedTo files: Set<FileID>) throws -> [StoredRow] { try store.rows(linkedTo: files) }
    func linkedRows(of nodes: some Sequence<NodeID>) throws -> [StoredRow] { try store.linkedRows(of: nodes) }
    func rows(ofInodes inodes: Set<UInt64>) throws -> [StoredRow] { try store.rows(ofInodes: inodes) }
}
