import Changes
import Query

/// `recollindex -e < DELETES`, then `recollindex -i < LIST`.
///
/// - Lines, of whole paths. Names are gone in silence that a line cannot carry.
/// - Directories and links are documents too, found by their names. `-i` does not descend.
/// - What was replaced is purged first, with the documents in it: it may be of another kind now.
extension ToolList {
    static let recoll = ToolList(
        name: "recoll", base: .root, separator: .newline, carries: isLine, rule: { RecollPaths() })
    static let recollDeletes = ToolList(
        name: "recoll:deletes", base: .root, separator: .newline, carries: isLine, rule: { RecollDeletes() })
}

private struct RecollPaths: ListRule {
    func records(of entry: ListedPath) -> [[UInt8]] {
        switch entry.type {
        case .file, .directory, .symlink: entry.isThere ? [entry.path] : []
        case .fifo, .socket, .chardev, .blockdev: []
        }
    }
}

private struct RecollDeletes: ListRule {
    func records(of entry: ListedPath) -> [[UInt8]] {
        if case .other = entry.before { [entry.path] } else { [] }
    }
}
