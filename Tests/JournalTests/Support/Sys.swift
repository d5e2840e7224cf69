import CTestLinux
import Glibc

/// System calls by path, for paths of any length: what lies deeper than PATH_MAX is reached through descriptors.
enum Sys {
    static let O_PATH = Int32(test_O_PATH)

    /// Calls `body` with a directory descriptor and the path relative to it.
    @discardableResult
    static func at<R>(_ path: Bytes, _ body: (Int32, UnsafePointer<CChar>) throws -> R) throws -> R {
        if path.raw.count < 4000 { return try path.withCString { try body(AT_FDCWD, $0) } }
        var directory = try open("/", O_RDONLY | O_DIRECTORY)
        defer { Glibc.close(directory) }
        var chunk: Bytes = ""
        for component in path.components {
            if chunk.raw.count + 1 + component.raw.count < 4000 {
                chunk = chunk.raw.isEmpty ? component : chunk / component
                continue
            }
            let next = chunk.withCString { openat(directory, $0, Sys.O_PATH | O_DIRECTORY | O_CLOEXEC) }
            try SystemError.check(next, "openat", path)
            Glibc.close(directory)
            directory = next
            chunk = component
        }
        return try chunk.withCString { try body(directory, $0) }
    }

    static func open(_ path: Bytes, _ flags: Int32, _ mode: mode_t = 0o644) throws -> Int32 {
        let isWritten = flags & O_ACCMODE != O_RDONLY && !path.raw.starts(with: "/proc/".utf8)
        guard isWritten, Deeds.current != nil else { return try openUnnoted(path, flags, mode) }
        do {
            let descriptor = try openUnnoted(path, flags, mode)
            Deeds.current?.note(["open", "\(descriptor)", "\(path)", "\(flags)"], nil)
            return descriptor
        } catch {
            Deeds.current?.note(["open", "-", "\(path)", "\(flags)"], error)
            throw error
        }
    }

    /// close(2) of what was open for writing.
    static func close(_ descriptor: Int32) {
        Glibc.close(descriptor)
        Deeds.current?.note(["close", "\(descriptor)"], nil)
    }

    private static func openUnnoted(_ path: Bytes, _ flags: Int32, _ mode: mode_t) throws -> Int32 {
        if path.raw.count < 4000 {
            return try SystemError.check(path.withCString { Glibc.open($0, flags | O_CLOEXEC, mode) }, "open", path)
        }
        return try at(path) { try SystemError.check(openat($0, $1, flags | O_CLOEXEC, mode), "open", path) }
    }

    /// What statx tells of a name, or nil where there is none.
    static func facts(_ path: Bytes) throws -> test_facts? {
        var facts = test_facts()
        do {
            try at(path) { try SystemError.check(test_statx($0, $1, &facts), "statx", path) }
        } catch let error as SystemError where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        }
        return facts
    }

    /// The names in a directory, in byte order.
    static func list(_ path: Bytes) throws -> [Bytes] {
        try list(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path)
    }

    /// Likewise for an open directory, whose descriptor it closes.
    static func list(_ descriptor: Int32, _ path: Bytes) throws -> [Bytes] {
        guard let stream = fdopendir(descriptor) else {
            Glibc.close(descriptor)
            throw SystemError("fdopendir", path)
        }
        defer { closedir(stream) }
        var names: [Bytes] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Bytes($0.prefix { $0 != 0 }) }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw SystemError("readdir", path) }
        return names.sorted()
    }

    /// What a symlink holds; nil where there is none, or it is none.
    static func link(at path: Bytes) -> Bytes? {
        var target = [CChar](repeating: 0, count: 4097)
        let length = path.withCString { readlink($0, &target, 4096) }
        return length < 0 ? nil : Bytes(target.prefix(length).map { UInt8(bitPattern: $0) })
    }

    static func mkdir(_ path: Bytes, _ mode: mode_t = 0o755) throws {
        try Deeds.noting(["mkdir", "\(path)"]) {
            try at(path) { try SystemError.check(mkdirat($0, $1, mode), "mkdir", path) }
        }
    }

    /// `mkdir -p`.
    static func mkdirs(_ path: Bytes) throws {
        do { try mkdir(path) } catch let error as SystemError where error.code == EEXIST { return } catch let error
            as SystemError where error.code == ENOENT
        {
            try mkdirs(path.parent)
            do { try mkdir(path) } catch let error as SystemError where error.code == EEXIST {}
        }
    }

    static func unlink(_ path: Bytes) throws {
        try Deeds.noting(["rm", "\(path)"]) {
            try at(path) { try SystemError.check(unlinkat($0, $1, 0), "unlink", path) }
        }
    }

    static func rmdir(_ path: Bytes) throws {
        try Deeds.noting(["rmdir", "\(path)"]) {
            try at(path) { try SystemError.check(unlinkat($0, $1, AT_REMOVEDIR), "rmdir", path) }
        }
    }

    /// `rm -rf`: what others remove or create meanwhile is no error, but may leave the directory behind.
    static func removeTree(_ path: Bytes) throws {
        do { try unlink(path) } catch let error as SystemError where error.code == EISDIR || error.code == EPERM {
            let names = try list(path)
            for name in names { try? removeTree(path / name) }
            try rmdir(path)
        }
    }

    /// renameat2 with its flags.
    static func rename(_ old: Bytes, _ new: Bytes, flags: UInt32 = 0) throws {
        try Deeds.noting([["mv", "", "exchange", "", "whiteout"][Int(flags)], "\(old)", "\(new)"]) {
            try at(old) { from, oldName in
                try at(new) { to, newName in
                    try SystemError.check(test_renameat2(from, oldName, to, newName, flags), "rename", old)
                }
            }
        }
    }

    static func link(_ old: Bytes, _ new: Bytes) throws {
        try Deeds.noting(["link", "\(old)", "\(new)"]) {
            try at(old) { from, oldName in
                try at(new) { to, newName in try SystemError.check(linkat(from, oldName, to, newName, 0), "link", new) }
            }
        }
    }

    static func symlink(_ target: Bytes, _ path: Bytes) throws {
        try Deeds.noting(["symlink", "\(target)", "\(path)"]) {
            try target.withCString { target in
                try at(path) { try SystemError.check(symlinkat(target, $0, $1), "symlink", path) }
            }
        }
    }

    static func chmod(_ path: Bytes, _ mode: mode_t) throws {
        try Deeds.noting(["chmod", "\(path)", String(mode, radix: 8)]) {
            try at(path) { try SystemError.check(fchmodat($0, $1, mode, 0), "chmod", path) }
        }
    }

    static func chown(_ path: Bytes, _ uid: uid_t, _ gid: gid_t) throws {
        try Deeds.noting(["chown", "\(path)", "\(uid)", "\(gid)"]) {
            try at(path) { try SystemError.check(fchownat($0, $1, uid, gid, AT_SYMLINK_NOFOLLOW), "chown", path) }
        }
    }

    /// utimensat(2) in nanoseconds since 1970; nil leaves a time as it is.
    static func utimens(_ path: Bytes, access: Int64?, modification: Int64?, follow: Bool = false) throws {
        try Deeds.noting(["utimensat", "\(path)", access.map { "\($0)" } ?? "-", modification.map { "\($0)" } ?? "-"]) {
            let omit = timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)  // UTIME_OMIT
            let times = [access, modification].map { time in
                time.map { timespec(tv_sec: Int($0 / 1_000_000_000), tv_nsec: Int($0 % 1_000_000_000)) } ?? omit
            }
            try at(path) {
                try SystemError.check(utimensat($0, $1, times, follow ? 0 : AT_SYMLINK_NOFOLLOW), "utimensat", path)
            }
        }
    }

    static func setxattr(_ path: Bytes, _ name: String, _ value: [UInt8]) throws {
        try Deeds.noting(["setxattr", "\(path)", name, "\(Bytes(value))"]) {
            try path.withCString { try SystemError.check(lsetxattr($0, name, value, value.count, 0), "setxattr", path) }
        }
    }

    static func removexattr(_ path: Bytes, _ name: String) throws {
        try Deeds.noting(["rmxattr", "\(path)", name]) {
            try path.withCString { try SystemError.check(lremovexattr($0, name), "removexattr", path) }
        }
    }

    /// The extended attributes of a name as one list of bytes, NUL between; empty where the file system has none.
    static func xattrs(_ path: Bytes) -> [UInt8] {
        path.withCString { path in
            var names = [CChar](repeating: 0, count: 4096)
            let length = llistxattr(path, &names, names.count)
            guard length > 0 else { return [] }
            let list = names.prefix(length).split(separator: 0).map {
                String(decoding: $0.map(UInt8.init), as: UTF8.self)
            }
            return list.sorted().filter { !$0.hasPrefix("security.") }.flatMap { name -> [UInt8] in
                var value = [UInt8](repeating: 0, count: 4096)
                let size = lgetxattr(path, name, &value, value.count)
                return Array(name.utf8) + [0] + value.prefix(max(0, size)) + [0]
            }
        }
    }

    /// mknod(2) with the file type in `mode`: S_IFIFO, S_IFCHR.
    static func mknod(_ path: Bytes, _ mode: mode_t) throws {
        try Deeds.noting(["mkfifo", "\(path)"]) {
            try at(path) { try SystemError.check(mknodat($0, $1, mode, 0), "mknod", path) }
        }
    }

    /// Makes a socket's name by binding to it, through /proc/self/fd: `sun_path` holds 108 bytes only.
    static func bindSocket(_ path: Bytes) throws {
        try Deeds.noting(["socket", "\(path)"]) {
            let directory = try open(path.parent, Sys.O_PATH | O_DIRECTORY)
            defer { Glibc.close(directory) }
            let descriptor = try SystemError.check(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), "socket", path)
            defer { Glibc.close(descriptor) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let short = Bytes("/proc/self/fd/\(directory)") / path.name
            guard short.raw.count < 108 else { throw SystemError("bind", path, code: ENAMETOOLONG) }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short.raw) }
            _ = try withUnsafePointer(to: &address) {
                try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    try SystemError.check(bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)), "bind", path)
                }
            }
        }
    }

    /// Writes all of `bytes` at the descriptor's position.
    static func write(_ descriptor: Int32, _ bytes: [UInt8], _ path: Bytes) throws {
        try Deeds.noting(["put", "\(descriptor)", "\(Bytes(bytes))"]) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = try rest.withUnsafeBytes {
                    try SystemError.check(Glibc.write(descriptor, $0.baseAddress!, $0.count), "write", path)
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// open, write, close.
    static func write(_ path: Bytes, _ bytes: [UInt8], _ flags: Int32 = O_WRONLY | O_CREAT | O_TRUNC) throws {
        let descriptor = try open(path, flags)
        defer { close(descriptor) }
        try write(descriptor, bytes, path)
    }

    static func write(_ path: Bytes, _ text: String) throws { try write(path, Array(text.utf8)) }

    /// The whole content of a file.
    static func read(_ path: Bytes) throws -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        defer { Glibc.close(descriptor) }
        return try read(descriptor, path)
    }

    /// Likewise of an open file, from its beginning, leaving its position alone.
    static func read(_ descriptor: Int32, _ path: Bytes = "") throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try SystemError.check(pread(descriptor, &buffer, buffer.count, off_t(all.count)), "read", path)
            if count == 0 { return all }
            all.append(contentsOf: buffer.prefix(count))
        }
    }
}
