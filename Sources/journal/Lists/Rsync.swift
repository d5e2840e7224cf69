import Changes
import Query

/// `rsync -aH --delete-missing-args --force --from0 --files-from=LIST SRC/ DST/`
///
/// - `./` before each path: without it names that begin with `#` or `;` are comments, in spite of --from0.
/// - Of what is gone the top-most paths: rsync removes all below them, with --force. Not those below what is no directory
///   any more: rsync fails to look there (23). `--delete` does nothing with a list.
/// - Directories are not descended into, though -a says so: each path of a renamed one is there. Only the base, `./.`, is, one
///   level deep; but any other path brings its mode along. So where only the base changed, an entry of it stands for it.
/// - -H links those names that are in the list: all of a file are.
extension ToolList {
    static let rsync = ToolList(
        name: "rsync", prefix: "./",
        companions: { base in
            var companions = Selection.Companions()
            companions.otherNames = true
            if let base { companions.entries = .of(base) }
            return companions
        }, rule: { RsyncPaths() })
}

private struct RsyncPaths: ListRule {
    private var tops = Subtrees()
    /// The base changed, and nothing else that is there has come yet.
    private var owesBase = false
    private var hasPresent = false

    mutating func records(of entry: ListedPath) -> [[UInt8]] {
        if entry.path.isEmpty {
            owesBase = entry.isThere
            return []
        }
        if entry.isThere {
            hasPresent = true
            if case .other = entry.before, entry.type != .directory { tops.add(entry.path) }
            return [entry.path]
        }
        guard !tops.contain(entry.path) else { return [] }
        tops.add(entry.path)
        return [entry.path]
    }

    /// A base without entries may well be descended into.
    func rest() -> [[UInt8]] { owesBase && !hasPresent ? [[]] : [] }
}
