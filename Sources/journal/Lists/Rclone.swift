import Changes
import Query

/// `rclone delete --no-traverse --files-from-raw DELETES REMOTE:`, then `rclone rmdirs REMOTE:DIRECTORY` for each of the directories, then
/// `rclone copy --links --no-traverse --files-from-raw LIST SRC REMOTE:`.
///
/// - Lines. A directory among them fails all (1); a pipe or device blocks. So there are files, and links as `NAME.rclonelink`,
///   which is what --links calls them at both ends.
/// - The deletes are looked up, too, unless with --no-traverse: then names with a tab and links stay. A directory among them
///   ends it (1), so that they have what was there in the form that it had.
/// - A remote that has directories keeps them when they are empty, and then no file can take their place. One that is not there
///   is an error of `rmdirs` that says nothing.
/// - Lost without a word, hence refused: a name with a newline, one that ends with CR, `NAME.rclonelink` for anything, and one
///   that holds what rclone itself writes in place of other bytes: its quote `‛`, and the pictures `␁` to `␟` and `␡`.
extension ToolList {
    static let rclone = ToolList(
        name: "rclone", separator: .newline, carries: isRcloneName, rule: { RclonePaths() })
    static let rcloneDeletes = ToolList(
        name: "rclone:deletes", separator: .newline, carries: isRcloneName, rule: { RcloneDeletes() })
    static let rcloneDirectories = ToolList(
        name: "rclone:directories", separator: .newline, carries: isRcloneName, rule: { RcloneDirectories() })

    @Sendable private static func isRcloneName(_ name: [UInt8]) -> Bool {
        isLine(name) && !name.reversed().starts(with: linkSuffix.reversed())
            && !holdsStandIn(name)
    }

    /// U+201B, behind which the two digits of a byte may stand; U+2401 to U+241F and U+2421, each for a control character.
    private static func holdsStandIn(_ name: [UInt8]) -> Bool {
        guard let first = name.firstIndex(of: 0xE2) else { return false }
        return name[first...].indices.dropLast(2).contains { index in
            switch (name[index], name[index + 1], name[index + 2]) {
            case (0xE2, 0x80, 0x9B), (0xE2, 0x90, 0x81...0x9F), (0xE2, 0x90, 0xA1): true
            default: false
            }
        }
    }
}

private let linkSuffix = Array(".rclonelink".utf8)

/// A path as a remote has it, if it can have it.
private func remoteName(_ path: [UInt8], _ type: FileType) -> [UInt8]? {
    switch type {
    case .file: path
    case .symlink: path + linkSuffix
    case .directory, .fifo, .socket, .chardev, .blockdev: nil
    }
}

private struct RclonePaths: ListRule {
    func records(of entry: ListedPath) -> [[UInt8]] {
        entry.isThere ? [remoteName(entry.path, entry.type)].compactMap { $0 } : []
    }
}

private struct RcloneDeletes: ListRule {
    func records(of entry: ListedPath) -> [[UInt8]] {
        guard case .other(let before) = entry.before else { return [] }
        return entry.isThere && entry.type == before ? [] : [remoteName(entry.path, before)].compactMap { $0 }
    }
}

private struct RcloneDirectories: ListRule {
    private var tops = Subtrees()

    mutating func records(of entry: ListedPath) -> [[UInt8]] {
        guard case .other(.directory) = entry.before else { return [] }
        guard !entry.isThere || entry.type != .directory, !tops.contain(entry.path) else { return [] }
        tops.add(entry.path)
        return [entry.path]
    }
}
