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

    /// How a path is found.
    package struct Walk {
        /// The entries on the way, each in the directory that really holds it: those of its directories, and of what links among them
        /// lead through. What it names at last is one of them only where that is a link that is followed.
        package fileprivate(set) var entries: [(path: [UInt8], isLink: Bool)] = []
        /// Where it leads: without links, `.` and `..`.
        package fileprivate(set) var end: [UInt8] = []
    }

    /// Finds an absolute path as the kernel does, and goes on by text where something is not there: what a link leads to may be gone.
    package static func walk(_ path: [UInt8], follows: Bool) -> Walk {
        let slash = UInt8(ascii: "/")
        var rest = path.split(separator: slash)
        var walk = Walk()
        // The kernel gives up at 40 links.
        var links = 0
        while !rest.isEmpty {
            let name = rest.removeFirst()
            if name == [UInt8(ascii: ".")] { continue }
            if name.elementsEqual("..".utf8) {
                walk.end = Array(walk.end[..<(walk.end.lastIndex(of: slash) ?? 0)])
                continue
            }
            let entry = walk.end + [slash] + name
            let isLast = rest.isEmpty
            guard !isLast || follows, links < 40, let target = link(entry) else {
                if !isLast { walk.entries.append((entry, isLink: false)) }
                walk.end = entry
                continue
            }
            walk.entries.append((entry, isLink: true))
            links += 1
            if target.first == slash { walk.end = [] }
            rest = target.split(separator: slash) + rest
        }
        return walk
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
