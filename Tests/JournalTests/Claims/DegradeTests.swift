import CTestLinux
import Glibc
import Testing

/// What cannot be watched is crawled from time to time, and says so; the rest is as good as ever.
@Suite struct DegradeTests {
    /// Waits until `sql` gives something else than nothing or 0.
    private func wait(_ session: Session, for sql: String) throws {
        let limit = ContinuousClock.now + .seconds(60)
        while ["0", nil].contains(try session.views.value(sql)) {
            guard .now < limit else {
                throw Disk.Failed(description: "never came: \(sql)\n\(session.watcher?.said.errors ?? "")")
            }
            usleep(50_000)
        }
    }

    /// A name space of the user's own has a limit of its own, so that nobody else's watches are refused.
    @Test func B14_whatHasNoWatchIsCrawledAndWatchedOnceThereIsRoom() throws {
        let session = try Session()
        guard let limited = try Limited.to(20, .watches) else { return }
        for index in 0..<8 {
            for below in 0..<6 { try Sys.mkdirs(session.tree / Bytes("d\(index)/e\(below)")) }
        }
        session.wrapper = limited
        let watcher = try session.start(options: ["--crawl-every", "1s"])
        session.wrapper = []
        let limit = try #require(try session.views.gaps().first { $0.isOpen && $0.cause == "watch-limit" }).path
        let status = try session.run("status")
        #expect(status.status == 1 && status.text.contains("directories are watched"), "\(status)")
        let cursor = try session.sync()
        try Sys.mkdirs(limit / "new/deep")
        try Sys.write(limit / "new/deep/f", "1")
        try session.expectRefusal(since: cursor, limit)
        try wait(session, for: "SELECT count(*) FROM changes WHERE path LIKE '%/new/deep/f' AND source = 'crawl'")
        try session.expectRefusal(since: cursor, limit)
        let gaps = try session.views.gaps().filter { $0.cause == "watch-limit" && $0.path == limit }
        #expect(
            gaps.contains { !$0.isOpen } && gaps.filter(\.isOpen).count == 1, "closed by the crawl, open again: \(gaps)"
        )

        // Room for all of them: the next crawl watches, and the gap is gone for good.
        let raise = "echo 1000 > \(Limited.watches.rawValue)"
        try #require(
            try Program.run("nsenter", ["-t", Bytes("\(watcher.pid)"), "-U", "sh", "-c", Bytes(raise)]).status == 0)
        try wait(session, for: "SELECT NOT EXISTS (SELECT 1 FROM gaps WHERE closed_seq IS NULL)")
        try Sys.write(limit / "new/deep/f", "22")
        let rows = try session.query(since: cursor, "--type", "file").rows
        #expect(rows.map(\.path) == [limit / "new/deep/f"], "\(rows)")
        #expect(try session.run("status").status == 0)
    }

    /// Hundreds of directories that are refused are one gap, not hundreds.
    @Test func B14_manyRefusedDirectoriesOfOneParentAreOneGap() throws {
        let session = try Session()
        guard let limited = try Limited.to(5, .watches) else { return }
        for index in 0..<300 { try Sys.mkdirs(session.tree / Bytes("big/d\(index)/e")) }
        try Sys.mkdir(session.tree / "a")
        session.wrapper = limited
        try session.start()
        session.wrapper = []
        let open = try session.views.gaps().filter(\.isOpen)
        #expect(open.count <= 40 && open.contains { $0.path.contains(session.tree / "big") }, "\(open)")
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        try session.expectRefusal(since: cursor, session.tree / "big/d7")
    }

    /// FUSE: others write to what lies below, and no event tells.
    @Test(arguments: [false, true]) func B47_aFileSystemThatOthersChangeTooIsCrawled(isRoot: Bool) throws {
        let session = try Session()
        guard try Bindfs.isPossible() else { return }
        let point = isRoot ? session.tree : session.tree / "remote"
        let source = session.outside / "source"
        try Sys.mkdirs(point)
        try Sys.mkdirs(source / "d")
        try Sys.write(source / "d/f", "1")
        guard try Bindfs.mount(source, at: point) else { return }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        try session.start(options: ["--crawl-every", "1s", "--cross-mounts"])
        let cursor = try session.sync()
        #expect(try session.views.files()[point / "d/f"] != nil)
        #expect(try session.views.gaps().contains { $0.isOpen && $0.cause == "remote" && $0.path == point })
        try Sys.write(source / "d/by others", "1")
        try session.expectRefusal(since: cursor, point / "d")
        #expect(try session.run("unchanged", "--since", Bytes(cursor), "--timeout", "1s", point).status == 3)
        if !isRoot {
            try Sys.write(session.tree / "local", "1")
            let rows = try session.query(since: cursor, session.tree / "local").rows
            #expect(rows.map(\.path) == [session.tree / "local"])
        }
        try wait(session, for: "SELECT count(*) FROM changes WHERE path LIKE '%/d/by others'")
        let status = try session.run("status")
        #expect(status.status == 1 && status.text.contains("others change it"), "\(status)")
        let partial = try session.run(
            "query", "--since", Bytes(cursor), "--partial", "--format", "paths", "--timeout", "1s", point / "d")
        #expect(partial.status == 3 && partial.text.contains("by others"), "\(partial)")
    }

    /// While such a file system is crawled, what goes elsewhere is gone at once: nothing waits there for that crawl.
    @Test func B47_itsCrawlHoldsNothingElsewhere() throws {
        let session = try Session()
        guard try Bindfs.isPossible() else { return }
        let (point, source, local) = (session.tree / "remote", session.outside / "source", session.tree / "local")
        for directory in [point, source, local] { try Sys.mkdir(directory) }
        for index in 0..<500 {
            try Sys.mkdir(source / Bytes("d\(index)"))
            for file in 0..<5 { try Sys.write(source / Bytes("d\(index)/f\(file)"), "1") }
        }
        guard try Bindfs.mount(source, at: point) else { return }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        let watcher = try session.start(options: ["--crawl-every", "1s", "--cross-mounts"])
        func crawls() -> Int { watcher.said.errors.split(separator: "entries crawled").count }
        let begin = crawls()
        let hasCrawled = try eventually {
            let directory = local / "d"
            try Sys.mkdir(directory)
            let cursor = try session.sync()
            try Sys.rmdir(directory)
            let rows = try session.query(since: cursor, local).rows
            #expect(rows.map(\.kind) == ["deleted"], "\(rows)\n\(watcher.said)")
            return crawls() > begin
        }
        #expect(hasCrawled, "\(watcher.said)")
    }

    /// B59: with times that tick every few milliseconds, what changed just before the watcher ended may have changed again
    /// within the tick. It counts as changed; where times are exact nothing does.
    @Test(arguments: ["ramfs", "tmpfs"] as [Bytes]) func B59_whatChangedInTheLastTickCountsAsChanged(type: Bytes) throws
    {
        let session = try Session()
        guard try Mount.isPossible(session.scratch),
            try Program.run("mount", ["-t", type, "none", session.tree]).status == 0
        else { return try Skipped.note("no \(type) can be mounted here") }
        defer { _ = try? Program.run("umount", ["-l", session.tree]) }
        try Sys.mkdir(session.tree / "d")
        try Sys.write(session.tree / "d/f", "1")
        let watcher = try session.start()
        try session.sync()
        // What was committed with the write is all that was vouched for when the watcher was killed.
        try Sys.write(session.tree / "d/f", "22")
        try wait(session, for: "SELECT count(*) FROM files WHERE path LIKE '%/d/f' AND size = 2")
        watcher.kill()
        let cursor = try session.views.journal().cursor
        try watcher.restart()
        let rows = try session.query(since: cursor, "--type", "file").rows
        #expect(rows.map(\.path) == (type == "ramfs" ? [session.tree / "d/f"] : []), "\(rows)")
    }

    /// overlayfs: the first write copies a file up, which gives it another inode.
    @Test func B48_filesAreCopiedUp() throws {
        let session = try Session()
        for name in ["lower/d/e", "upper", "work"] as [Bytes] { try Sys.mkdirs(session.outside / name) }
        for name in ["f", "d/g", "d/e/h"] as [Bytes] { try Sys.write(session.outside / "lower" / name, "1") }
        let options = ["lower", "upper", "work"].map { "\($0)dir=\(session.outside / Bytes($0))" }.joined(
            separator: ",")
        guard try Program.run("mount", ["-t", "overlay", "-o", Bytes(options), "none", session.tree]).status == 0 else {
            return try Skipped.note("no overlayfs here")
        }
        defer { _ = try? Program.run("umount", ["-l", session.tree]) }
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try Sys.write(session.tree / "f", "22")
        try Sys.write(session.tree / "d/e/h", "22")
        try Sys.write(session.tree / "d/e/new", "1")
        try Sys.unlink(session.tree / "d/g")
        try Sys.chmod(session.tree / "d/e", 0o700)
        func told() throws -> [String] {
            let rows = try session.query(since: cursor, "--renames", "split").rows
            return Comparison.net(rows, before, try Tree(walking: session.tree, contents: true)) { _ in true }
        }
        var wrong = try told()
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        try watcher.stop()
        try Sys.write(session.tree / "d/e/h", "333")
        try watcher.restart()
        wrong = try told()
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    /// btrfs: a subvolume is a directory of the same mount with a device of its own. Making one from another is one event for
    /// a whole tree, and deleting it ends no watch inside of it.
    @Test func B49_subvolumesComeAndGo() throws {
        let session = try Session()
        guard let disk = try Disk("btrfs", in: session.scratch, name: "disk") else {
            return try Skipped.note("no btrfs can be made here")
        }
        try disk.mount(at: session.tree)
        let (one, two) = (session.tree / "one", session.tree / "two")
        try Mount.run("btrfs", "-q", "subvolume", "create", one)
        try Sys.mkdirs(one / "d/e")
        try Sys.write(one / "d/e/f", "1")
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, crossing: true)
        func check() throws {
            let rows = try session.query(since: cursor, "--renames", "split").rows
            let wrong = Comparison.net(rows, before, try Tree(walking: session.tree, crossing: true)) { _ in true }
            #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        }
        try Mount.run("btrfs", "-q", "subvolume", "snapshot", one, two)
        try Sys.write(two / "d/e/f", "22")
        try check()
        try Sys.write(two / "d/e/g", "1")
        try Sys.rename(two, session.tree / "three")
        try Sys.write(session.tree / "three/d/e/g", "22")
        try check()
        try Mount.run("btrfs", "-q", "subvolume", "delete", one)
        try Sys.mkdirs(one / "d")
        try Sys.write(one / "d/f", "1")
        try check()
        try watcher.stop()
        try Mount.run("btrfs", "-q", "subvolume", "delete", session.tree / "three")
        try watcher.restart()
        try check()
        try watcher.stop()
    }

    /// ext4 gives the inode of a file that was removed to the next one that is made.
    @Test(arguments: [false, true]) func B56_inodesAreUsedAgain(down: Bool) throws {
        let session = try Session(on: .ext4)
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/old", "1")
        try Sys.mkdir(session.tree / "olddir")
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let inodes = try [session.tree / "d/old", session.tree / "olddir"].map { try Sys.facts($0)!.ino }
        if down { try watcher.stop() }
        try Sys.unlink(session.tree / "d/old")
        try Sys.write(session.tree / "new", "1")
        try Sys.rmdir(session.tree / "olddir")
        try Sys.mkdir(session.tree / "newdir")
        if down { try watcher.restart() }
        let again = try [session.tree / "new", session.tree / "newdir"].map { try Sys.facts($0)!.ino }
        try #require(again == inodes, "no inode was used again: this test shows nothing")
        let rows = try session.query(since: cursor, "--kind", "created,deleted,modified,renamed").rows
        #expect(rows.allSatisfy { $0.kind == "created" || $0.kind == "deleted" } && rows.count == 4, "\(rows)")
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }
}
