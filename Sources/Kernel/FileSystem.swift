internal import CLinux
internal import Glibc

/// Which file system a directory lies on, by what survives a remount and a reboot.
package struct FileSystem: Hashable, Sendable {
    /// Type, UUID and, where it is stable, `f_fsid` (which tells btrfs subvolumes apart).
    package let key: [UInt8]
    /// proc, sysfs and the like: what they show are no files, and they make no events.
    package let isPseudo: Bool
    /// Whether only this machine's programs change it, so that events tell of every change. Not NFS, SMB, 9p, FUSE and the
    /// like, where others may (fact 47), and nothing that is not known to be local.
    package let isLocal: Bool
    /// Whether its times tick at the kernel's jiffy (1 to 10 ms) or coarser, so that two changes can have one ctime (fact 59).
    package let hasCoarseTimes: Bool
    /// Whether it may have directories that find names in any case.
    package let canFoldCase: Bool

    /// The corresponding C constants are `XFS_SUPER_MAGIC` and `F2FS_SUPER_MAGIC`: their `f_fsid` derives from the
    /// device number, which is not stable.
    private static let deviceBased: Set<UInt64> = [0x5846_5342, 0xF2F5_2010]

    /// The `*_MAGIC` constants of linux/magic.h for proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs,
    /// securityfs, bpf, pstore, efivarfs, configfs, fusectl, mqueue, nsfs, binfmt_misc, selinuxfs and autofs.
    private static let pseudo: Set<UInt64> = [
        0x9FA0, 0x6265_6572, 0x27_E0EB, 0x6367_7270, 0x1CD1, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0xCAFE_4A11,
        0x6165_676C, 0xDE5E_81E4, 0x6265_6570, 0x6573_5543, 0x1980_0202, 0x6E73_6673, 0x4249_4E4D, 0xF97C_FF8C, 0x187,
    ]

    /// The `*_SUPER_MAGIC` constants of ext2 to ext4, xfs, btrfs and tmpfs: the file systems that have multigrain times, from
    /// Linux 6.13 on.
    private static let multigrain: Set<UInt64> = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994]

    /// `EXT4_SUPER_MAGIC`, `F2FS_SUPER_MAGIC`, `TMPFS_MAGIC`: the file systems with FS_CASEFOLD_FL.
    private static let folding: Set<UInt64> = [0xEF53, 0xF2F5_2010, 0x0102_1994]

    /// The magic numbers of the other file systems that are known to be local: ramfs, f2fs, overlayfs, ZFS, bcachefs, JFS,
    /// ReiserFS, NILFS, FAT, exFAT, NTFS (two drivers), HFS, HFS+, UDF, ISO 9660, squashfs, EROFS, cramfs, eCryptfs, UFS,
    /// MINIX (three versions).
    private static let otherLocal: Set<UInt64> = [
        0x8584_58F6, 0xF2F5_2010, 0x794C_7630, 0x2FC1_2FC1, 0xCA45_1A4E, 0x3153_464A, 0x5265_4973, 0x3434, 0x4D44,
        0x2011_BAB0, 0x5346_544E, 0x7366_746E, 0x4244, 0x482B, 0x1501_3346, 0x9660, 0x7371_7368, 0xE0F5_E1E2,
        0x28CD_3D45, 0xF15F, 0x0001_1954, 0x137F, 0x2468, 0x4D5A,
    ]

    /// The file system of the directory that `descriptor` is open on.
    package init(of descriptor: borrowing Descriptor) throws(SystemError) {
        let raw = descriptor.raw
        var type: UInt64 = 0
        var id: (UInt32, UInt32) = (0, 0)
        _ = try check("fstatfs") {
            unsafe withUnsafeMutableBytes(of: &id) {
                unsafe clinux_filesystem_type(raw, &type, $0.assumingMemoryBound(to: UInt32.self).baseAddress!)
            }
        }
        var key = FileSystem.bytes(type)
        var uuid = clinux_uuid()
        // ENOTTY before Linux 6.9 and on file systems without one; EOPNOTSUPP likewise. An O_PATH descriptor would be
        // EBADF, so this asks a descriptor that can be read.
        let hasUUID = unsafe clinux_filesystem_uuid(raw, &uuid) == 0 && uuid.length == 16
        if hasUUID { key += unsafe withUnsafeBytes(of: uuid.bytes) { unsafe Array($0) } }
        if !hasUUID || !FileSystem.deviceBased.contains(type) {
            key += FileSystem.bytes(UInt64(id.0) << 32 | UInt64(id.1))
        }
        self.key = key
        isPseudo = FileSystem.pseudo.contains(type)
        isLocal = FileSystem.multigrain.contains(type) || FileSystem.otherLocal.contains(type)
        canFoldCase = FileSystem.folding.contains(type)
        hasCoarseTimes =
            !FileSystem.multigrain.contains(type) || KernelRelease.current.map { $0 < KernelRelease(6, 13) } ?? true
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }
}
