import Changes
import Query

/// What is there: for tools that take each path by itself and do not descend.
struct PresentPaths: ListRule {
    func records(of entry: ListedPath) -> [[UInt8]] { entry.isKept ? [entry.path] : [] }
}

/// What a restore has to remove before an increment is laid over what was restored before it: `xargs -0 -r rm -rf --`.
///
/// That is the top-most of what is gone, and also of what was replaced, or was away in between: no tool puts a file in place of a
/// directory that is not empty, nor all of them a link in place of a file. What is below such a path now came there within the
/// same span, so that all of it is in the increment.
struct DepartedPaths: ListRule {
    private var tops = Subtrees()

    mutating func records(of entry: ListedPath) -> [[UInt8]] {
        guard case .other = entry.before, !entry.path.isEmpty, !tops.contain(entry.path) else { return [] }
        tops.add(entry.path)
        return [entry.path]
    }
}
