internal import Changes

extension Entry {
    /// Whether two entries are the same file, by file system, inode and birth time. Without birth times an inode of
    /// another type is another file; of the same type it may have been reused, and then counts as modified.
    func isSameFile(as other: Entry) -> Bool { id == other.id && type == other.type }

    /// What changed from this to `after`, the same file.
    ///
    /// Where events were seen, they tell content from metadata: MODIFY and CLOSE_WRITE are content even when size and
    /// times are equal, since a second store to a dirty mapped page moves no time. A crawl has only the inode, and a
    /// ctime that moved may be a write whose mtime was set back, so there it counts as content.
    ///
    /// A change of a directory's entries is no change of the directory, though it moves its size, times and link count.
    func difference(to after: Entry, hints: Hints, isRenamed: Bool = false) -> Difference {
        let isOwnerSame = mode == after.mode && uid == after.uid && gid == after.gid
        if isDirectory {
            let isCrawled = hints.contains(.listed) && ctime != after.ctime && !isRenamed
            // Another directory in its place: only a root keeps its node then.
            if id != after.id { return replacement(by: after) }
            return !isOwnerSame || hints.contains(.metadata) || isCrawled ? .metadata : []
        }
        var difference: Difference = []
        let isTouched = mtime != after.mtime && !hints.contains(.metadata)
        let isCrawled = hints.contains(.listed) && ctime != after.ctime
        if type == .file, hints.contains(.content) || size != after.size || isTouched || isCrawled {
            difference.insert(.content)
        }
        // A rename moves the ctime of what is renamed.
        let isOnlyCtime = ctime != after.ctime && !isRenamed && !difference.contains(.content)
        if !isOwnerSame || nlink != after.nlink || hints.contains(.metadata) || isOnlyCtime {
            difference.insert(.metadata)
        }
        return difference
    }

    /// What changed where another file took this one's place: content always, since type or inode did.
    func replacement(by after: Entry) -> Difference {
        var difference: Difference = .content
        if mode & 0o7777 != after.mode & 0o7777 || uid != after.uid || gid != after.gid { difference.insert(.metadata) }
        if type != after.type { difference.replacedType = type }
        return difference
    }
}
