internal import Changes
internal import Kernel

/// Directories that were found get their place in the tree, whatever name they are found by: by identity, so that one that
/// moved keeps its node, its watch and the rows below it.
extension Capture {
    /// Where a directory that was found at a place is in the tree from now on: the node it has, by its identity, or a new
    /// one, which is listed later. Nil when that cannot be told yet.
    func placeDirectory(
        _ status: FileStatus, at place: Place, in directory: borrowing Descriptor, _ hints: Hints
    ) -> NodeID? {
        let root = roots[tree[place.node]!.root]!
        let id = directoryID(status, at: place, in: directory, of: root)
        var coverage = coverage(of: status, id, at: place, in: root)
        if let known = tree.child(at: place) {
            switch sight(of: known, id, coverage, in: root) {
            case .same:
                // Crawls go into every directory (the top is where they began); events only into those that are new.
                if let crawling {
                    if known != crawling.top { crawling.add(known) }
                } else {
                    watchAgain(known)
                }
                // What a crawl could not look at below its own top is not asked for by that crawl.
                if known != crawling?.top, !hints.isDisjoint(with: [.metadata, .listed]) { retryUnreadable(known) }
                return known
            case .away: return nil
            case .another: detach(known)
            }
        }
        // Two sights of one directory, through a bind mount somewhere above, would share its watch.
        if root.root.crossesMounts, let moved = tree.node(of: id) {
            do throws(SystemError) {
                if try isThere(moved) { coverage = .mount }
            } catch {
                // It came from there, or is still there: nobody knows until that can be looked at again.
                leaveOpen(openGap(place.node, .doubt))
                keepUnseen(place, hints)
                return nil
            }
        }
        if coverage == .covered, let moved = tree.node(of: id), tree[moved]!.root == root.root.id,
            moved != root.root.node
        {
            if tree.isBelow(place.node, moved) {
                // The tree is behind: some directory between the two has moved out first. Its events are on their way.
                parked.note(place, hints)
                return nil
            }
            let gap = nearestGap(above: tree[moved]?.parent ?? pending.origins[moved]?.node)
            let isOther = excludesOthers(place, than: tree.place(of: moved) ?? pending.origins[moved], in: root)
            if let old = tree.place(of: moved) {
                detach(moved)
                if pending.observations[old]?.after.isPresent ?? true { dirty.insert(old, []) }
            }
            // Where other names below it are excluded from now on, it ends there, and begins here.
            if !isOther {
                detached.remove(moved)
                tree.attach(moved, at: place)
                follow(moved, outOf: gap)
                return moved
            }
        }
        let born = tree.addNew(
            at: place, id: id, root: root.root.id, coverage: coverage, isMountPoint: status.isMountRoot)
        pending.addBorn(born)
        if coverage == .covered, devices[status.device]?.isLocal == false, status.isMountRoot {
            remoteTops.insert(born)
            openGap(born, .remote)
        }
        if coverage == .covered {
            // A scan has no gap that would keep anybody from asking meanwhile.
            if let crawling, crawling.mode != .scan { crawling.add(born) } else { expansions.append(born) }
        }
        return born
    }

    /// Whether what lies below this directory belongs to the journal.
    func coverage(of status: FileStatus, _ id: FileID, at place: Place, in root: WatchedRoot) -> Coverage {
        if root.isMount(of: status) { return .covered }
        if !root.root.crossesMounts { return .mount }
        if devices[status.device]?.isPseudo == true { return .pseudo }
        // A second sight of a directory that is in the tree already (a bind mount) would share its watch.
        if status.isMountRoot, let known = tree.node(of: id), known != tree.child(at: place),
            (try? isThere(known)) ?? true
        {
            return .mount
        }
        return .covered
    }
}
