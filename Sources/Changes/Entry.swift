/// Which file something is, whatever it is called now: file system, inode and birth time.
///
/// Inode numbers are reused at once on ext4 and xfs, so the birth time tells a new file from an old one.
package struct FileID: Hashable, Sendable {
    /// The journal's small number for a file system (UUID and subvolume), stable where `st_dev` is not.
    package var filesystem: Int32
    package var inode: UInt64
    /// Nanoseconds since 1970; 0 where the file system has no birth times, and identity is weak.
    package var birth: Int64

    package init(filesystem: Int32, inode: UInt64, birth: Int64) {
        self.filesystem = filesystem
        self.inode = inode
        self.birth = birth
    }
}

/// What a directory entry is, by the `S_IFMT` bits of its mode.
package enum FileType: UInt32, Sendable, CaseIterable {
    case fifo = 0o010000
    case chardev = 0o020000
    case directory = 0o040000
    case blockdev = 0o060000
    case file = 0o100000
    case symlink = 0o120000
    case socket = 0o140000

    /// The type of an `st_mode`; the kernel knows no others than these seven.
    package init(mode: UInt32) { self = FileType(rawValue: mode & 0o170000) ?? .file }

    /// The word of the contract's `type` column.
    package var word: String {
        switch self {
        case .fifo: "fifo"
        case .chardev: "chardev"
        case .directory: "directory"
        case .blockdev: "blockdev"
        case .file: "file"
        case .symlink: "symlink"
        case .socket: "socket"
        }
    }
}

/// What statx told of one name: everything by which a change is recognised. Times are nanoseconds since 1970.
package struct Entry: Hashable, Sendable {
    package var id: FileID
    package var mode: UInt32
    package var size: Int64
    package var mtime: Int64
    package var ctime: Int64
    package var nlink: UInt32
    package var uid: UInt32
    package var gid: UInt32

    package init(
        id: FileID, mode: UInt32, size: Int64, mtime: Int64, ctime: Int64, nlink: UInt32, uid: UInt32, gid: UInt32
    ) {
        self.id = id
        self.mode = mode
        self.size = size
        self.mtime = mtime
        self.ctime = ctime
        self.nlink = nlink
        self.uid = uid
        self.gid = gid
    }

    package var type: FileType { FileType(mode: mode) }
    package var isDirectory: Bool { mode & 0o170000 == FileType.directory.rawValue }
}
