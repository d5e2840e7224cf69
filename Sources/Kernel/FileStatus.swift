internal import CLinux
internal import Glibc

/// What statx(2) tells of a file. Times are nanoseconds since 1970.
package struct FileStatus: Hashable, Sendable {
    package var mode: UInt32
    package var nlink: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var inode: UInt64
    /// `st_dev`: good while the file system is mounted, not across a reboot.
    package var device: UInt64
    /// STATX_MNT_ID_UNIQUE, which no other mount of this boot has; before Linux 6.8 STATX_MNT_ID, which is given out again;
    /// 0 before 5.8.
    package var mount: UInt64
    package var size: Int64
    package var mtime: Int64
    package var ctime: Int64
    /// The birth time; 0 where the file system has none.
    package var birth: Int64
    /// STATX_ATTR_MOUNT_ROOT: something is mounted here.
    package var isMountRoot: Bool

    package var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    package var isFile: Bool { mode & S_IFMT == S_IFREG }
    package var isSymbolicLink: Bool { mode & S_IFMT == S_IFLNK }
    package var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
    /// Whether everybody may replace the files of others in this directory: written by all, and not sticky.
    package var isOpenToAll: Bool { mode & S_IWOTH != 0 && mode & S_ISVTX == 0 }

    /// Whether both are of one file, until it is deleted.
    package func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    /// The status of `name` in `directory`; never follows a symbolic link.
    package init(of name: [UInt8], in directory: borrowing Descriptor) throws(SystemError) {
        self = try FileStatus.statx(directory.raw, name, follow: false)
    }

    /// The status of what `descriptor` is open on.
    package init(of descriptor: borrowing Descriptor) throws(SystemError) {
        self = try FileStatus.statx(descriptor.raw, [], follow: false)
    }

    /// The status at an absolute path; of the target where `follow` is set and it is a symbolic link.
    package init(at path: [UInt8], follow: Bool = false) throws(SystemError) {
        self = try FileStatus.statx(AT_FDCWD, path, follow: follow)
    }

    /// The same for a name that is NUL-terminated already; nil for any failure, whose reason is had by asking again.
    init?(quickly name: UnsafePointer<CChar>, in directory: Int32) {
        var s = clinux_status()
        guard unsafe clinux_statx(directory, name, 0, &s) == 0 else { return nil }
        self.init(s)
    }

    private static func statx(_ directory: Int32, _ path: [UInt8], follow: Bool) throws(SystemError) -> FileStatus {
        var s = clinux_status()
        _ = try check("statx", path) {
            unsafe withCString(path) { unsafe clinux_statx(directory, $0, follow ? 1 : 0, &s) }
        }
        return FileStatus(s)
    }

    private init(_ s: clinux_status) {
        mode = s.mode
        nlink = s.nlink
        uid = s.uid
        gid = s.gid
        inode = s.inode
        device = s.device
        mount = s.mount
        size = s.size
        mtime = s.mtime
        ctime = s.ctime
        birth = s.btime
        isMountRoot = s.mount_root != 0
    }
}
