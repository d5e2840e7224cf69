import Glibc

/// What failed on the way to a figure: there is none then, and the run says why.
struct Failed: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }

    /// The call that has just failed on this thread.
    static func call(_ name: String, _ path: String) -> Failed {
        Failed("\(path): \(name): \(unsafe String(cString: strerror(errno)))")
    }
}

/// The system calls the workloads are made of. A workload creates a million files, which Foundation takes its time for.
enum System {
    /// CLOCK_MONOTONIC, seconds: the clock of every wall time here.
    static var now: Double { read(CLOCK_MONOTONIC) }

    static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func sleep(_ seconds: Double) { usleep(UInt32(seconds * 1e6)) }

    /// The path without links, good in every directory.
    static func absolute(_ path: String) throws -> String {
        guard let real = unsafe realpath(path, nil) else { throw Failed.call("realpath", path) }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    static func makeDirectory(_ path: String) throws {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw Failed.call("mkdir", path) }
    }

    static func create(_ path: String, bytes: Int = 0) throws {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failed.call("open", path) }
        defer { close(file) }
        if bytes > 0 { try write(file, [UInt8](repeating: UInt8(ascii: "x"), count: bytes)[...], path) }
    }

    /// Makes a file, or empties the one there is, and writes it.
    static func replace(_ path: String, _ bytes: [UInt8]) throws {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Failed.call("open", path) }
        defer { close(file) }
        try write(file, bytes[...], path)
    }

    /// A file of no blocks that is as long as this.
    static func createSparse(_ path: String, bytes: Int) throws {
        try create(path)
        guard unsafe truncate(path, bytes) == 0 else { throw Failed.call("truncate", path) }
    }

    static func write(_ file: Int32, _ bytes: ArraySlice<UInt8>, _ path: String) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failed.call("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    static func remove(_ path: String) throws {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw Failed.call("unlink", path) }
    }

    static func rename(_ old: String, _ new: String) throws {
        guard unsafe Glibc.rename(old, new) == 0 else { throw Failed.call("rename", old) }
    }

    /// Sets the times of a file to now.
    static func touch(_ path: String) throws {
        guard unsafe utimensat(AT_FDCWD, path, nil, 0) == 0 else { throw Failed.call("utimensat", path) }
    }

    /// The size of a file in bytes; 0 where there is none.
    static func size(_ path: String) -> Int {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Writes back what the file system at `path` has in memory, so that no measurement pays for the one before.
    static func syncFileSystem(_ path: String) throws { try Child.run(["sync", "-f", path]) }

    /// The bytes of a file, of any length and also where /proc says it is empty; nil where there is none.
    static func contents(_ path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return contents(file)
    }

    /// What is left to read of a descriptor, up to its end.
    static func contents(_ file: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    static func text(_ path: String) -> String { String(decoding: contents(path) ?? [], as: UTF8.self) }

    /// The names in a directory, each with whether it is a directory itself; nothing where it cannot be read.
    static func list(_ path: [UInt8]) -> [(name: [UInt8], isDirectory: Bool)] {
        let terminated = path.map { CChar(bitPattern: $0) } + [0]
        guard let stream = unsafe opendir(terminated) else { return [] }
        defer { unsafe closedir(stream) }
        var entries: [(name: [UInt8], isDirectory: Bool)] = []
        while let entry = unsafe readdir(stream) {
            let isDirectory = unsafe entry.pointee.d_type == UInt8(DT_DIR)
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            if name != [0x2e] && name != [0x2e, 0x2e] { entries.append((name, isDirectory)) }
        }
        return entries
    }
}
