import CTestLinux
import Glibc

/// Does what the lines of a script say. It keeps files open and mapped between lines, by the names the lines give.
final class Hand {
    private let tree: Bytes
    private let outside: Bytes
    private var descriptors: [String: Int32] = [:]
    private var mappings: [String: UnsafeMutableRawPointer] = [:]
    private let mapped = 8192

    init(tree: Bytes, outside: Bytes) {
        self.tree = tree
        self.outside = outside
    }

    deinit {
        for descriptor in descriptors.values { close(descriptor) }
        for mapping in mappings.values { munmap(mapping, mapped) }
    }

    /// Does one line; `@/x` is `x` outside of the tree.
    func perform(_ line: String) throws {
        let words = line.split(separator: "  #")[0].split(separator: " ").map(String.init)
        func word(_ index: Int) throws -> String {
            guard index < words.count else { throw Script.Malformed(description: "too short: \(line)") }
            return words[index]
        }
        func bytes(_ index: Int) throws -> Bytes {
            guard let bytes = Bytes(escaped: try word(index)) else {
                throw Script.Malformed(description: "escape: \(line)")
            }
            return bytes
        }
        func path(_ index: Int) throws -> Bytes {
            let bytes = try bytes(index)
            if bytes == "." || bytes == "" { return tree }
            return bytes.raw.starts(with: "@/".utf8) ? outside / Bytes(bytes.raw.dropFirst(2)) : tree / bytes
        }
        func number(_ index: Int, radix: Int = 10) throws -> Int64 {
            guard let number = Int64(try word(index), radix: radix) else {
                throw Script.Malformed(description: "number: \(line)")
            }
            return number
        }
        func seconds(_ index: Int) throws -> Int64 { try number(index) * 1_000_000_000 }
        func descriptor(_ index: Int) throws -> Int32 {
            guard let descriptor = descriptors[try word(index)] else {
                throw Script.Malformed(description: "not open: \(line)")
            }
            return descriptor
        }

        switch try word(0) {
        case "mkdir": try Sys.mkdirs(path(1))
        case "write": try Sys.write(path(1), bytes(2).raw)
        case "touch": try Sys.write(path(1), [], O_WRONLY | O_CREAT)
        case "append": try Sys.write(path(1), bytes(2).raw, O_WRONLY | O_APPEND)
        case "overwrite": try Sys.write(path(1), bytes(2).raw, O_WRONLY)
        case "truncate":
            let size = try number(2)
            try Sys.at(path(1)) { _, name in try SystemError.check(truncate(name, Int(size)), line) }
        case "save":
            // What editors do: a temporary name, then over the target.
            let target = try path(1)
            let temporary = Bytes(target.raw + ".tmp~".utf8)
            try Sys.write(temporary, bytes(2).raw)
            try Sys.rename(temporary, target)
        case "rm": try Sys.unlink(path(1))
        case "rmdir": try Sys.rmdir(path(1))
        case "rmtree": try Sys.removeTree(path(1))
        case "mv": try Sys.rename(path(1), path(2))
        case "exchange": try Sys.rename(path(1), path(2), flags: 2)
        case "whiteout": try Sys.rename(path(1), path(2), flags: 4)
        case "link": try Sys.link(path(1), path(2))
        case "symlink": try Sys.symlink(bytes(1), path(2))
        case "chmod": try Sys.chmod(path(1), mode_t(number(2, radix: 8)))
        case "chown": try Sys.chown(path(1), uid_t(number(2)), gid_t(number(3)))
        case "utimes": try Sys.utimens(path(1), access: seconds(2), modification: seconds(2))
        case "mtime": try Sys.utimens(path(1), access: nil, modification: seconds(2))
        case "atime": try Sys.utimens(path(1), access: seconds(2), modification: nil)
        case "utimes-through": try Sys.utimens(path(1), access: seconds(2), modification: seconds(2), follow: true)
        case "utimensat":
            let times = try [2, 3].map { try word($0) == "-" ? nil : number($0) }
            try Sys.utimens(path(1), access: times[0], modification: times[1])
        case "setxattr": try Sys.setxattr(path(1), word(2), bytes(3).raw)
        case "rmxattr": try Sys.removexattr(path(1), word(2))
        case "mkfifo": try Sys.mknod(path(1), S_IFIFO | 0o644)
        case "socket": try Sys.bindSocket(path(1))
        case "copy-range":
            let (from, to) = (try Sys.open(path(1), O_RDONLY), try Sys.open(path(2), O_WRONLY))
            defer { for file in [from, to] { close(file) } }
            try SystemError.check(test_copy_file_range(from, to, 1 << 20), line)
        case "fallocate":
            let file = try Sys.open(path(1), O_WRONLY)
            defer { close(file) }
            try SystemError.check(-Int32(posix_fallocate(file, 0, off_t(number(2))).signum()), line)
        case "aio":
            let file = try Sys.open(path(1), O_WRONLY)
            defer { close(file) }
            let text = try bytes(2).raw
            try SystemError.check(test_aio_write(file, text, text.count, 0), line)
        case "rewrite-with-times":
            // Other bytes, same size, and the times as they were: only ctime tells.
            let path = try path(1)
            guard let before = try Sys.facts(path) else { throw SystemError(line, path, code: ENOENT) }
            try Sys.write(path, bytes(2).raw, O_WRONLY)
            try Sys.utimens(path, access: before.mtime, modification: before.mtime)

        // Files that stay open: `open NAME FILE`, `put NAME TEXT`, `close NAME`.
        case "open":
            let flags = words.count > 3 ? Int32(try number(3)) : O_RDWR
            descriptors[try word(1)] = try Sys.open(path(2), flags)
        case "open-directory": descriptors[try word(1)] = try Sys.open(path(2), O_RDONLY | O_DIRECTORY)
        case "open-nameless": descriptors[try word(1)] = try Sys.open(path(2), Int32(test_O_TMPFILE) | O_RDWR)
        case "put": try Sys.write(descriptor(1), bytes(2).raw, path(1))
        case "name":
            let source = Bytes("/proc/self/fd/\(try descriptor(1))")
            try source.withCString { source in
                try Sys.at(path(2)) { try SystemError.check(linkat(AT_FDCWD, source, $0, $1, AT_SYMLINK_FOLLOW), line) }
            }
        case "close":
            close(try descriptor(1))
            descriptors[try word(1)] = nil

        // Mapped files: `map NAME FILE`, `store NAME TEXT`, `unmap NAME`; no descriptor is kept.
        case "map":
            let file = try Sys.open(path(2), O_RDWR)
            defer { close(file) }
            guard let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
            else {
                throw SystemError(line)
            }
            mappings[try word(1)] = memory
        case "store":
            guard let memory = mappings[try word(1)] else { throw Script.Malformed(description: "not mapped: \(line)") }
            memory.copyMemory(from: try bytes(2).raw, byteCount: try bytes(2).raw.count)
        case "unmap":
            guard let memory = mappings.removeValue(forKey: try word(1)) else {
                throw Script.Malformed(description: line)
            }
            munmap(memory, mapped)
        default: throw Script.Malformed(description: "no such operation: \(line)")
        }
    }
}
