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

    /// openat(2) of `path` relative to `directory`, where no component may be a symbolic link: ELOOP where one is. What
    /// this opens lies below `directory` for as long as nobody moves it away.
    package init(
        below directory: borrowing Descriptor, opening path: [UInt8], for purpose: Purpose
    ) throws(SystemError) {
        self.init(raw: try Descriptor.openBelow(directory.raw, path[...], purpose))
    }

    /// openat(2), and for listings first with O_NOATIME: a crawl should not write access times, but only the owner (or root)
    /// may ask for that, and others get EPERM.
    private static func open(_ directory: Int32, _ path: [UInt8], _ purpose: Purpose) throws(SystemError) -> Int32 {
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
        let (head, tail) = try cut(path[...])
        let step = Descriptor(raw: try openLong(directory, Array(head), .anchor))
        return try openLong(step.raw, Array(tail), purpose)
    }

    /// openat2(2) with RESOLVE_NO_SYMLINKS, in steps where the path is too long; where there is no such call (before Linux
    /// 5.6, or a sandbox that forbids it), one openat(2) with O_NOFOLLOW a component.
    private static func openBelow(
        _ directory: Int32, _ path: ArraySlice<UInt8>, _ purpose: Purpose
    ) throws(SystemError) -> Int32 {
        if path.isEmpty { return try open(directory, [UInt8(ascii: ".")], purpose) }
        if path.count >= Int(PATH_MAX) {
            let (head, tail) = try cut(path)
            let step = Descriptor(raw: try openBelow(directory, head, .anchor))
            return try openBelow(step.raw, tail, purpose)
        }
        let bytes = Array(path)
        var flags = purpose == .listing ? purpose.flags | O_NOATIME : purpose.flags
        while true {
            let raw = unsafe withCString(bytes) { unsafe clinux_open_without_links(directory, $0, flags) }
            if raw >= 0 { return raw }
            switch errno {
            // EAGAIN: a rename or mount somewhere made the kernel unsure; it asks to be asked again.
            case EINTR, EAGAIN: continue
            case EPERM where flags != purpose.flags: flags = purpose.flags
            case ENOSYS, EPERM: return try openStepwise(directory, path, purpose)
            case let code: throw SystemError("open", bytes, errno: code)
            }
        }
    }

    private static func openStepwise(
        _ directory: Int32, _ path: ArraySlice<UInt8>, _ purpose: Purpose
    ) throws(SystemError) -> Int32 {
        guard let end = path.firstIndex(of: UInt8(ascii: "/")) else { return try open(directory, Array(path), purpose) }
        let step = Descriptor(raw: try open(directory, Array(path[..<end]), .anchor))
        return try openStepwise(step.raw, path[(end + 1)...], purpose)
    }

    /// Cuts a path at the last slash that leaves a head the kernel takes.
    private static func cut(
        _ path: ArraySlice<UInt8>
    ) throws(SystemError) -> (head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>) {
        guard
            let slash = path.prefix(Int(PATH_MAX) - 1).lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex
        else { throw SystemError("open", Array(path), errno: ENAMETOOLONG) }
        return (path[..<slash], path[(slash + 1)...])
    }

    /// Closes now rather than at the end of the scope.
    package consuming func close() {}

    /// fdatasync(2): what was written is on the disk, its times may not be.
    package borrowing func synchronizeData() throws(SystemError) {
        let raw = raw
        _ = try check("fdatasync") { fdatasync(raw) }
    }

    /// Whether this directory, open for listing, finds names in any case (`chattr +F`). The corresponding C constant is
    /// `FS_CASEFOLD_FL`.
    package borrowing func foldsCase() throws(SystemError) -> Bool {
        let raw = raw
        var flags: UInt32 = 0
        _ = try check("ioctl FS_IOC_GETFLAGS") { unsafe clinux_inode_flags(raw, &flags) }
        return flags & 0x4000_0000 != 0
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

    /// Reads into `buffer`, at most all of it, and returns how many bytes; 0 at the end of the file.
    borrowing func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
        let raw = raw
        return try check("read") {
            unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(raw, $0.baseAddress!, $0.count) }
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
