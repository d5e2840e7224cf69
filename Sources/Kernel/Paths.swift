internal import Glibc

/// Where a path leads, as bytes.
package enum Paths {
    /// The directory relative paths start from, by getcwd(3).
    package static func currentDirectory() throws(SystemError) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe getcwd(&buffer, buffer.count) != nil else { throw .last("getcwd") }
        return bytes(buffer)
    }

    /// The path without links, `.` and `..`, by realpath(3).
    package static func real(_ path: [UInt8]) throws(SystemError) -> [UInt8] {
        // realpath(3) fails with ENAMETOOLONG rather than write more than PATH_MAX bytes.
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe realpath(path.map { CChar(bitPattern: $0) } + [0], &buffer) != nil else {
            throw .last("realpath", path)
        }
        return bytes(buffer)
    }

    /// Whether this process may read `path`, by faccessat(2) with the effective ids; it opens nothing.
    package static func checkReadable(_ path: [UInt8]) throws(SystemError) {
        guard unsafe faccessat(AT_FDCWD, path.map { CChar(bitPattern: $0) } + [0], R_OK, AT_EACCESS) == 0 else {
            throw .last("read", path)
        }
    }

    private static func bytes(_ buffer: [CChar]) -> [UInt8] {
        buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }
}
