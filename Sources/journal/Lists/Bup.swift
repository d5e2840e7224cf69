import Changes
import Query

/// `cd SRC; xargs -0 -r -a LIST bup index -u --`, then `bup save -n NAME "$PWD"`: a whole snapshot each time.
///
/// - A path that is gone is an error (123), and stays in the index. The nearest directory that is there stands for it, and is
///   looked through with all below.
/// - So is every directory in the list, so that nothing below one has to be listed.
/// - A directory that took the place of a file leaves both in the index, and `bup save` fails on the second (1): the directory
///   above stands for it.
/// - A socket is an error.
extension ToolList {
    static let bup = ToolList(name: "bup", companions: withOtherNames, rule: { BupPaths() })
}

private struct BupPaths: ListRule {
    private var tops = Subtrees()

    mutating func records(of entry: ListedPath) -> [[UInt8]] {
        guard !tops.contain(entry.path), let record = record(of: entry) else { return [] }
        tops.add(record)
        return [record]
    }

    private func record(of entry: ListedPath) -> [UInt8]? {
        guard case .other(let before) = entry.before, !entry.path.isEmpty else {
            return entry.isKept ? entry.path : nil
        }
        // The index finds out about what took the place of something by its path, unless it is a directory now.
        let isTold = entry.isKept && (entry.type != .directory || before == .directory)
        return isTold ? entry.path : parent(entry.path)
    }
}
