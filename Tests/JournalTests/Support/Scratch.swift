import Foundation
import Synchronization

/// A directory of a test's own on /dev/shm, gone when the test is: disks are slow at this, and tmpfs has the kernel's
/// events, birth times and xattrs like any other file system.
final class Scratch: Sendable {
    let path: Bytes
    private let mounts = Mutex<[Bytes]>([])
    private static let count = Mutex(0)

    init() throws {
        let base: Bytes = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : Bytes(NSTemporaryDirectory())
        let number = Scratch.count.withLock { count in
            count += 1
            return count
        }
        path = base / Bytes("journal-test.\(getpid()).\(number)")
        try Sys.mkdir(path)
    }

    deinit {
        for mount in mounts.withLock({ $0 }).reversed() {
            _ = try? Program.run("umount", ["-l", mount])
        }
        try? Sys.removeTree(path)
    }

    /// A new file system, mounted below this directory until the test is done: `tmpfs` or, in a loop image, `ext4`.
    /// Nil where this machine or this user may not mount.
    func mount(_ type: String, name: Bytes, megabytes: Int, options: String = "noatime") throws -> Bytes? {
        let point = path / name
        try Sys.mkdirs(point)
        var device: Bytes = "none"
        var options = options
        if type == "tmpfs" {
            options += ",size=\(megabytes)M"
        } else {
            device = path / Bytes("image-\(name)")
            try Sys.write(device, "")
            guard device.withCString({ truncate($0, off_t(megabytes) << 20) }) == 0,
                try Program.run(Bytes("mkfs.\(type)"), ["-q", "-F", device]).status == 0
            else { return nil }
            options += ",loop"
        }
        guard try Program.run("mount", ["-t", Bytes(type), "-o", Bytes(options), device, point]).status == 0 else {
            return nil
        }
        mounts.withLock { $0.append(point) }
        return point
    }
}
