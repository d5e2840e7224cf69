internal import CLinux
internal import Glibc

/// Which file system a directory lies on, by what survives a remount and a reboot.
package struct FileSystem: Hashable, Sendable {
    /// Type, UUID and, where it is stable, `f_fsid` (which tells btrfs subvolumes apart).
    package let key: [UInt8]
    /// proc, sysfs and the like: what they show are no files, and they make no events.
    package let isPseudo: Bool

    /// The corresponding C constants are `XFS_SUPER_MAGIC` and `F2FS_SUPER_MAGIC`: their `f_fsid` derives from the
    /// device number, which is not stable.
    private static let deviceBased: Set<UInt64> = [0x5846_5342, 0xF2F5_2010]

    /// The `*_MAGIC` constants of linux/magic.h for proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs,
    /// securityfs, bpf, pstore, efivarfs, configfs, fusectl, mqueue, nsfs, binfmt_misc, selinuxfs and autofs.
    private static let pseudo: Set<UInt64> = [
        0x9FA0, 0x6265_6572, 0x27_E0EB, 0x6367_7270, 0x1CD1, 0x6462_6720, 0x7472_6163, 0x7363_6673, 0xCAFE_4A11,
        0x6165_676C, 0xDE5E_81E4, 0x6265_6570, 0x6573_5543, 0x1980_0202, 0x6E73_6673, 0x4249_4E4D, 0xF97C_FF8C, 0x187,
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
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }
}
