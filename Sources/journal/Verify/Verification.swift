import Capture
import Changes
import Kernel
import Query

/// Compares one tree with the state, a directory at a time: its names as readdir and statx tell them, then its rows from
/// a snapshot that lasts no longer, so that a walk of an hour holds up no checkpoint. Memory follows the biggest directory.
///
/// Directories are gone through by path on both sides, those that only one side has included, parents first and names by
/// their bytes. Whatever is not the same at first sight is only a suspect; see ``settleSuspects()``.
final class Verification {
    let file: JournalFile
    let tree: ComparedTree
    let walked: WalkedTree
    /// Has the live watcher commit all that has happened; nil where none is live.
    let barrier: (() throws -> Void)?
    let report: (Mismatch) throws -> Void
    private let excludes: Excludes
    private let ownFiles: Set<OwnFile>
    private let reader = DirectoryReader()

    var audit: Audit
    var leftOut = LeftOut()
    /// Paths that did not agree at first sight.
    var suspects: [Path] = []

    /// Suspects that are looked at again together; about 200 bytes each.
    private static let suspectLimit = 16_384

    init(
        _ tree: ComparedTree, file: JournalFile, ownFiles: Set<OwnFile>, sample: Double?,
        barrier: (() throws -> Void)?, report: @escaping (Mismatch) throws -> Void
    ) throws {
        self.file = file
        self.tree = tree
        self.barrier = barrier
        self.report = report
        self.ownFiles = ownFiles
        excludes = Excludes(patterns: tree.excludes)
        walked = try WalkedTree(tree)
        audit = Audit(.verify, of: tree.path, isLive: barrier != nil, sample: sample, began: .now)
    }

    func run() throws {
        try compareTop()
        // Depth first: what waits are the subdirectories of the directories on the way to where the walk is.
        var waiting: [(path: Path, below: [Name])] = [(tree.path, try compare(tree.path, isTaken: true))]
        while let last = waiting.indices.last {
            guard let name = waiting[last].below.popLast() else {
                waiting.removeLast()
                continue
            }
            let path = waiting[last].path.appending(name)
            waiting.append((path, try compare(path, isTaken: isTaken())))
        }
        try settleSuspects()
        audit.ended = .now
    }

    /// Each directory by itself, with the same probability; the topmost always, so that nothing compared never passes for
    /// nothing found.
    private func isTaken() -> Bool { audit.sample.map { Double.random(in: 0..<100) < $0 } ?? true }

    /// The row of the top itself, which is in no listing of its own.
    private func compareTop() throws {
        let (place, gap) = try stored { snapshot in
            (try snapshot.place(tree.path, in: tree), try openGap(over: tree.path, snapshot))
        }
        if let gap { return leftOut.addGap(gap) }
        do throws(SystemError) {
            let sight = try walked.look(at: tree.path, known: place.above.count)
            if let status = sight.status, isOwn(status) { return leftOut.addOwnFile() }
            note(tree.path, place.row, sight.status)
        } catch {
            leftOut.addUnreadable(error, tree.path)
        }
    }

    private func note(_ path: @autoclosure () -> Path, _ row: StoredName?, _ status: FileStatus?) {
        guard row != nil || status != nil else { return }
        audit.entries += 1
        if !Mismatch.agree(row, status) { suspects.append(path()) }
    }

    /// Compares one directory, and returns those below it that are to be compared, the first one last. One that is not taken is gone through as
    /// the state has it, and the tree is not touched.
    private func compare(_ path: Path, isTaken: Bool) throws -> [Name] {
        let (directory, gap) = try stored { snapshot in
            (try snapshot.directory(path, in: tree, onlyDirectories: !isTaken), try openGap(over: path, snapshot))
        }
        if let gap {
            leftOut.addGap(gap)
            return []
        }
        var rows: [StoredName] = []
        switch directory {
        case .absent: break
        case .uncovered(let coverage):
            leftOut.addUncovered(path, coverage)
            return []
        case .names(let stored): rows = stored
        }
        guard isTaken else {
            return rows.reversed().filter { $0.coverage == .covered }.map(\.name)
        }
        guard let names = list(path, isStored: directory.isStored) else { return [] }
        audit.directories += 1
        let below = merge(path, names, rows)
        if suspects.count >= Verification.suspectLimit { try settleSuspects() }
        return below
    }

    /// The names in a directory with what statx tells of each, by their bytes; none where only the state has it. Nil where
    /// there is no directory, or where it cannot be looked into or is no part of the tree.
    private func list(_ path: Path, isStored: Bool) -> [(name: Name, status: FileStatus)]? {
        do throws(SystemError) {
            guard let directory = try walked.open(path, for: .listing) else { return isStored ? [] : nil }
            if walked.isElsewhere(try FileStatus(of: directory)) {
                leftOut.addMount(path)
                return nil
            }
            let listing = try reader.names(in: directory)
            let found = (0..<listing.count).map { Name(listing.name($0)) }.sorted()
            var names: [(name: Name, status: FileStatus)] = []
            names.reserveCapacity(found.count)
            for name in found {
                if let status = try WalkedTree.look(at: name, in: directory) { names.append((name, status)) }
            }
            return names
        } catch {
            // getdents64(2) of a directory that was removed while it was open.
            if error.reach == .gone { return isStored ? [] : nil }
            leftOut.addUnreadable(error, path)
            return nil
        }
    }

    /// Goes through the names of both sides in one order.
    private func merge(_ path: Path, _ names: [(name: Name, status: FileStatus)], _ rows: [StoredName]) -> [Name] {
        var below: [Name] = []
        var (next, row) = (0, 0)
        while next < names.count || row < rows.count {
            let isSeen = row == rows.count || (next < names.count && names[next].name <= rows[row].name)
            let isStored = next == names.count || (row < rows.count && rows[row].name <= names[next].name)
            let status = isSeen ? names[next].status : nil
            let stored = isStored ? rows[row] : nil
            let name = stored?.name ?? names[next].name
            if isSeen { next += 1 }
            if isStored { row += 1 }
            guard isCompared(path, name, stored, status) else { continue }
            note(path.appending(name), stored, status)
            if status?.isDirectory ?? false || stored?.coverage != nil { below.append(name) }
        }
        return below.reversed()
    }

    /// Whether a name is any business of the journal; what is not is noted as left out.
    private func isCompared(_ path: Path, _ name: Name, _ row: StoredName?, _ status: FileStatus?) -> Bool {
        if let status {
            if isOwn(status) {
                leftOut.addOwnFile()
                return false
            }
            if walked.isElsewhere(status) {
                leftOut.addMount(path.appending(name))
                return false
            }
        }
        // The row of what was mounted there, when the mount is gone.
        if row?.coverage == .mount {
            leftOut.addUncovered(path.appending(name), .mount)
            return false
        }
        guard !excludes.isEmpty else { return true }
        let isDirectory = status?.isDirectory ?? (row?.coverage != nil)
        guard excludes.excludes(relative: tree.root.relative(path.appending(name)), isDirectory: isDirectory) else {
            return true
        }
        leftOut.addExcluded()
        return false
    }

    private func isOwn(_ status: FileStatus) -> Bool {
        ownFiles.contains(OwnFile(device: status.device, inode: status.inode))
    }

    /// The open gap that a path lies in.
    func openGap(over path: Path, _ snapshot: Snapshot) throws -> OpenSubtree? {
        try snapshot.openSubtrees().first { $0.path.contains(path) }
    }

    /// Reads from a snapshot of its own.
    func stored<T>(_ body: (Snapshot) throws -> T) throws -> T { try file.snapshot(body) }
}

extension Instant {
    fileprivate static var now: Instant { Instant(wall: Clock.wall(), boot: Clock.boot()) }
}
