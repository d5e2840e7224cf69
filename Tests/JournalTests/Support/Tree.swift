import CTestLinux
import Glibc

/// What lstat tells of one name, and what else can be seen of it.
struct Entry: Hashable, CustomStringConvertible {
    var type: String
    var mode: UInt32
    var size: Int64
    var mtime: Int64
    var ctime: Int64
    var btime: Int64
    var uid: UInt32
    var gid: UInt32
    var ino: UInt64
    var device: UInt64
    var nlink: UInt32
    /// The bytes of a file, the target of a symlink, as a hash of this process.
    var content = 0
    var xattrs: [UInt8] = []

    init(_ facts: test_facts) {
        type = Entry.word(facts.mode)
        mode = facts.mode & 0o7777
        size = facts.size
        mtime = facts.mtime
        ctime = facts.ctime
        btime = facts.btime
        uid = facts.uid
        gid = facts.gid
        ino = facts.ino
        device = facts.device
        nlink = facts.nlink
    }

    /// What the view `files` has of an entry.
    init(
        type: String, mode: UInt32, size: Int64, mtime: Int64, ctime: Int64, uid: UInt32, gid: UInt32, ino: UInt64,
        nlink: UInt32
    ) {
        self.type = type
        self.mode = mode
        self.size = size
        self.mtime = mtime
        self.ctime = ctime
        btime = 0
        self.uid = uid
        self.gid = gid
        self.ino = ino
        device = 0
        self.nlink = nlink
    }

    /// The contract's word for the S_IFMT bits of a mode.
    static func word(_ mode: UInt32) -> String {
        switch mode & 0o170000 {
        case 0o010000: "fifo"
        case 0o020000: "chardev"
        case 0o040000: "directory"
        case 0o060000: "blockdev"
        case 0o100000: "file"
        case 0o120000: "symlink"
        case 0o140000: "socket"
        default: "unknown"
        }
    }

    /// Which file it is: inode numbers are reused, birth times tell. The device's number is another one after a remount.
    struct Identity: Hashable {
        var ino: UInt64, btime: Int64
    }
    var identity: Identity { Identity(ino: ino, btime: btime) }

    var description: String {
        "\(type) \(String(mode, radix: 8)) \(uid):\(gid) ino \(ino) nlink \(nlink) size \(size) mtime \(mtime) ctime \(ctime)"
    }
}

/// Everything below a directory, and the directory itself, as a fresh walk finds it: by absolute path.
struct Tree: Equatable {
    var entries: [Bytes: Entry] = [:]

    init() {}

    /// Walks `root` without following links, or `crossing` to other devices; reads contents where asked to.
    init(walking root: Bytes, contents: Bool = false, crossing: Bool = false) throws {
        guard let facts = try Sys.facts(root) else { throw SystemError("walk", root, code: ENOENT) }
        let top = Entry(facts)
        entries[root] = top
        var directories = top.type == "directory" ? [root] : []
        while let directory = directories.popLast() {
            for name in try Sys.list(directory) {
                let path = directory / name
                guard let facts = try Sys.facts(path) else {
                    throw SystemError("walk: not quiescent", path, code: ENOENT)
                }
                var entry = Entry(facts)
                if contents { try entry.look(path) }
                entries[path] = entry
                if entry.type == "directory" && (crossing || entry.device == top.device) { directories.append(path) }
            }
        }
    }

    subscript(path: Bytes) -> Entry? { entries[path] }

    /// A file system that is mounted again has another device number.
    mutating func forgetDevices() { for path in entries.keys { entries[path]!.device = 0 } }

    var paths: [Bytes] { entries.keys.sorted() }
}

extension Entry {
    /// Reads what the name holds.
    fileprivate mutating func look(_ path: Bytes) throws {
        switch type {
        case "file": content = try Sys.read(path).hashValue
        case "symlink":
            var target = [CChar](repeating: 0, count: 4097)
            let length = try Sys.at(path) { try SystemError.check(readlinkat($0, $1, &target, 4096), "readlink", path) }
            content = target.prefix(length).hashValue
        default: break
        }
        if path.raw.count < 4000 { xattrs = Sys.xattrs(path) }
    }
}
