import Changes

/// Subtrees that paths are asked about in the order of an answer, in which `d`, `d-e` and `d/f` follow each other.
///
/// All that lies below `d` comes between `d/` and `d0`. So the tops that something may still lie below form a stack: what
/// comes behind `d/` and not below it is behind the whole subtree.
struct Subtrees {
    /// Each with its slash.
    private var tops: [[UInt8]] = []

    /// Whether a path lies below one of them.
    mutating func contain(_ path: [UInt8]) -> Bool {
        while let top = tops.last {
            if path.starts(with: top) { return true }
            guard top.lexicographicallyPrecedes(path) else { return false }
            tops.removeLast()
        }
        return false
    }

    /// Adds the subtree of a path that was asked about last, or of a directory above it.
    mutating func add(_ path: [UInt8]) { tops.append(path.isEmpty ? [] : path + [slash]) }
}

/// The directory that holds a path's entry, relative to the same base.
func parent(_ path: [UInt8]) -> [UInt8] { Array(path[..<(path.lastIndex(of: slash) ?? 0)]) }
