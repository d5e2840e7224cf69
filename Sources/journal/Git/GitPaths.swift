import Changes
import Query

/// The names that the journal tells of, as git's fsmonitor takes them.
///
/// > \0-separated list of paths relative to the top of the worktree; a leading `./` and absolute paths match nothing.
///
/// git does two things with a path. It stops believing what the index says of it, and it stops believing what its untracked
/// cache says of the *directory it is in*. From these follow the rules here:
///
///     f         a file: itself
///     d         a directory came, went or changed: there may have been a file of that name, and git from 2.36 on takes it
///               for all below as well
///     d/        all that the index has below it, for git from 2.31 on
///     d/.gitignore   what the untracked cache has of d itself. A name in it that nobody saw may have come and gone before it
///               was watched, and this is one
///     r         for r/.git and all below: whether r is a repository of its own, which decides how git lists it. A path with
///               .git in it git would not take
///     nothing   for .git at the top and all below
struct GitPaths {
    private let worktree: Path
    private let metadata: Path
    private var paths: Set<[UInt8]> = []
    /// Whether something happened to the top itself, for which there is no path.
    private(set) var isAboutTheTop = false

    init(_ worktree: Path) {
        self.worktree = worktree
        metadata = worktree.appending(Name(".git"))
    }

    /// Whether names in a directory are of any interest.
    func wants(_ directory: Path) -> Bool {
        directory == worktree.parent || worktree.contains(directory) && !metadata.contains(directory)
    }

    mutating func add(_ directory: TouchedDirectory) {
        guard worktree.contains(directory.path) else {
            if directory.names[worktree.name] != nil { isAboutTheTop = true }
            return
        }
        let isTop = directory.path == worktree
        // A worktree that is the root directory has itself for a parent.
        let prefix = isTop ? [] : worktree.relative(directory.path) + [slash]
        if let repository = GitPaths.repository(above: prefix) {
            paths.insert(repository)
            return
        }
        for (name, isDirectory) in directory.names {
            if name.bytes.elementsEqual(GitPaths.metadataName) {
                if !isTop { paths.insert(Array(prefix.dropLast())) }
                continue
            }
            let path = prefix + name.bytes
            paths.insert(path)
            guard isDirectory else { continue }
            paths.insert(path + [slash])
            paths.insert(path + Array("/.gitignore".utf8))
        }
    }

    /// Has the untracked cache forget what it knows of a directory in the worktree.
    mutating func doubt(_ directory: Path) {
        guard wants(directory), worktree.contains(directory) else { return }
        let prefix = directory == worktree ? [] : worktree.relative(directory) + [slash]
        paths.insert(GitPaths.repository(above: prefix) ?? prefix + Array(".gitignore".utf8))
    }

    /// In the order of their bytes: a directory comes before what is in it.
    var sorted: [[UInt8]] { paths.sorted { $0.lexicographicallyPrecedes($1) } }

    private static let metadataName = Array(".git".utf8)

    /// The repository whose `.git` this directory is, or lies in; nil where it is no such.
    private static func repository(above prefix: [UInt8]) -> [UInt8]? {
        var start = prefix.startIndex
        while let end = prefix[start...].firstIndex(of: slash) {
            if prefix[start..<end].elementsEqual(metadataName) { return Array(prefix[..<start].dropLast()) }
            start = end + 1
        }
        return nil
    }
}
