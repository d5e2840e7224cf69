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

    /// The entries by whose way a path is found, each in the directory that really holds it: those of its directories, and of what
    /// links among them lead through. What it names at last is one of them only where that is a link, and `follows`.
    ///
    /// As the kernel resolves it, up to where something is not there.
    package static func way(_ path: [UInt8], follows: Bool) -> [[UInt8]] {
        let slash = UInt8(ascii: "/")
        var rest = path.split(separator: slash)
        var (directory, way): ([UInt8], [[UInt8]]) = ([], [])
        // The kernel gives up at 40 links.
        var links = 0
        while !rest.isEmpty {
            let name = rest.removeFirst()
            if name == [UInt8(ascii: ".")] { continue }
            if name.elementsEqual("..".utf8) {
                directory = Array(directory[..<(directory.lastIndex(of: slash) ?? 0)])
                continue
            }
            let entry = directory + [slash] + name
            if rest.isEmpty && !follows { break }
            guard let target = link(entry), links < 40 else {
                if !rest.isEmpty { way.append(entry) }
                directory = entry
                continue
            }
            way.append(entry)
            links += 1
            if target.first == slash { directory = [] }
            rest = target.split(separator: slash) + rest
        }
        return way
    }

    /// Where a symbolic link leads, by readlink(2); nil where there is none.
    private static func link(_ path: [UInt8]) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink(path.map { CChar(bitPattern: $0) } + [0], &buffer, buffer.count)
        return count > 0 ? buffer.prefix(count).map { UInt8(bitPattern: $0) } : nil
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
