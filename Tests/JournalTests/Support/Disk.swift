import Glibc

/// A file system in an image that can be mounted, unmounted and mounted again, here or elsewhere; gone with its test.
final class Disk {
    let image: Bytes
    let type: Bytes
    /// Where it is mounted now.
    private(set) var point: Bytes?

    /// Makes the file system. Nil where this machine or this user has no means to.
    init?(_ type: Bytes, in scratch: Scratch, name: Bytes, megabytes: Int = 64) throws {
        image = scratch.path / Bytes("image-\(name)")
        self.type = type
        try Sys.write(image, "")
        // btrfs wants 109 MB, xfs 300: a sparse file costs nothing.
        let size = max(megabytes, type == "btrfs" ? 128 : type == "xfs" ? 320 : 0)
        guard geteuid() == 0, image.withCString({ truncate($0, off_t(size) << 20) }) == 0,
            try Program.run("sh", ["-c", Bytes("command -v mkfs.\(type)")], environment: Disk.path).status == 0,
            try Program.run(Bytes("mkfs.\(type)"), ["-q", type == "ext4" ? "-F" : "-f", image], environment: Disk.path)
                .status
                == 0
        else { return nil }
    }

    deinit { if let point { _ = try? Program.run("umount", ["-l", point]) } }

    private static let path = ["PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"]

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    func mount(at point: Bytes) throws {
        try Mount.run("mount", "-t", type, "-o", "loop,noatime", image, point)
        self.point = point
    }

    func unmount() throws {
        try Mount.run("umount", point ?? "")
        point = nil
    }
}

/// mount(8) and umount(8), which have to work.
enum Mount {
    static func run(_ words: Bytes...) throws {
        let output = try Program.run(words[0], Array(words.dropFirst()))
        if output.status != 0 { throw Disk.Failed(description: "\(output)") }
    }

    /// Whether this user may mount.
    static func isPossible(_ scratch: Scratch) throws -> Bool {
        let point = scratch.path / "probe"
        try Sys.mkdirs(point)
        guard try Program.run("mount", ["-t", "tmpfs", "none", point]).status == 0 else { return false }
        try run("umount", point)
        return true
    }
}
