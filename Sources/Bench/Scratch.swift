import Glibc

/// Where the disks are made.
struct Scratch {
    let path: String
    /// Whether file systems can be mounted here, in loop images too.
    let canMount: Bool

    /// What a table says of it.
    var description: String {
        let base = Scratch.fileSystem(of: path)
        return canMount ? "ext4 with a journal, in a loop image on \(base)" : "\(base) (\(path))"
    }

    /// Picks the directory the scratch is made in: one in memory if there is enough for a disk.
    static func base(_ wanted: String?, _ sizes: Sizes) -> String {
        if let wanted { return wanted }
        var status = statvfs()
        if unsafe statvfs("/dev/shm", &status) == 0, unsafe access("/dev/shm", W_OK) == 0 {
            let free = min(Int(status.f_bavail) * Int(status.f_frsize), Machine.availableMemory)
            if free >= sizes.diskBytes { return "/dev/shm" }
            Progress.say("/dev/shm has \(free >> 30) GB free of the \(sizes.diskBytes >> 30) that this takes")
        }
        return unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/var/tmp"
    }

    /// Tries whether a loop image can be mounted: root in a container often cannot.
    init(_ path: String) throws {
        self.path = path
        guard geteuid() == 0 else {
            canMount = false
            Progress.say("not root, so the workloads run on \(Scratch.fileSystem(of: path)) rather than on ext4")
            return
        }
        let probe = "\(path)/probe"
        try System.makeDirectory(probe)
        do {
            try Disk.make("\(probe).image", bytes: 64 << 20, at: probe)
            try Child.run(["umount", probe])
            canMount = true
        } catch let error as Failed {
            canMount = false
            Progress.say(
                "no loop image can be mounted (\(error)), so the workloads run on \(Scratch.fileSystem(of: path))")
        }
        try System.remove("\(probe).image")
        try Child.run(["rmdir", probe])
    }

    /// On an ext4 without a journal, creating files after many were deleted takes a time that grows with the square of
    /// their number, for minutes: whatever is measured there is that.
    var warning: String? {
        guard !canMount, Scratch.fileSystem(of: path) == "ext4", let device = Scratch.device(of: path),
            !System.exists("/proc/fs/jbd2/\(device)-8")
        else { return nil }
        return
            "\(path) is on an ext4 without a journal, which is slow after deletions; another --scratch would be better"
    }

    /// The type of the file system a path is on, and the device's name under /dev, by the table of mounts.
    private static func fileSystem(of path: String) -> String { mount(of: path)?.type ?? "an unknown file system" }
    private static func device(of path: String) -> String? {
        mount(of: path)?.source.split(separator: "/").last.map(String.init)
    }

    private static func mount(of path: String) -> (type: String, source: String)? {
        let mounts = System.text("/proc/self/mounts").split(separator: "\n").map { $0.split(separator: " ") }
        let over = mounts.filter { words in
            words.count > 2 && (words[1] == "/" || path == words[1] || path.hasPrefix(words[1] + "/"))
        }
        // Of those above a path the longest is the nearest, and of several at one place the last is on top.
        let nearest = over.reduce(nil as [Substring]?) { best, words in
            words[1].utf8.count >= best?[1].utf8.count ?? 0 ? words : best
        }
        return nearest.map { (String($0[2]), String($0[0])) }
    }
}
