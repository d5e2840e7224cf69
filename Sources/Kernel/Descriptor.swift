internal import CLinux
internal import Glibc

/// A file descriptor with one owner. It is closed when its owner lets it go, once, and never retried on EINTR: Linux
/// frees the number before close(2) can be interrupted.
package struct Descriptor: ~Copyable, Sendable {
    let raw: Int32

    init(raw: Int32) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// How a file is opened; always with O_CLOEXEC, and never through a symbolic link at its end.
    package enum Purpose: Sendable {
        /// O_PATH on a directory: to stat and open below it; needs no read permission.
        case anchor
        /// To list and to watch a directory.
        case listing
        /// A file, to read, or to fdatasync it.
        case reading
        /// A file, created with mode 0640 where it is not there.
        case writing

        var flags: Int32 {
            switch self {
            case .anchor: O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            case .listing: O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
            case .reading: O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
            case .writing: O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
            }
        }
    }

    /// open(2) of an absolute path.
    package init(opening path: [UInt8], for purpose: Purpose) throws(SystemError) {
        self.init(raw: try Descriptor.open(AT_FDCWD, path, purpose))
    }

    /// openat(2) of `path` relative to `directory`; an empty path opens the directory itself anew.
    package init(
        at directory: borrowing Descriptor, opening path: [UInt8], for purpose: Purpose
    ) throws(SystemError) {
        self.init(raw: try Descriptor.open(directory.raw, path.isEmpty ? [UInt8(ascii: ".")] : path, purpose))
    }

    private static func open(_ directory: Int32, _ path: [UInt8], _ purpose: Purpose) throws(SystemError) -> Int32 {
        // A crawl should not write access times; only the owner (or root) may ask for that, others get EPERM.
        if purpose == .listing {
            let raw = unsafe withCString(path) { unsafe clinux_open(directory, $0, purpose.flags | O_NOATIME, 0) }
            if raw >= 0 { return raw }
        }
        return try openLong(directory, path, purpose)
    }

    /// openat(2), in steps where the path is longer than the kernel takes at once (PATH_MAX, 4,096 bytes).
    private static func openLong(
        _ directory: Int32, _ path: [UInt8], _ purpose: Purpose
    ) throws(SystemError) -> Int32 {
        if path.count < Int(PATH_MAX) {
            return try check("open", path) {
                unsafe withCString(path) { unsafe clinux_open(directory, $0, purpose.flags, 0o640) }
            }
        }
        guard let cut = path[..<(Int(PATH_MAX) - 1)].lastIndex(of: UInt8(ascii: "/")), cut > 0 else {
            throw SystemError("open", path, errno: ENAMETOOLONG)
        }
        let step = Descriptor(raw: try openLong(directory, Array(path[..<cut]), .anchor))
        return try openLong(step.raw, Array(path[(cut + 1)...]), purpose)
    }

    /// Closes now rather than at the end of the scope.
    package consuming func close() {}

    /// fdatasync(2): what was written is on the disk, its times may not be.
    package borrowing func synchronizeData() throws(SystemError) {
        let raw = raw
        _ = try check("fdatasync") { fdatasync(raw) }
    }

    /// Writes all of `bytes` at the end of what was written before.
    package borrowing func write(_ bytes: [UInt8]) throws(SystemError) {
        let raw = raw
        var written = 0
        while written < bytes.count {
            written += try check("write") {
                unsafe bytes.withUnsafeBytes { unsafe Glibc.write(raw, $0.baseAddress! + written, $0.count - written) }
            }
        }
    }

    /// Reads at most `limit` bytes; empty at the end of the file.
    package borrowing func read(atMost limit: Int) throws(SystemError) -> [UInt8] {
        let raw = raw
        var count = 0
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            do throws(SystemError) {
                count = try check("read") { unsafe Glibc.read(raw, buffer.baseAddress!, limit) }
            } catch { failure = error }
            initialized = count
        }
        if let failure { throw failure }
        return bytes
    }
}
