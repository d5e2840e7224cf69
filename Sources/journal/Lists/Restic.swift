import Changes
import Query

/// `restic backup --parent BASE --files-from-raw LIST`, run in SRC, and to restore, over BASE:
/// `xargs -0 -r rm -rf --` with the deletes and with the list itself, then `restic restore`.
///
/// - A directory in the list is descended into. The snapshot has mode and owner of every directory above what it holds, though, so
///   that a directory is told by something listed below it: if nothing there changed, by an entry that did not. Only an
///   empty one stands for itself.
/// - A name that is gone is skipped, but a list of nothing else, an empty one, or a path below what is no directory any more
///   ends it.
/// - Restoring puts no link in place of anything, and deletes nothing.
extension ToolList {
    static let restic = ToolList(
        name: "restic",
        companions: { base in
            var companions = withOtherNames(base)
            companions.entries = .ofAll
            return companions
        }, rule: { ResticPaths() })
    static let resticDeletes = ToolList(name: "restic:deletes", rule: { DepartedPaths() })
}

private struct ResticPaths: ListRule {
    /// Directories below which nothing has come yet; none of them is below another.
    private var held: [[UInt8]] = []

    mutating func records(of entry: ListedPath) -> [[UInt8]] {
        guard entry.isKept else { return [] }
        var records: [[UInt8]] = []
        held.removeAll { directory in
            let below = directory.isEmpty ? [] : directory + [slash]
            if entry.path.starts(with: below) { return true }
            guard below.lexicographicallyPrecedes(entry.path) else { return false }
            records.append(directory)
            return true
        }
        if entry.type == .directory { held.append(entry.path) } else { records.append(entry.path) }
        return records
    }

    mutating func rest() -> [[UInt8]] { held }
}
