import Synchronization

/// What the operations of a round were at, so that an answer that lists more than two walks show can be judged.
final class Touched: Sendable {
    private struct Marks {
        var paths: Set<Bytes> = []
        var trees: Set<Bytes> = []
        var inodes: Set<UInt64> = []
    }
    private let marks = Mutex(Marks())

    func path(_ path: Bytes) { marks.withLock { _ = $0.paths.insert(path) } }
    /// Everything below too: a directory that moves, comes or goes.
    func tree(_ path: Bytes) { marks.withLock { _ = $0.trees.insert(path) } }
    /// Every name of a file.
    func inode(_ ino: UInt64) { marks.withLock { _ = $0.inodes.insert(ino) } }

    func contains(_ path: Bytes, ino: UInt64?) -> Bool {
        marks.withLock { marks in
            if marks.paths.contains(path) || ino.map(marks.inodes.contains) == true { return true }
            var above = path
            while !above.raw.isEmpty {
                if marks.trees.contains(above) { return true }
                above = above.parent
            }
            return false
        }
    }
}
