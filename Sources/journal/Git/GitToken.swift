import Changes
import Kernel

/// What git keeps in its index beside what it knows, and hands back to ask what changed since: our cursor.
///
/// An index belongs to one worktree, and the same file in two of them is two files. But `git --work-tree=ELSEWHERE` and
/// `GIT_DIR=…` use the index of one worktree for another, and whoever took the token of the first for one of the second would
/// let git believe that all files there are as they are here. So where the worktree is not evidently the one that the index is
/// of, the token names it too, in hexadecimal behind the cursor, and is good nowhere else.
///
/// git keeps two things with it: what it believes of the index, and its untracked cache. An answer `/` makes it doubt the index, but
/// the cache only for as long as this one command runs (fsmonitor.c, `use_fsmonitor = 0`). If that was `git add`, which lists no
/// directory, the cache is stored as it was, with the new token, and the next `git status` believes it. So the token that goes
/// with `/` says that the cache is still in doubt, and the next answer names something in every directory.
struct GitToken {
    var cursor: Cursor
    /// Whether git's untracked cache may be older than the cursor.
    var doubtsUntracked: Bool

    /// Handed out where the journal cannot vouch for now, and never taken for a cursor.
    ///
    /// A cursor would be taken later, when a watcher runs again and the gap is closed: by then git has looked, after that
    /// cursor and while nobody watched. What came before that look and went after it is in no row.
    static let unvouched = "unvouched"
    private static let untracked = "untracked"

    func text(for worktree: Path) throws -> String {
        var parts = ["\(cursor)"]
        if doubtsUntracked { parts.append(Self.untracked) }
        if try !Self.isOwn(worktree) { parts.append(Hex.encode(worktree.bytes)) }
        return parts.joined(separator: ":")
    }

    init(_ cursor: Cursor, doubtsUntracked: Bool) {
        self.cursor = cursor
        self.doubtsUntracked = doubtsUntracked
    }

    /// A token that was handed out for this worktree. Nil for all others: git's own for the first time (nanoseconds since
    /// 1970), the empty one after a failure, another program's.
    init?(_ text: [UInt8], for worktree: Path) throws {
        let colon = UInt8(ascii: ":")
        let parts = text.split(separator: colon, omittingEmptySubsequences: false)
        guard let cursor = Array(parts.prefix(3).joined(separator: [colon])).validText.flatMap({ Cursor($0) })
        else { return nil }
        var rest = parts.dropFirst(3)
        self.init(cursor, doubtsUntracked: rest.first?.elementsEqual(Self.untracked.utf8) ?? false)
        if doubtsUntracked { rest.removeFirst() }
        let isOfHere = try rest.first.map { Hex.decode($0) == worktree.bytes } ?? Self.isOwn(worktree)
        guard isOfHere, rest.count < 2 else { return nil }
    }

    /// Whether git uses the repository that the worktree itself names, by a directory or a file `.git`, and not another one
    /// for it. In linked worktrees git sets GIT_DIR to just that.
    private static func isOwn(_ worktree: Path) throws -> Bool {
        guard ThisProcess.environment("GIT_WORK_TREE") == nil, let own = try repository(of: worktree) else {
            return false
        }
        guard let used = ThisProcess.environment("GIT_DIR") else { return true }
        return try resolved(used, in: worktree) == resolved(own, in: worktree)
    }

    /// What `.git` is or, where it is a file, names (gitrepository-layout(5): `gitdir: PATH`).
    private static func repository(of worktree: Path) throws(SystemError) -> [UInt8]? {
        let path = worktree.appending(Name(".git")).shown
        do throws(SystemError) {
            guard try !FileStatus(at: path, follow: true).isDirectory else { return path }
            let text = try Descriptor(opening: path, for: .reading).read(atMost: 8192)
            let key = Array("gitdir: ".utf8)
            return text.starts(with: key) ? text.dropFirst(key.count).filter { $0 != UInt8(ascii: "\n") } : nil
        } catch {
            guard error.reach == .gone || error.isForbidden else { throw error }
            return nil
        }
    }

    /// Nil where it leads nowhere.
    private static func resolved(_ path: [UInt8], in worktree: Path) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try Paths.real(path.first == slash ? path : worktree.shown + [slash] + path)
        } catch {
            guard error.reach == .gone || error.isForbidden else { throw error }
            return nil
        }
    }
}
