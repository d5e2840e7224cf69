internal import Glibc

/// Replacing a small file whole: a reader sees the old content or the new, and after a crash one of the two is there.
package enum AtomicFile {
    /// Writes `bytes` to a new file of mode 0600 beside `path`, syncs it, and renames it over `path`.
    package static func replace(_ path: [UInt8], with bytes: [UInt8]) throws(SystemError) {
        // mkstemp(3) makes the file with mode 0600 under a name that was free.
        var template = (path + Array(".XXXXXX".utf8) + [0]).map { CChar(bitPattern: $0) }
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        guard descriptor >= 0 else { throw .last("create", path) }
        do throws(SystemError) {
            try fill(descriptor, bytes, path: path)
            guard unsafe rename(template, path.map { CChar(bitPattern: $0) } + [0]) == 0 else {
                throw .last("rename", path)
            }
        } catch {
            unsafe unlink(template)
            throw error
        }
        try syncDirectory(of: path)
    }

    /// Writes `bytes` to what `path` names. A regular file is replaced, also by way of a link; what is none (a FIFO, a device), or
    /// is this process's stdout or stderr, is written to.
    package static func write(_ bytes: [UInt8], to path: [UInt8]) throws(SystemError) {
        var status = stat()
        guard unsafe stat(path.map { CChar(bitPattern: $0) } + [0], &status) == 0 else {
            // A link that leads nowhere is not for us to replace.
            guard errno == ENOENT, try !isLink(path) else { throw .last("stat", path) }
            return try replace(path, with: bytes)
        }
        // What was printed before stands in front of it, and what others print comes behind.
        if let ours = [STDOUT_FILENO, STDERR_FILENO].first(where: { isSame(status, $0) }) {
            if let failure = writeAll(bytes, to: ours) { throw SystemError("write", path, errno: failure) }
            return
        }
        if status.st_mode & S_IFMT == S_IFREG { return try replace(Paths.real(path), with: bytes) }
        let descriptor = unsafe open(path.map { CChar(bitPattern: $0) } + [0], O_WRONLY | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        if let failure = writeAll(bytes, to: descriptor) { throw SystemError("write", path, errno: failure) }
    }

    private static func isLink(_ path: [UInt8]) throws(SystemError) -> Bool {
        do throws(SystemError) {
            return try FileStatus(at: path).isSymbolicLink
        } catch  where error.isMissing {
            return false
        }
    }

    private static func isSame(_ file: stat, _ descriptor: Int32) -> Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_dev == file.st_dev && status.st_ino == file.st_ino
    }

    private static func fill(_ descriptor: Int32, _ bytes: [UInt8], path: [UInt8]) throws(SystemError) {
        var failed = writeAll(bytes, to: descriptor).map { SystemError("write", path, errno: $0) }
        if failed == nil, fsync(descriptor) != 0 { failed = .last("fsync", path) }
        // close(2) can report what the writes could not (NFS, quota).
        if close(descriptor) != 0, failed == nil { failed = .last("close", path) }
        if let failed { throw failed }
    }

    /// A rename is durable once its directory is synced.
    private static func syncDirectory(of path: [UInt8]) throws(SystemError) {
        let end = path.lastIndex(of: UInt8(ascii: "/"))
        let directory = end.map { $0 == 0 ? [UInt8(ascii: "/")] : Array(path[..<$0]) } ?? [UInt8(ascii: ".")]
        let descriptor = unsafe open(directory.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open", directory) }
        defer { close(descriptor) }
        // EINVAL: a file system that cannot sync directories has nothing to lose by it.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .last("fsync", directory) }
    }
}

/// Syncing what another process has written.
package enum FileSync {
    /// fdatasync(2) through a read-only descriptor. False where there is no such file.
    ///
    /// Never for a database file: closing any descriptor of it drops the POSIX locks that SQLite holds in this process.
    @discardableResult
    package static func data(_ path: [UInt8]) throws(SystemError) -> Bool {
        let descriptor = unsafe open(path.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw .last("open", path)
        }
        defer { close(descriptor) }
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", path) }
        return true
    }
}
