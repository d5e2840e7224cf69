import CTestLinux
import Glibc
import Seeded

/// Does random operations in a tree, while others do the same; what fails because of them has simply not happened.
///
/// Directories come and go faster than they can be watched, so some changes make no event at all, and only a look at
/// what is left shows them. Two kinds leave nothing to see, and are kept to the steady directories, which always are
/// watched: changes through one of several names, and content written with its times put back. And a name that comes,
/// is written through and goes between two reads has no inode that anybody saw: changes through one of several names
/// use one that was there before the round.
struct Worker {
    let tree: Bytes
    let outside: Bytes
    let touched: Touched
    let gate: Gate
    /// The inodes of the names in the steady directories when the round began.
    var known: [Bytes: UInt64] = [:]
    var random: SplitMix64

    /// Directories of the tree that no operation moves or removes.
    static let steady: [Bytes] = ["S0", "S1"]

    /// Many operations at once, or one alone.
    final class Gate: @unchecked Sendable {
        // The lock is its own guard.
        private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
        init() { pthread_rwlock_init(lock, nil) }
        deinit {
            pthread_rwlock_destroy(lock)
            lock.deallocate()
        }
        func shared(_ body: () throws -> Void) rethrows {
            pthread_rwlock_rdlock(lock)
            defer { pthread_rwlock_unlock(lock) }
            try body()
        }
        func alone(_ body: () throws -> Void) rethrows {
            pthread_rwlock_wrlock(lock)
            defer { pthread_rwlock_unlock(lock) }
            try body()
        }
    }

    /// Does `count` operations.
    mutating func work(_ count: Int) {
        for _ in 0..<count { try? step() }
    }

    private mutating func step() throws {
        if random.chance(12) {
            var copy = self
            defer { self = copy }
            return try gate.alone { try copy.lonely() }
        }
        var copy = self
        defer { self = copy }
        try gate.shared { try copy.common() }
    }

    private mutating func common() throws {
        switch random.below(100) {
        case 0..<14: try create(newPath())
        case 14..<22: try rewrite(O_APPEND)
        case 22..<28: try rewrite(0)
        case 28..<32: try resize()
        case 32..<40: try move(existing(), newPath())
        case 40..<44: try move(existing(), existing())
        case 44..<47: try move(existing(), existing(), flags: 2)
        case 47..<48: try move(existing(), newPath(), flags: 4)
        case 48..<56: try moveAndEdit()
        case 56..<63: try makeDeep()
        case 63..<67: try removeTree(existing())
        case 67..<71: try remove(existing())
        case 71..<75: try symlink()
        case 75..<79: try metadata(existing())
        case 79..<82: try times(existing())
        case 82..<84: try attribute(existing())
        case 84..<86: try special()
        case 86..<90: try changeType(existing())
        case 90..<93: try nameless()
        case 93..<96: try writeUnlinked()
        default: try save()
        }
    }

    /// What must not be disturbed between looking and doing.
    private mutating func lonely() throws {
        switch random.below(10) {
        case 0..<2: try moveOut()
        case 2..<4: try moveIn()
        case 4: try rewriteWithTimes()
        default: try linked()
        }
    }

    // Choosing.

    private mutating func directory() throws -> Bytes {
        var place = tree
        while random.chance(70) {
            let names = try Sys.list(place)
            guard !names.isEmpty else { break }
            let next = place / random.pick(names)
            guard try Sys.facts(next).map({ $0.mode & S_IFMT == S_IFDIR }) == true else { break }
            place = next
        }
        return place
    }

    private mutating func existing() throws -> Bytes {
        let place = try directory()
        let names = try Sys.list(place)
        guard !names.isEmpty else { throw SystemError("pick", place, code: ENOENT) }
        return place / random.pick(names)
    }

    private mutating func newPath() throws -> Bytes { try directory() / newName() }

    private mutating func newName() -> Bytes {
        if random.chance(85) { return Bytes("\(random.pick(["a", "b", "c", "d", "f", "g"]))\(random.below(6))") }
        let odd: [Bytes] = [
            "-rf", "a\nb", "a\\b", "...", " ", Bytes("#\(random.below(99999))"), "é", "e\u{301}", "~", "%",
        ]
        if random.chance(40) { return random.pick(odd) }
        if random.chance(10) { return Bytes([UInt8](repeating: UInt8(0x80 + random.below(100)), count: 255)) }
        let name = Bytes(
            (0..<1 + random.below(8)).map { _ in UInt8(1 + random.below(255)) }.filter { $0 != UInt8(ascii: "/") })
        return name.raw.isEmpty || name == "." || name == ".." ? "x" : name
    }

    private func isSteady(_ path: Bytes) -> Bool { path == tree || Worker.steady.contains { tree / $0 == path } }

    private func facts(_ path: Bytes) throws -> test_facts {
        guard let facts = try Sys.facts(path) else { throw SystemError("statx", path, code: ENOENT) }
        touched.inode(facts.ino)
        return facts
    }

    private mutating func bytes() -> [UInt8] {
        let letter = UInt8(97 + random.below(26))
        return [UInt8](repeating: letter, count: 1 + random.below(60))
    }

    // Doing.

    private mutating func create(_ path: Bytes) throws {
        touched.path(path)
        let file = try Sys.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_EXCL)
        defer { Sys.close(file) }
        if random.chance(80) { try Sys.write(file, bytes(), path) }
    }

    /// Opens a file of one name for writing.
    private func open(_ path: Bytes, _ flags: Int32) throws -> Int32 {
        touched.path(path)
        let file = try Sys.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | flags)
        var status = stat()
        // Closing what was open for writing counts as written, under all names.
        if fstat(file, &status) == 0 { touched.inode(UInt64(status.st_ino)) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            Sys.close(file)
            throw SystemError("open", path, code: EMLINK)
        }
        return file
    }

    private mutating func rewrite(_ flags: Int32) throws {
        let path = try existing()
        let file = try open(path, flags)
        defer { Sys.close(file) }
        for _ in 0...random.below(3) { try Sys.write(file, bytes(), path) }
    }

    private mutating func resize() throws {
        let path = try existing()
        let file = try open(path, 0)
        defer { Sys.close(file) }
        let size = random.below(100)
        ftruncate(file, off_t(size))
        Deeds.current?.note(["truncate", "\(path)", "\(size)"], nil)
    }

    private func move(_ old: Bytes, _ new: Bytes, flags: UInt32 = 0) throws {
        if isSteady(old) || isSteady(new) { return }
        for path in [old, new] {
            touched.tree(path)
            if let facts = try Sys.facts(path) {
                touched.inode(facts.ino)
                // A name of several stays where events are certain.
                if facts.nlink > 1, facts.mode & S_IFMT != S_IFDIR, !isSteady(old.parent) || !isSteady(new.parent) {
                    return
                }
            }
        }
        try Sys.rename(old, new, flags: flags)
    }

    /// A directory is renamed, one below it too, and a file below that is written to at once.
    private mutating func moveAndEdit() throws {
        let old = try directory()
        let new = try newPath()
        try move(old, new)
        let names = try Sys.list(new)
        for _ in 0..<2 where !names.isEmpty {
            try? move(new / random.pick(names), new / newName())
            try? create(new / newName())
            guard let file = try? open(new / random.pick(names), O_APPEND) else { continue }
            try? Sys.write(file, bytes(), new)
            Sys.close(file)
        }
    }

    private mutating func makeDeep() throws {
        var path = try newPath()
        touched.tree(path)
        for _ in 0..<1 + random.below(5) {
            try? Sys.mkdir(path)
            if random.chance(60) { try? create(path / newName()) }
            path = path / newName()
        }
    }

    private func removeTree(_ path: Bytes) throws {
        if isSteady(path) { return }
        touched.tree(path)
        if let facts = try Sys.facts(path), facts.mode & S_IFMT != S_IFDIR { return try remove(path) }
        try Sys.removeTree(path)
    }

    private func remove(_ path: Bytes) throws {
        touched.path(path)
        _ = try facts(path)
        try Sys.unlink(path)
    }

    private mutating func symlink() throws {
        let path = random.chance(50) ? try newPath() : try existing()
        touched.path(path)
        if let facts = try Sys.facts(path) {
            guard facts.mode & S_IFMT == S_IFLNK else { return }
            try Sys.unlink(path)
        }
        try Sys.symlink(random.pick([".", "..", "nowhere", "a0", "S0/f1"] as [Bytes]), path)
    }

    /// Mode or owner, through a descriptor: a symlink that comes between must not lead elsewhere.
    private mutating func metadata(_ path: Bytes) throws {
        touched.path(path)
        if try facts(path).nlink > 1 && facts(path).mode & S_IFMT != S_IFDIR { return }
        if random.chance(30) { return try Sys.chown(path, uid_t(random.below(3)), gid_t(random.below(3))) }
        let file = try Sys.open(path, Sys.O_PATH | O_NOFOLLOW)
        defer { close(file) }
        let mode = mode_t(random.pick([0o600, 0o644, 0o700, 0o755]))
        try Deeds.noting(["chmod", "\(path)", String(mode, radix: 8)]) {
            try Bytes("/proc/self/fd/\(file)").withCString { try SystemError.check(chmod($0, mode), "chmod", path) }
        }
    }

    private mutating func times(_ path: Bytes) throws {
        touched.path(path)
        if try facts(path).nlink > 1 && facts(path).mode & S_IFMT != S_IFDIR { return }
        let past = Int64(1_000_000_000 + random.below(1000)) * 1_000_000_000 + Int64(random.below(1000))
        try Sys.utimens(path, access: random.chance(50) ? past : nil, modification: past)
    }

    private mutating func attribute(_ path: Bytes) throws {
        touched.path(path)
        if try facts(path).nlink > 1 && facts(path).mode & S_IFMT != S_IFDIR { return }
        let name = "user.\(random.pick(["x", "y"]))"
        if random.chance(70) { try Sys.setxattr(path, name, bytes()) } else { try Sys.removexattr(path, name) }
    }

    private mutating func special() throws {
        let path = try newPath()
        touched.path(path)
        if random.chance(50) { try Sys.mknod(path, S_IFIFO | 0o644) } else { try Sys.bindSocket(path) }
    }

    private mutating func changeType(_ path: Bytes) throws {
        try removeTree(path)
        if isSteady(path) { return }
        switch random.below(3) {
        case 0: try create(path)
        case 1:
            try Sys.mkdir(path)
            try create(path / newName())
        default: try Sys.symlink("elsewhere", path)
        }
    }

    private mutating func nameless() throws {
        let path = try newPath()
        touched.path(path)
        let file = try Sys.open(path.parent, Int32(test_O_TMPFILE) | O_RDWR)
        defer { Sys.close(file) }
        try Sys.write(file, bytes(), path)
        let source = Bytes("/proc/self/fd/\(file)")
        try Deeds.noting(["name", "\(file)", "\(path)"]) {
            try source.withCString { source in
                try Sys.at(path) {
                    try SystemError.check(linkat(AT_FDCWD, source, $0, $1, AT_SYMLINK_FOLLOW), "linkat", path)
                }
            }
        }
        try Sys.write(file, bytes(), path)
    }

    private mutating func writeUnlinked() throws {
        let path = try existing()
        let file = try open(path, 0)
        defer { Sys.close(file) }
        try Sys.unlink(path)
        try Sys.write(file, bytes(), path)
        if random.chance(40) { try create(path) }
        try Sys.write(file, bytes(), path)
    }

    private mutating func save() throws {
        let path = try existing()
        guard try facts(path).mode & S_IFMT == S_IFREG else { return }
        let temporary = Bytes(
            path.raw.prefix(path.raw.count - path.name.raw.count) + Array(".tmp".utf8) + newName().raw)
        try create(temporary)
        try move(temporary, path)
    }

    // Alone.

    private mutating func moveOut() throws {
        let path = try existing()
        if isSteady(path) { return }
        touched.tree(path)
        // Another name of what is out there would change unseen.
        for entry in try Tree(walking: path).entries.values where entry.nlink > 1 && entry.type != "directory" {
            return
        }
        try Sys.rename(path, outside / newName())
    }

    private mutating func moveIn() throws {
        let names = try Sys.list(outside)
        guard !names.isEmpty else { return }
        let source = outside / random.pick(names)
        let target = random.chance(70) ? try newPath() : try existing()
        if isSteady(target) { return }
        touched.tree(target)
        for path in try Tree(walking: source).entries.values { touched.inode(path.ino) }
        _ = try? facts(target)
        try Sys.rename(source, target)
    }

    private mutating func rewriteWithTimes() throws {
        let place = tree / random.pick(Worker.steady)
        let names = try Sys.list(place)
        guard !names.isEmpty else { return }
        let path = place / random.pick(names)
        let before = try facts(path)
        let file = try open(path, 0)
        defer { Sys.close(file) }
        try Sys.write(file, [UInt8](repeating: UInt8(65 + random.below(26)), count: Int(before.size)), path)
        try Sys.utimens(path, access: nil, modification: before.mtime)
    }

    /// Names of one file, in the steady directories.
    private mutating func linked() throws {
        let place = tree / random.pick(Worker.steady)
        let names = try Sys.list(place)
        let name = newName()
        if names.isEmpty { return try create(place / name) }
        let path = place / random.pick(names)
        touched.path(path)
        let found = try facts(path)
        guard found.mode & S_IFMT == S_IFREG else { return }
        let choice = random.below(8)
        if [3, 4, 7].contains(choice), found.nlink > 1, known[path] != found.ino { return }
        switch choice {
        case 0..<3:
            let other = tree / random.pick(Worker.steady) / name
            touched.path(other)
            try Sys.link(path, other)
        case 3: try Sys.write(path, bytes(), O_WRONLY | O_APPEND)
        case 4: try Sys.chmod(path, mode_t(random.pick([0o600, 0o644])))
        case 5: try Sys.unlink(path)
        case 6: try move(path, tree / random.pick(Worker.steady) / name)
        default:
            // The name it was opened by goes before the write.
            let file = try Sys.open(path, O_WRONLY | O_APPEND | O_NOFOLLOW)
            defer { Sys.close(file) }
            try Sys.unlink(path)
            try Sys.write(file, bytes(), path)
        }
    }
}
