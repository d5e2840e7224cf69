import Changes
import Kernel
import Query

/// A path at which the journal and the tree disagree.
struct Mismatch {
    var path: Path
    var row: StoredName?
    var status: FileStatus?

    /// Nil where they agree. Of a directory only what is a change of it counts: entries that come and go move its size,
    /// times and link count without an event, and are told by their own names.
    init?(_ path: Path, _ row: StoredName?, _ status: FileStatus?) {
        guard !Mismatch.agree(row, status) else { return nil }
        self.path = path
        self.row = row
        self.status = status
    }

    static func agree(_ row: StoredName?, _ status: FileStatus?) -> Bool {
        guard let row, let status else { return row == nil && status == nil }
        let entry = row.entry
        guard
            entry.mode == status.mode && entry.uid == status.uid && entry.gid == status.gid
                && entry.id.inode == status.inode && entry.id.birth == status.birth
        else { return false }
        return status.isDirectory
            || (entry.size == status.size && entry.mtime == status.mtime && entry.ctime == status.ctime
                && entry.nlink == status.nlink)
    }

    /// One line with both sides: what differs, or all there is where one side has nothing.
    var line: String {
        var (journal, tree): ([String], [String]) = ([], [])
        let isDirectory = row?.entry.isDirectory ?? false || status?.isDirectory ?? false
        for field in Field.allCases where !isDirectory || field.isOfDirectories {
            let (stored, seen) = (row.map(field.text), status.map(field.text))
            if stored == seen { continue }
            if let stored { journal.append("\(field.rawValue) \(stored)") }
            if let seen { tree.append("\(field.rawValue) \(seen)") }
        }
        func side(_ words: [String]) -> String { words.isEmpty ? "nothing" : words.joined(separator: " ") }
        return "\(ShellQuote.text(path.shown)): journal \(side(journal)); tree \(side(tree))"
    }

    /// What is compared, in the words of the view `files`; `born` is the birth time, which tells inodes apart.
    private enum Field: String, CaseIterable {
        case type, mode, uid, gid, ino, born, size, mtime, ctime, nlink

        var isOfDirectories: Bool {
            switch self {
            case .type, .mode, .uid, .gid, .ino, .born: true
            case .size, .mtime, .ctime, .nlink: false
            }
        }

        func text(_ row: StoredName) -> String {
            let entry = row.entry
            return text(
                entry.mode, entry.uid, entry.gid, entry.id.inode, entry.id.birth, entry.size, entry.mtime, entry.ctime,
                entry.nlink)
        }

        func text(_ status: FileStatus) -> String {
            text(
                status.mode, status.uid, status.gid, status.inode, status.birth, status.size, status.mtime,
                status.ctime, status.nlink)
        }

        private func text(
            _ mode: UInt32, _ uid: UInt32, _ gid: UInt32, _ inode: UInt64, _ birth: Int64, _ size: Int64,
            _ mtime: Int64, _ ctime: Int64, _ nlink: UInt32
        ) -> String {
            switch self {
            case .type: FileType(mode: mode).word
            case .mode: "0" + String(mode & 0o7777, radix: 8)
            case .uid: String(uid)
            case .gid: String(gid)
            case .ino: String(inode)
            case .born: Timestamp.utc(birth)
            case .size: String(size)
            case .mtime: Timestamp.utc(mtime)
            case .ctime: Timestamp.utc(ctime)
            case .nlink: String(nlink)
            }
        }
    }
}
