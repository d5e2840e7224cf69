import CTestLinux
import Glibc
import Testing

/// What file systems of disks do beside telling events: flags, access times, names in any case, failures.
@Suite struct FailingDiskTests {
    @Test func B32_chattrIsFoundByTheNextCrawl() throws {
        let session = try Session(on: .ext4)
        try Sys.write(session.tree / "f", "1")
        try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree)
        let file = try Sys.open(session.tree / "f", O_RDONLY)
        defer { close(file) }
        // FS_NODUMP_FL, which nobody minds.
        try SystemError.check(test_setflags(file, 0x40), "ioctl FS_IOC_SETFLAGS")
        try #require(try Sys.facts(session.tree / "f")?.ctime != before[session.tree / "f"]?.ctime)
        #expect(try session.run("scan").status == 0)
        #expect(try session.query(since: cursor).paths == [session.tree / "f"])
    }

    /// The name outside tells nobody, but the ctime does.
    @Test func B33_aWriteThroughALinkOutsideIsFoundByTheNextCrawl() throws {
        let session = try Session()
        try Sys.write(session.tree / "f", "1")
        try Sys.link(session.tree / "f", session.outside / "g")
        try session.start()
        let cursor = try session.sync()
        try Sys.write(session.outside / "g", "22")
        #expect(try session.run("scan").status == 0)
        let rows = try session.query(since: cursor).rows
        #expect(rows.map(\.path) == [session.tree / "f"] && rows.map(\.kind) == ["modified"], "\(rows)")
    }

    /// With strictatime every read of a directory or file moves its access time, unless O_NOATIME asks not to.
    @Test func B67_noAccessTimeIsMoved() throws {
        let session = try Session()
        guard let disk = try session.scratch.mount("ext4", name: "strict", megabytes: 64, options: "strictatime") else {
            return try Skipped.note("no ext4 can be mounted here")
        }
        let tree = disk / "tree"
        for index in 0..<10 {
            try Sys.mkdirs(tree / Bytes("d\(index)/e"))
            try Sys.write(tree / Bytes("d\(index)/e/f"), "1")
            try Sys.symlink("f", tree / Bytes("d\(index)/e/l"))
        }
        let paths = try Tree(walking: tree).paths
        for path in paths { try Sys.utimens(path, access: 1_000_000_000, modification: nil) }
        func moved() throws -> [Bytes] { try paths.filter { try Sys.facts($0)?.atime != 1_000_000_000 } }
        try #require(try moved().isEmpty)

        #expect(try session.run("scan", tree).status == 0)
        #expect(try moved().isEmpty, "by the first crawl")
        let watcher = try session.start([tree])
        #expect(try moved().isEmpty, "by the crawl of a start")
        #expect(try session.run("scan", tree / "d3").status == 0)
        try Sys.rename(tree / "d4/e", tree / "d4/renamed")
        try Sys.rename(tree / "d4/renamed", tree / "d4/e")
        // Not the links: whoever goes through one moves its access time.
        for path in paths where path.name != "l" { try Sys.chmod(path, 0o700) }
        _ = try session.query(since: "start")
        let found = try moved()
        #expect(found.isEmpty, "by a scan and events: \(found)")
        try watcher.stop()
        // This one shows that they would move.
        _ = try Sys.list(tree / "d0")
        #expect(try moved() == [tree / "d0"])
    }

    /// A directory that folds case is reached by many names, and events have the one that the caller used.
    @Test(arguments: [false, true]) func B44_aDirectoryThatFoldsCase(down: Bool) throws {
        let session = try Session()
        let image = session.scratch.path / "image"
        let point = session.scratch.path / "folding"
        try Sys.mkdir(point)
        try Sys.write(image, "")
        guard image.withCString({ truncate($0, 64 << 20) }) == 0,
            try Program.run("mkfs.ext4", ["-q", "-F", "-O", "casefold", image]).status == 0,
            try Program.run("mount", ["-o", "loop", image, point]).status == 0
        else { return try Skipped.note("no ext4 that folds case can be made and mounted here") }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        let directory = point / "tree/folded"
        try Sys.mkdirs(directory)
        guard try Program.run("chattr", ["+F", directory]).status == 0 else { return try Skipped.note("no chattr +F") }
        for name in ["Written", "Deleted", "Renamed", "Recased"] as [Bytes] { try Sys.write(directory / name, "1") }
        try Sys.mkdir(directory / "Directory")
        try Sys.write(directory / "Directory/File", "1")
        let watcher = try session.start([point / "tree"])
        let cursor = try session.sync()
        let before = try Tree(walking: point / "tree", contents: true)
        if down { try watcher.stop() }
        try Sys.write(directory / "wRITTEN", "22")
        try Sys.unlink(directory / "dELETED")
        try Sys.rename(directory / "rENAMED", directory / "Elsewhere")
        try Sys.rename(directory / "Recased", directory / "rECASED")
        try Sys.write(directory / "dIRECTORY/fILE", "22")
        // The kernel remembers a new name by the spelling of whoever comes next.
        for name in ["New", "Gone", "Moved"] as [Bytes] { try Sys.write(directory / name, "1") }
        for name in ["nEW", "gONE", "mOVED"] as [Bytes] { try Sys.write(directory / name, "22") }
        try Sys.mkdir(directory / "Made")
        try Sys.write(directory / "mADE/File", "1")
        if down { try watcher.restart() }
        func check() throws {
            let rows = try session.query(since: cursor, "--renames", "split").rows
            let after = try Tree(walking: point / "tree", contents: true)
            let wrong =
                Comparison.state(try session.views.files(), after) + Comparison.net(rows, before, after) { _ in true }
            #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))\n\(rows)")
        }
        try check()
        if down { try watcher.stop() }
        try Sys.unlink(directory / "GONE")
        try Sys.rename(directory / "MOVED", point / "tree/Moved away")
        try Sys.rename(directory / "MADE", directory / "Renamed directory")
        try Sys.write(directory / "rENAMED DIRECTORY/fILE", "22")
        try Sys.removeTree(directory / "DIRECTORY")
        if down { try watcher.restart() }
        try check()
    }

    /// EIO is not ENOENT: what cannot be looked at is unknown. When the file system is back, it has lost what it had not
    /// written, and the answer is about what it has.
    @Test(arguments: [false, true]) func B71_aFileSystemThatFailsLosesNoRows(isRoot: Bool) throws {
        let session = try Session()
        // xfs says EIO to everything from then on; ext4 would go on showing what it has in memory.
        guard let disk = try Disk("xfs", in: session.scratch, name: "disk") else {
            return try Skipped.note("no xfs can be made here")
        }
        let point = isRoot ? session.tree : session.tree / "point"
        try Sys.mkdirs(point)
        try disk.mount(at: point)
        for name in ["a", "b", "c"] as [Bytes] {
            try Sys.mkdirs(point / name / "deep")
            try Sys.write(point / name / "deep/f", "1")
        }
        try Mount.run("sync", "-f", point)
        let watcher = try session.start(options: isRoot ? [] : ["--cross-mounts"])
        let cursor = try session.sync()
        var before = try Tree(walking: point, contents: true)
        try Sys.write(point / "a/deep/f", "lost")
        try Sys.write(point / "b/deep/lost", "1")
        try Sys.unlink(point / "c/deep/f")
        try session.sync()
        let known = try session.views.files().entries.filter { point.contains($0.key) }
        let top = try Sys.open(point, O_RDONLY | O_DIRECTORY)
        let code = test_shutdown(top, 2)
        close(top)
        if code != 0 { return try Skipped.note("no FS_IOC_SHUTDOWN") }
        try #require(throws: SystemError.self) { _ = try Sys.list(point / "a") }

        if !isRoot {
            try Sys.write(session.tree / "g", "1")
            #expect(try session.query(since: cursor, session.tree / "g").rows.map(\.path) == [session.tree / "g"])
        }
        // Where nobody looks nothing is found out; this looks.
        _ = try session.run("scan", point, timeout: .seconds(20))
        try session.expectRefusal(since: cursor, point)
        try session.expectRefusal(since: cursor)
        #expect(watcher.isRunning)
        let rows = try session.views.files().entries.filter { point.contains($0.key) }
        #expect(Set(rows.keys) == Set(known.keys), "unknown is not gone")
        #expect(try session.run("status").status == 1)

        try disk.unmount()
        try session.expectRefusal(since: cursor, point)
        try disk.mount(at: point)
        try Sys.write(point / "b/deep/later", "1")
        // As the hint of the refusal says, which does not wait until what was refused is tried again.
        #expect(try session.run("scan", point).status == 0)
        let open = try session.views.gaps().filter(\.isOpen)
        #expect(open.isEmpty, "\(open)")
        var after = try Tree(walking: point, contents: true)
        let answer = try session.query(since: cursor, "--renames", "split", point).rows
        let stored = try session.views.files()
        var state = Tree()
        state.entries = stored.entries.filter { point.contains($0.key) }
        before.forgetDevices()
        after.forgetDevices()
        let wrong = Comparison.state(state, after) + Comparison.net(answer, before, after) { _ in true }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        try watcher.stop()
        try disk.unmount()
    }
}
