import Foundation
import Synchronization

/// A directory of a test's own on /dev/shm, gone when the test is: disks are slow at this, and tmpfs has the kernel's
/// events, birth times and xattrs like any other file system.
final class Scratch: Sendable {
    let path: Bytes
    private let mounts = Mutex<[(point: Bytes, command: [Bytes])]>([])
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
            _ = try? Program.run("umount", ["-l", mount.point])
        }
        try? Sys.removeTree(path)
    }

    /// A new file system, mounted below this directory until the test is done: `tmpfs` or, in a loop image, `ext4` or
    /// `xfs`. Nil where this machine or this user may not mount.
    func mount(_ type: String, name: Bytes, megabytes: Int, options: String = "noatime") throws -> Bytes? {
        let point = path / name
        try Sys.mkdirs(point)
        return try mount(type, at: point, name: name, megabytes: megabytes, options: options) ? point : nil
    }

    /// Likewise over a directory that is there. False where this machine or this user may not.
    func mount(
        _ type: String, at point: Bytes, name: Bytes = "none", megabytes: Int, options: String = "noatime"
    ) throws -> Bool {
        var device: Bytes = "none"
        var options = options
        if type == "tmpfs" {
            options += ",size=\(megabytes)M"
        } else {
            device = path / Bytes("image-\(name)")
            try Sys.write(device, "")
            let force: Bytes = type == "xfs" ? "-f" : "-F"
            guard device.withCString({ truncate($0, off_t(megabytes) << 20) }) == 0,
                try Scratch.succeeds(Bytes("mkfs.\(type)"), ["-q", force, device])
            else { return false }
            options += ",loop"
        }
        let command = ["-t", Bytes(type), "-o", Bytes(options), device, point]
        guard try Scratch.succeeds("mount", command) else { return false }
        mounts.withLock { $0.append((point, command)) }
        return true
    }

    /// Takes a file system of ours off its place; who has it open is waited for.
    func unmount(_ point: Bytes) throws {
        let limit = ContinuousClock.now + .seconds(30)
        while true {
            let output = try Program.run("umount", [point])
            if output.status == 0 { return }
            guard .now < limit else { throw Stuck(description: "\(output)") }
            usleep(5000)
        }
    }

    /// Mounts it there again: where it lost power, its log is replayed.
    func remount(_ point: Bytes) throws {
        guard let mount = mounts.withLock({ $0.first { $0.point == point } }) else { return }
        let output = try Program.run("mount", mount.command)
        if output.status != 0 { throw Stuck(description: "\(output)") }
    }

    struct Stuck: Error, CustomStringConvertible {
        var description: String
    }

    /// Runs a program that may not be installed.
    private static func succeeds(_ program: Bytes, _ arguments: [Bytes]) throws -> Bool {
        do { return try Program.run(program, arguments).status == 0 } catch let error as SystemError
            where error.code == ENOENT
        { return false }
    }
}
