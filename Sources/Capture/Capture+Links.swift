internal import Changes
internal import Kernel

/// Hard links: what happens to an inode through one name makes no event at its others, so they are sought and looked at.
///
/// A crawl needs none of this, because it looks at every name.
struct Links {
    /// Inodes of which a row or a sight has more than one link, with what was said of them.
    var touched: [FileID: Hints] = [:]
    /// Those whose names have all been looked at since events were last read.
    var done: [FileID: Hints] = [:]
    /// Inodes that have more links than before, the other names of which may say in the state that they have one: these
    /// cannot be found by the index.
    var grown: Set<UInt64> = []
    /// Inodes known by number only.
    var sought: [UInt64: Hints] = [:]
    /// Names that are gone while their inode has others: a program that opened the file by such a name still writes to it,
    /// and the kernel reports that under the old name.
    var unlinked: [Place: FileID] = [:]

    /// Names remembered in ``unlinked``, about 100 bytes each.
    static let unlinkedLimit = 65_536
}

extension Capture {
    /// Notes that what was seen at a place concerns other names as well.
    func noteLinks(_ place: Place, _ before: StoredRow?, _ after: Found, _ hints: Hints) {
        guard crawling == nil else { return }
        let content = hints.intersection(.content)
        // A write through a name that this file no longer has: by the row of another name, which may know of one link only.
        if !content.isEmpty, let file = links.unlinked[place] {
            links.touched[file, default: []].formUnion(.content)
            links.sought[file.inode, default: []].formUnion(.content)
        }
        if let before, before.child == nil, before.entry.nlink > 1 {
            touch(before.entry.id, content)
            if !after.isSameFile(as: before.entry) {
                if links.unlinked.count >= Links.unlinkedLimit { links.unlinked.removeAll() }
                links.unlinked[place] = before.entry.id
            }
        }
        switch after {
        case .present(let entry, nil):
            guard entry.nlink > 1 else { return }
            touch(entry.id, content)
            if before?.entry.nlink ?? 0 < entry.nlink { links.grown.insert(entry.id.inode) }
        case .absent:
            // A file opened without a name (O_TMPFILE) is reported as "#123" even after it got one.
            if let inode = place.name.temporaryInode { links.sought[inode, default: []].formUnion(hints) }
        case .present, .excluded: break
        }
    }

    private func touch(_ file: FileID, _ hints: Hints) {
        if let done = links.done[file], done.isSuperset(of: hints) { return }
        links.touched[file, default: []].formUnion(hints)
    }

    /// Marks every other name of the inodes that were noted: by the index of linked rows, and in one pass over the state for
    /// those that may be known with one link only.
    func seekLinks(_ state: some StoredState) throws {
        let (touched, grown, sought) = (links.touched, links.grown, links.sought)
        (links.touched, links.grown, links.sought) = ([:], [], [:])
        links.done.merge(touched) { $0.union($1) }
        if !touched.isEmpty {
            for row in try state.rows(linkedTo: Set(touched.keys)) { mark(row, touched[row.entry.id] ?? []) }
        }
        if !grown.isEmpty || !sought.isEmpty {
            for row in try state.rows(ofInodes: grown.union(sought.keys)) {
                mark(row, (touched[row.entry.id] ?? []).union(sought[row.entry.id.inode] ?? []))
            }
        }
    }

    private func mark(_ row: StoredRow, _ hints: Hints) {
        if let known = pending.observations[row.place], known.hints.isSuperset(of: hints) { return }
        dirty.insert(row.place, hints)
    }
}

extension Found {
    fileprivate func isSameFile(as entry: Entry) -> Bool {
        if case .present(let found, _) = self { found.isSameFile(as: entry) } else { false }
    }
}

extension Name {
    /// The inode in `#123`, the name under which the kernel reports a file that had no name when it was opened.
    var temporaryInode: UInt64? {
        guard bytes.first == UInt8(ascii: "#"), bytes.count > 1 else { return nil }
        return bytes.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
            ? UInt64(String(decoding: bytes.dropFirst(), as: UTF8.self)) : nil
    }
}
