import CTestLinux
import Foundation
import Testing

/// B64: the content of a file reaches the disk later than its inode.
@Suite struct UnwrittenTests {
    /// A file system that loses power, with a watched tree on it; the journal does not lose any.
    private final class Disk {
        let session: Session
        let file: Bytes

        init?(_ type: String) throws {
            let scratch = try Scratch()
            guard let base = try scratch.mount(type, name: "disk", megabytes: type == "xfs" ? 320 : 128) else {
                return nil
            }
            session = try Session(in: scratch, base: base, state: scratch.path / "state")
            file = session.tree / "f"
            try Sys.write(file, [UInt8](repeating: UInt8(ascii: "o"), count: 5000))
            try Sys.write(session.tree / "other", "1")
            let directory = try Sys.open(base, O_RDONLY | O_DIRECTORY)
            defer { close(directory) }
            try SystemError.check(test_syncfs(directory), "syncfs", base)
            try session.start()
        }

        /// New content in place, of which the inode is written and the content is not.
        func overwrite() throws {
            try Sys.write(file, [UInt8](repeating: UInt8(ascii: "n"), count: 5000), O_WRONLY)
            let other = try Sys.open(session.outside / "synced", O_WRONLY | O_CREAT)
            defer { close(other) }
            try SystemError.check(fsync(other), "fsync")
        }

        /// Power goes and comes back, while the watcher lives or not.
        func cut() throws {
            let directory = try Sys.open(session.base, O_RDONLY | O_DIRECTORY)
            let result = test_shutdown(directory, 2)
            close(directory)
            try SystemError.check(result, "FS_IOC_SHUTDOWN")
            try session.scratch.unmount(session.base)
            try session.scratch.remount(session.base)
        }

        /// Asks until the answer is vouched for.
        func answer(since cursor: String) throws -> [Row] {
            let limit = ContinuousClock.now + .seconds(30)
            while true {
                let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--cursor")
                if output.status == 0 { return try Answer(output).rows }
                if .now > limit { throw Session.Refused(description: "\(output)") }
                usleep(20_000)
            }
        }
    }

    @Test(arguments: ["ext4", "xfs"], [false, true]) func B64_contentThatCameBackOldUnderEqualTimesIsModified(
        _ type: String, alive: Bool
    ) throws {
        guard let disk = try Disk(type) else { return try Skipped.note("\(type) cannot be loop-mounted here") }
        let session = disk.session
        try disk.overwrite()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        if !alive { session.watcher?.kill() }
        try disk.cut()
        if !alive { try session.watcher?.restart() }

        let after = try Tree(walking: session.tree, contents: true)
        var (a, b) = (try #require(before[disk.file]), try #require(after[disk.file]))
        #expect(a.content != b.content, "this kernel writes content before the inode: nothing is tested here")
        (a.content, a.device, b.content, b.device) = (0, 0, 0, 0)
        #expect(a == b, "the stat is another one: nothing is tested here")
        let rows = try disk.answer(since: cursor)
        #expect(rows.contains { $0.path == disk.file && $0.kind == "modified" && $0.content }, "\(rows)")
        #expect(try session.run("unchanged", "--since", Bytes(cursor), disk.file).status == 1)
    }

    /// A crash between the mount and the end of the reconcile must not make the mount a trusted one.
    @Test func B64_aWatcherThatIsKilledBeforeItHasLookedLeavesTheDoubtToTheNext() throws {
        guard let disk = try Disk("ext4") else { return try Skipped.note("ext4 cannot be loop-mounted here") }
        let session = disk.session
        for index in 0..<3000 { try Sys.mkdir(session.tree / Bytes("d\(index)")) }
        try disk.overwrite()
        let cursor = try session.sync()
        session.watcher?.kill()
        try disk.cut()
        for milliseconds: UInt32 in [30, 80, 120, 160] {
            try session.watcher?.restart(live: false)
            usleep(milliseconds * 1000)
            session.watcher?.kill()
        }
        try session.watcher?.restart()
        let rows = try disk.answer(since: cursor)
        #expect(rows.contains { $0.path == disk.file && $0.kind == "modified" }, "\(rows.count) rows")
    }

    /// Where nothing was mounted anew, nothing is in doubt: restarts list nothing. After a kill that holds for what changed more
    /// than a tick before the last commit (fact 59); after a stop for all.
    @Test func aRestartOnTheSameMountDoubtsNothing() throws {
        let session = try Session()
        let watcher = try session.start()
        for name in ["f", "last"] as [Bytes] { try Sys.write(session.tree / name, "1") }
        usleep(100_000)
        try Sys.write(session.tree / "last", "2")
        var cursor = try session.sync()
        watcher.kill()
        try watcher.restart()
        #expect(try session.run("unchanged", "--since", Bytes(cursor), session.tree / "f").status == 0)
        #expect(try session.query(since: cursor).paths.allSatisfy { $0 == session.tree / "last" })
        cursor = try session.sync()
        try watcher.stop()
        try watcher.restart()
        #expect(try session.query(since: cursor).paths.isEmpty)
    }
}
