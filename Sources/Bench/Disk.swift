/// The file system a workload runs on: new for each, so that none finds what another has left.
///
/// Root gets an ext4 of its own, in a loop image that lies in memory where there is enough of that, or a tmpfs where that is
/// wanted. Everybody else gets a directory, on tmpfs if there is one.
struct Disk {
    enum Kind {
        case ext4, tmpfs
    }

    /// Where it is mounted, or the directory.
    let path: String
    private let isMounted: Bool
    private var image: String { "\(path).image" }

    /// Makes a file system of at most so many bytes in the directory `scratch`.
    init(_ kind: Kind, _ name: String, in scratch: Scratch, bytes: Int) throws {
        path = "\(scratch.path)/\(name)"
        isMounted = scratch.canMount
        try System.makeDirectory(path)
        guard isMounted else { return }
        switch kind {
        case .ext4: try Disk.make(image, bytes: bytes, at: path)
        case .tmpfs: try Child.run(["mount", "-t", "tmpfs", "-o", "noatime,size=\(bytes)", "none", path])
        }
    }

    /// The workloads have more and smaller files than mkfs expects, hence the number of inodes. On a file that is all holes
    /// mkfs knows that the tables of inodes are zeros: no thread of the kernel writes them while something is measured.
    static func make(_ image: String, bytes: Int, at path: String) throws {
        try System.createSparse(image, bytes: bytes)
        try Child.run(["mkfs.ext4", "-q", "-F", "-N", String(bytes / 4096), image])
        try Child.run(["mount", "-t", "ext4", "-o", "loop,noatime", image, path])
    }

    func remove() throws {
        if isMounted { try Child.run(["umount", path]) }
        try System.remove(image)
        try Child.run(["rm", "-rf", "--one-file-system", path])
    }
}
