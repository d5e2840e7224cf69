import CTestLinux
import Foundation
import Glibc
import Synchronization
import Testing

/// The watches, as the kernel has them.
@Suite struct WatchTests {
    /// The watches of a process: watch descriptors by inode, from `/proc/PID/fdinfo`.
    private func watches(of pid: pid_t) throws -> [UInt64: [String]] {
        var watches: [UInt64: [String]] = [:]
        let folder = Bytes("/proc/\(pid)/fdinfo")
        for name in try Sys.list(folder) {
            // A descriptor may be closed by now.
            guard let bytes = try? Sys.read(folder / name) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("inotify ") {
                let fields = line.split(separator: " ")
                guard fields.count > 2, let ino = UInt64(fields[2].dropFirst(4), radix: 16) else { continue }
                watches[ino, default: []].append(String(fields[1]))
            }
        }
        return watches
    }

    private func member(_ session: Session, _ name: String) throws -> Int64? {
        try JSON(session.run("status", "--json").bytes)["watcher"]?[name]?.integer
    }

    /// Adding a watch walks all cached names below the directory under a lock, so it is done once.
    @Test func B16_aDirectoryHasOneWatchAndKeepsIt() throws {
        let session = try Session()
        for index in 0..<40 { try Sys.mkdirs(session.tree / Bytes("a/b\(index % 5)/c\(index)")) }
        try Sys.mkdirs(session.outside / "in/deep")
        let watcher = try session.start()
        var known: [UInt64: [String]] = [:]
        func check(_ moment: String) throws {
            try session.sync()
            let walk = try Tree(walking: session.tree)
            let directories = walk.entries.values.filter { $0.type == "directory" }.map(\.ino)
            let watches = try watches(of: watcher.pid)
            #expect(Set(watches.keys) == Set(directories), "\(moment)")
            #expect(watches.values.allSatisfy { $0.count == 1 }, "\(moment): \(watches)")
            #expect(try member(session, "watches") == Int64(directories.count), "\(moment)")
            #expect(try member(session, "directories") == Int64(directories.count), "\(moment)")
            let again = watches.filter { known[$0.key].map { [ino = $0] in $0 != watches[ino.key] } ?? false }
            #expect(again.isEmpty, "\(moment): watched anew: \(again)")
            known = watches
        }
        try check("after the first crawl")
        try Sys.rename(session.tree / "a", session.tree / "z")
        try Sys.rename(session.tree / "z/b1", session.tree / "z/b2/c2/b1")
        try Sys.rename(session.tree / "z/b3", session.tree / "z/b4", flags: 2)
        try check("after renames")
        try Sys.rename(session.tree / "z/b0", session.outside / "b0")
        try Sys.rename(session.outside / "in", session.tree / "in")
        try Sys.removeTree(session.tree / "z/b3")
        try check("after moves out and in")
        try Sys.mkdirs(session.tree / "new/new/new")
        try Sys.rename(session.tree / "z/b4", session.tree / "new/new/new/b4")
        try check("after a known directory was moved into a new one")
        #expect(try session.run("scan").status == 0)
        try check("after a scan")
        if Queue.isAdjustable {
            try watcher.stop()
            try watcher.restart(queue: 16)
            known = [:]
            try check("after a restart")
            try watcher.paused { for index in 0..<50 { try Sys.mkdirs(session.tree / Bytes("o\(index)/o")) } }
            try check("after an overflow")
            #expect(try session.views.gaps().contains { $0.cause == "overflow" })
        }
    }

    /// A watch is added before the directory is listed, on the very directory that is listed: whatever is made in it is in
    /// the listing or an event.
    @Test func B11_whatIsMadeWhileADirectoryIsListedIsSeen() throws {
        for _ in 0..<5 {
            let session = try Session()
            for index in 0..<200 { try Sys.mkdirs(session.tree / Bytes("d\(index)")) }
            let (tree, done) = (session.tree, DispatchGroup())
            done.enter()
            Thread.detachNewThread {
                for round in 0..<40 {
                    for index in 0..<200 { try? Sys.write(tree / Bytes("d\(index)/f\(round)"), "1") }
                }
                done.leave()
            }
            try session.start()
            done.wait()
            try session.sync()
            let wrong = Comparison.state(try session.views.files(), try Tree(walking: session.tree))
            #expect(wrong.isEmpty, "\(wrong.count) wrong\n\(wrong.prefix(10).joined(separator: "\n"))")
        }
    }

    @Test func B15_theLimitOfThisMachineIsSaid() throws {
        let session = try Session()
        try session.start()
        let limit = String(decoding: try Sys.read("/proc/sys/fs/inotify/max_user_watches"), as: UTF8.self)
        #expect(try member(session, "watch_limit") == Int64(limit.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Events of a watch that is gone mean nothing, and are no reason to crawl.
    @Test func B17_eventsOfWatchesThatAreGone() throws {
        let session = try Session()
        for index in 0..<10 { try Sys.mkdirs(session.tree / Bytes("d\(index)/e")) }
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let gaps = try session.views.gaps().count

        // All in one look: of directories that were watched, and of others with their names that never were.
        try watcher.paused {
            for round in 0..<20 {
                for index in 0..<10 {
                    let directory = session.tree / Bytes("d\(index)")
                    try Sys.mkdirs(directory / "e")
                    try Sys.write(directory / "e/f", "\(round)")
                    if index % 2 == 0 {
                        try Sys.removeTree(directory)
                    } else {
                        try Sys.rename(directory, session.outside / Bytes("r\(round)d\(index)"))
                        try Sys.write(session.outside / Bytes("r\(round)d\(index)/e/f"), "elsewhere")
                    }
                    if round == 19 { try Sys.mkdir(directory) }
                }
            }
        }
        try session.sync()

        // And while it looks: directories that have just moved out are written to until long after.
        let (outside, tree, done) = (session.outside, session.tree, DispatchGroup())
        let isOver = Flag()
        done.enter()
        Thread.detachNewThread {
            while !isOver.isSet {
                for index in 0..<10 { try? Sys.write(outside / Bytes("moved\(index)/f"), "1") }
            }
            done.leave()
        }
        for round in 0..<10 {
            for index in 0..<10 { try Sys.rename(tree / Bytes("d\(index)"), outside / Bytes("moved\(index)")) }
            try session.sync()
            for index in 0..<10 {
                try Sys.write(outside / Bytes("moved\(index)/f"), "\(round)")
                try Sys.rename(outside / Bytes("moved\(index)"), tree / Bytes("d\(index)"))
            }
            if round % 2 == 0 { try session.sync() }
        }
        isOver.set()
        done.wait()
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        let found = try session.views.gaps()
        #expect(found.count == gaps, "it crawled: \(found)")
    }

    /// A program it starts, now or some day, must not share its queue, its lock or its database.
    @Test func B66_noDescriptorOutlivesExec() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d")
        let watcher = try session.start()
        // A client in the middle of its request holds a connection open.
        let socket = try SystemError.check(Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), "socket")
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Bytes(session.database.raw + "-socket".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.raw) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try SystemError.check(connected, "connect", path)
        try session.sync()

        // What the test's own process hands down to every child is not the watcher's.
        let other = try Child("sleep", ["60"])
        defer { other.signal(SIGKILL) }
        let inherited = try descriptors(of: other.pid)
        let own = try descriptors(of: watcher.pid).filter { inherited[$0.key] != $0.value }
        #expect(own.count >= 8, "queue, wake-ups, mounts, lock, database with its log, sockets: \(own)")
        for (name, target) in own {
            let text = String(decoding: try Sys.read(Bytes("/proc/\(watcher.pid)/fdinfo") / name), as: UTF8.self)
            let flags = try #require(text.firstMatch(of: /flags:\s+([0-7]+)/)).1
            #expect((UInt32(flags, radix: 8) ?? 0) & 0o2000000 != 0, "\(name) \(target) flags \(flags)")
        }
    }

    /// What each descriptor of a process is open on, by number.
    private func descriptors(of pid: pid_t) throws -> [Bytes: Bytes] {
        let folder = Bytes("/proc/\(pid)/fd")
        return try Dictionary(
            uniqueKeysWithValues: Sys.list(folder).map { name in
                var target = [CChar](repeating: 0, count: 4096)
                let length = try Sys.at(folder / name) { readlinkat($0, $1, &target, target.count) }
                return (name, Bytes(target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }))
            })
    }

    /// A read may wait for more to come, but not for an end that never comes.
    @Test func B70_aFileThatIsWrittenToWithoutPauseDelaysNoCommit() throws {
        let session = try Session()
        try Sys.write(session.tree / "f", "1")
        try session.start()
        try session.sync()
        let (path, done, isOver) = (session.tree / "f", DispatchGroup(), Flag())
        done.enter()
        Thread.detachNewThread {
            defer { done.leave() }
            guard let file = try? Sys.open(path, O_WRONLY) else { return }
            defer { close(file) }
            while !isOver.isSet { _ = pwrite(file, "again", 5, 0) }
        }
        defer {
            isOver.set()
            done.wait()
        }
        // Nobody asks: these are the commits it makes by itself.
        let limit = ContinuousClock.now + .seconds(60)
        let first = try session.views.journal().head
        var heads = Set([first])
        while heads.count < 6 {
            guard .now < limit else {
                Issue.record("\(heads.count - 1) commits in a minute")
                return
            }
            usleep(20_000)
            heads.insert(try session.views.journal().head)
        }
        // And those it is asked for.
        for index in 0..<5 {
            try Sys.write(session.tree / Bytes("other\(index)"), "1")
            #expect(
                try session.query(since: "start").rows.contains { $0.path == session.tree / Bytes("other\(index)") })
        }
    }
}

/// Set by one thread, seen by another.
final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
