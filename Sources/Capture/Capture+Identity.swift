internal import Changes
internal import Kernel

/// A file system that is mounted now, as the journal numbers it.
struct MountedFileSystem {
    /// Stable where `st_dev` is not: by UUID and subvolume.
    var number: Int32
    /// proc, sysfs and the like.
    var isPseudo: Bool
    /// Nobody but this machine changes it.
    var isLocal: Bool
    /// Two changes can have one ctime.
    var hasCoarseTimes: Bool
    /// It may have directories that find names in any case.
    var canFoldCase: Bool
}

/// Which file a status is of.
///
/// `st_dev` names a file system only while it is mounted, and numbers are used again (fact 55): they are looked up once a
/// device, and forgotten when the device is mounted no more.
extension Capture {
    /// Asks a directory for its file system, and gives that a number if it is new.
    func know(_ directory: borrowing Descriptor, device: UInt64) throws(SystemError) -> MountedFileSystem {
        let filesystem = try FileSystem(of: directory)
        let number = filesystems[filesystem.key] ?? (filesystems.values.max() ?? 0) + 1
        if filesystems.updateValue(number, forKey: filesystem.key) == nil {
            pending.filesystems.append((number, filesystem.key))
        }
        let known = MountedFileSystem(
            number: number, isPseudo: filesystem.isPseudo, isLocal: filesystem.isLocal,
            hasCoarseTimes: filesystem.hasCoarseTimes, canFoldCase: filesystem.canFoldCase)
        devices[device] = known
        return known
    }

    /// Which file a status is of; its file system is 0 where nobody has asked for it yet.
    func fileID(_ status: FileStatus) -> FileID {
        FileID(filesystem: devices[status.device]?.number ?? 0, inode: status.inode, birth: status.birth)
    }

    /// Which directory an open one is, asking for its file system where its device is new.
    func fileID(_ status: FileStatus, of directory: borrowing Descriptor) throws(SystemError) -> FileID {
        if devices[status.device] == nil {
            _ = try know(Descriptor(at: directory, opening: [], for: .listing), device: status.device)
        }
        return fileID(status)
    }

    /// Which directory was found at a place. One that cannot be opened to be asked is of file system 0, which is no other's; one
    /// that is mounted there and not crossed into is not asked, because to open it can mean to mount it (autofs).
    func directoryID(
        _ status: FileStatus, at place: Place, in directory: borrowing Descriptor, of root: WatchedRoot
    ) -> FileID {
        if !root.root.crossesMounts && !root.isMount(of: status) {
            return FileID(filesystem: 0, inode: status.inode, birth: status.birth)
        }
        if devices[status.device] == nil {
            do throws(SystemError) {
                let found = try Descriptor(below: directory, opening: place.name.bytes, for: .listing)
                // By now it may be another one, which is no news: it has made events of its own.
                if try FileStatus(of: found).device == status.device { _ = try know(found, device: status.device) }
            } catch {
                // Unreadable, or gone again: its listing will tell.
            }
        }
        return fileID(status)
    }

    /// What a status says, for the state. What is no directory is of the file system of the directory it lies in: only that one
    /// is stored, and a file that is mounted by itself is as good as any.
    func entry(_ status: FileStatus, in parent: NodeID) -> Entry {
        let own = status.isDirectory ? devices[status.device]?.number : nil
        let filesystem = own ?? tree[parent]!.id.filesystem
        return Entry(status, id: FileID(filesystem: filesystem, inode: status.inode, birth: status.birth))
    }
}

extension Entry {
    /// What a status says, for the state.
    init(_ status: FileStatus, id: FileID) {
        self.init(
            id: id, mode: status.mode, size: status.size, mtime: status.mtime, ctime: status.ctime,
            nlink: status.nlink, uid: status.uid, gid: status.gid)
    }
}
