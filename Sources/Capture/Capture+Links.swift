internal import Changes
internal import Kernel

/// Hard links: what happens to an inode through one name makes no event at its others, so they are sought and looked at.
///
/// A crawl needs none of this, because it looks at every name.
struct Links {
    /// Inodes of which a row or a sight has more than one link, with what was said of them.
    var touched: [FileID: Hints] = [:]
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
        if let before, before.child == nil, before.entry.nlink > 1 {
            links.touched[before.entry.id, default: []].formUnion(hints.intersection(.content))
        }
        guard case .present(let entry, nil) = after else { return }
        links.unlinked[place] = nil
        guard entry.nlink > 1 else { return }
        links.touched[entry.id, default: []].formUnion(hints.intersection(.content))
        if before?.entry.nlink ?? 0 < entry.nlink { links.grown.insert(entry.id.inode) }
    }

    /// Notes a name that is gone: the inode it had, or the one it is about.
    func noteUnlinked(_ place: Place, _ before: StoredRow?, _ hints: Hints) {
        if let before {
            if before.entry.nlink > 1 && before.child == nil {
                if links.unlinked.count >= Links.unlinkedLimit { links.unlinked.removeAll() }
                links.unlinked[place] = before.entry.id
            }
        } else if let inode = place.name.temporaryInode {
            // A file opened without a name (O_TMPFILE) is reported as "#123" even after it got one.
            links.sought[inode, default: []].formUnion(hints)
        } else if hints.contains(.content), let file = links.unlinked[place] {
            links.touched[file, default: []].formUnion(.content)
            links.sought[file.inode, default: []].formUnion(.content)
        }
    }

    /// Marks every other name of the inodes that were noted: by the index of linked rows, and in one pass over the state for
    /// those that may be known with one link only.
    func seekLinks(_ state: some StoredState) throws {
        let (touched, grown, sought) = (links.touched, links.grown, links.sought)
        (links.touched, links.grown, links.sought) = ([:], [], [:])
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

extension Name {
    /// The inode in `#123`, the name under which the kernel reports a file that had no name when it was opened.
    var temporaryInode: UInt64? {
        guard bytes.first == UInt8(ascii: "#"), bytes.count > 1 else { return nil }
        return bytes.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
            ? UInt64(String(decoding: bytes.dropFirst(), as: UTF8.self)) : nil
    }
}
