internal import Changes
internal import Kernel

/// Directories that find names in any case (`chattr +F` on ext4, f2fs and tmpfs; fact 44).
///
/// An event there has the spelling that somebody used, or one that the kernel remembers from somebody; a listing has the one
/// that is stored; and statx finds the file by any. So a name from an event says that something happened in the directory and
/// which file it was about, but not what the file is called, and a name in the state is not there still because statx finds it.
/// Only a listing tells, so such a directory is listed whenever anything happened in it. That is slow where it has many
/// entries, and right.
extension Capture {
    /// Whether a directory is such a one. Asked every time: no event tells when chattr changes it, and it may be changed
    /// whenever it is empty. One that cannot be read cannot be listed or watched either, so that it is a gap anyway.
    func foldsCase(_ directory: borrowing OpenedDirectory) -> Bool {
        guard directory.purpose == .listing, let device = directory.status?.device,
            devices[device]?.canFoldCase == true
        else { return false }
        do throws(SystemError) {
            return try directory.descriptor.foldsCase()
        } catch {
            return false
        }
    }

    /// Looks at all names of such a directory, when events told of some; what they said of a file is said of the name it has.
    func observeFolded(
        _ node: NodeID, _ told: [Name: Hints], otherwise: Hints = [],
        in directory: borrowing Descriptor, _ state: some StoredState
    ) throws {
        var listed: Set<Name> = []
        var hints: [UInt64: Hints] = [:]
        do throws(SystemError) {
            let listing = try Descriptor(at: directory, opening: [], for: .listing)
            let names = try explorer.reader.names(in: listing)
            for index in 0..<names.count { listed.insert(Name(names.name(index))) }
        } catch {
            return error.reach == .gone ? parked.note(told, in: node) : keepUnseen(told, in: node, error)
        }
        for (name, said) in told {
            guard let status = try status(of: Place(node, name), said, in: directory, state) else { continue }
            hints[status.inode, default: otherwise].formUnion(said)
        }
        for name in listed.sorted(by: Name.storageOrder) {
            let place = Place(node, name)
            guard let status = try status(of: place, otherwise, in: directory, state) else { continue }
            try found(status, at: place, in: directory, hints[status.inode] ?? otherwise, state)
        }
        for name in try knownNames(in: node, state) where !listed.contains(name) {
            try vanished(Place(node, name), otherwise, state)
        }
    }

    /// The names that the state has in a directory, and those that wait to be committed to it.
    private func knownNames(in node: NodeID, _ state: some StoredState) throws -> Set<Name> {
        pending.observeArrivals(of: { $0 == node })
        var names = Set(pending.observations.places.lazy.filter { $0.node == node }.map(\.name))
        guard tree[node]?.hasNoRows == false else { return names }
        try state.forEachPage(of: node) { rows in
            for index in 0..<rows.count { names.insert(rows.name(index)) }
        }
        return names
    }
}
