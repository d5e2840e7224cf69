import CTestLinux
import Glibc
import Testing

/// Mounts over, under and away from what is watched. None of them makes an event.
@Suite struct MountTests {
    private func check(_ session: Session, since cursor: String, _ before: Tree, remounted: Bool = false) throws {
        let wrong = try session.judge(since: cursor, before, remounted: remounted)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    /// A tree with a directory to mount over, watched.
    private func begin(options: [Bytes] = []) throws -> (Session, Bytes)? {
        let session = try Session()
        guard try Mount.isPossible(session.scratch) else {
            try Skipped.note("this user may not mount")
            return nil
        }
        let point = session.tree / "point"
        try Sys.mkdirs(point / "d")
        try Sys.write(point / "d/f", "1")
        try Sys.write(session.tree / "g", "1")
        try session.start(options: options)
        return (session, point)
    }

    /// Whichever of them is running when the mount goes.
    @Test(arguments: [false, true]) func B51_whatAMountHidesIsNotCoveredAndNotGone(restarted: Bool) throws {
        guard let (session, point) = try begin() else { return }
        let first = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try Sys.write(point / "d/f", "before the mount")
        try Mount.run("mount", "-t", "tmpfs", "none", point)
        var isMounted = true
        defer { if isMounted { _ = try? Program.run("umount", ["-l", point]) } }
        try Sys.write(point / "in the mount", "1")
        try Sys.write(session.tree / "g", "22")

        // What is above says nothing of it, and says so; what is inside cannot be asked about.
        let rows = try session.query(since: first).rows
        #expect(rows.allSatisfy { $0.kind != "deleted" } && rows.contains { $0.path == session.tree / "g" }, "\(rows)")
        #expect(!rows.contains { $0.path == point / "in the mount" })
        try session.expectRefusal(since: first, point / "d")
        #expect(try session.views.files()[point / "d/f"] != nil, "hidden is not gone")
        let status = try session.run("status")
        #expect(
            status.status == 0 && status.text.contains("point") && status.text.contains("another mount"), "\(status)")
        let second = try session.sync()

        if restarted {
            try session.watcher?.stop()
            try session.watcher?.restart()
            #expect(try session.query(since: second).rows.isEmpty)
            try session.watcher?.stop()
        }
        try Mount.run("umount", point)
        isMounted = false
        if restarted { try session.watcher?.restart() }
        try Sys.write(point / "d/f", "after the mount")
        try Sys.mkdirs(point / "d/e")
        try Sys.write(point / "d/e/new", "1")

        // From before the mount it is all one; one who began within has never seen what is there now.
        try check(session, since: first, before)
        try session.expectRefusal(since: second)
        try session.expectRefusal(since: second, point)
        #expect(try session.query(since: second, session.tree / "g").rows.isEmpty)
        #expect(try session.query(since: try session.sync()).rows.isEmpty)
        let gap = try session.views.gaps().filter { $0.cause == "hidden" }
        #expect(gap.count == 1 && gap.allSatisfy { !$0.isOpen && $0.path == point }, "\(gap)")
    }

    /// Somebody reaches the hidden directory another way, and changes it there.
    @Test func B51_whatHappensUnderAMountIsFoundWhenItIsGone() throws {
        guard let (session, point) = try begin() else { return }
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let aside = session.base / "aside"
        try Sys.mkdir(aside)
        try Mount.run("mount", "--bind", session.tree, aside)
        defer { _ = try? Program.run("umount", ["-l", aside]) }
        for round in 0..<3 {
            try Mount.run("mount", "-t", "tmpfs", "none", point)
            try session.sync()
            try Sys.write(aside / "point/d/f", "round \(round)")
            try Sys.rename(aside / "point/d", aside / Bytes("point/d\(round)"))
            try Sys.mkdir(aside / "point/d")
            try Sys.rename(aside / Bytes("point/d\(round)/f"), aside / "point/d/f")
            try Sys.write(session.tree / Bytes("seen \(round)"), "1")
            try session.sync()
            try Mount.run("umount", point)
            try check(session, since: cursor, before)
        }
    }

    /// A file below a mount has another name outside: what is done to it through what was open before, or was done just before,
    /// is seen by that name.
    @Test func B51_whatIsHiddenHasOtherNames() throws {
        guard let (session, point) = try begin() else { return }
        let (old, new) = (session.tree / "old", session.tree / "g")
        try Sys.link(point / "d/f", old)
        let cursor = try session.sync()
        let directory = try Sys.open(point / "d", O_RDONLY | O_DIRECTORY)
        let file = try Sys.open(point / "d/f", O_WRONLY)
        defer { [directory, file].forEach { Sys.close($0) } }
        func told(_ path: Bytes, since cursor: String) throws -> [Row] {
            var rows: [Row] = []
            _ = try eventually {
                let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", path)
                rows = output.status == 0 ? try Answer(output).rows : []
                return output.status == 0
            }
            return rows
        }
        try session.watcher?.paused {
            try Sys.link(new, point / "link")  // which is hidden before anybody can look
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        #expect(try told(new, since: cursor).map(\.metadata) == [true], "a link below the mount")
        try Sys.write(file, Array("22".utf8), point / "d/f")
        #expect(try told(old, since: cursor).map(\.content) == [true], "a write below the mount")
        let later = try session.sync()
        #expect(unlinkat(directory, "f", 0) == 0)
        #expect(try told(old, since: later).map(\.metadata) == [true], "a removal below the mount")
        #expect(try session.views.files()[old]?.nlink == 1)
    }

    /// A name below a mount is given to another file before anybody can look: what is known of the name is of the one before.
    @Test(arguments: ["known", "unlinked"], [false, true])
    func B51_aHiddenNameIsGivenToAnotherFile(name: String, written: Bool) throws {
        guard let (session, point) = try begin() else { return }
        let (taken, file) = (point / "d/f", session.tree / "g")
        if name == "unlinked" {
            try Sys.link(taken, session.tree / "other")
            try session.sync()
            try Sys.unlink(taken)
        }
        let cursor = try session.sync()
        try session.watcher?.paused {
            if name == "known" { try Sys.unlink(taken) }
            try Sys.link(file, taken)
            if written {
                try Sys.write(taken, "22")
                try Sys.unlink(taken)
            }
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        defer { _ = try? Program.run("umount", ["-l", point]) }
        #expect(try eventually { try session.run("query", "--since", Bytes(cursor)).status == 0 })
        let rows = try session.query(since: cursor, file).rows
        #expect(rows.map(written ? \.content : \.metadata) == [true], "\(rows)")
        if written { return }

        // It goes, and what is known of the name is older still.
        let later = try session.sync()
        try session.watcher?.paused {
            try Mount.run("umount", point)
            try Sys.unlink(taken)
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        #expect(try eventually { try session.run("query", "--since", Bytes(later), file).status == 0 })
        #expect(try session.query(since: later, file).rows.map(\.metadata) == [true])
    }

    /// A file is written to, hidden before anybody can look, and leaves its place when that is seen again: what was said of it
    /// under the old name goes with it. Its size and mtime say nothing.
    @Test func B51_whatWasWrittenBelowAMountMovesOut() throws {
        guard let (session, point) = try begin() else { return }
        let (old, new) = (point / "d/f", session.tree / "moved")
        let cursor = try session.sync()
        let mtime = try #require(try Sys.facts(old)).mtime
        try session.watcher?.paused {
            try Sys.write(old, "2")
            try Sys.utimens(old, access: nil, modification: mtime)
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        var isMounted = true
        defer { if isMounted { _ = try? Program.run("umount", ["-l", point]) } }
        try session.sync()
        try session.watcher?.paused {
            try Mount.run("umount", point)
            isMounted = false
            try Sys.rename(old, new)
        }
        #expect(try eventually { try session.run("query", "--since", Bytes(cursor)).status == 0 })
        let rows = try session.query(since: cursor, "--type", "file").rows
        #expect(
            rows.map(\.kind) == ["renamed"] && rows.map(\.path) == [new] && rows.map(\.content) == [true], "\(rows)")
    }

    /// A name that nobody ever saw was another one of a file that is covered, and is gone, or another file's, when it could be
    /// seen.
    @Test(arguments: [false, true]) func B51_whatCameAndWentBelowAMountHadAnotherName(replaced: Bool) throws {
        guard let (session, point) = try begin(), let watcher = session.watcher else { return }
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        func isAnswered() throws -> Bool { try session.run("query", "--since", Bytes(cursor)).status == 0 }
        try watcher.paused {
            try Sys.write(point / "new", "1")
            try Sys.link(point / "new", session.tree / "other")
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        var isMounted = true
        defer { if isMounted { _ = try? Program.run("umount", ["-l", point]) } }
        #expect(try eventually { try isAnswered() })
        for round in 0..<5 {  // until that is forgotten
            try Sys.write(session.tree / "g", "\(round)")
            try session.sync()
        }
        try watcher.paused {
            try Mount.run("umount", point)
            isMounted = false
            if replaced { try Sys.rename(session.tree / "g", point / "new") } else { try Sys.unlink(point / "new") }
        }
        #expect(try eventually { try isAnswered() })
        try check(session, since: cursor, before)
    }

    /// A directory that leaves what is hidden in the moment in which it is: it is at its new place, and at no other.
    @Test func B51_aDirectoryLeavesJustBeforeTheMount() throws {
        guard let (session, point) = try begin() else { return }
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try session.watcher?.paused {
            try Sys.rename(point / "d", session.tree / "d")
            try Mount.run("mount", "-t", "tmpfs", "none", point)
        }
        var isMounted = true
        defer { if isMounted { _ = try? Program.run("umount", ["-l", point]) } }
        try session.sync()
        try Sys.removeTree(session.tree / "d")
        try session.sync()
        try Mount.run("umount", point)
        isMounted = false
        _ = try eventually { try session.run("query", "--since", Bytes(cursor)).status == 0 }
        try check(session, since: cursor, before)
    }

    /// A mount point cannot be renamed, but a directory above it can.
    @Test(arguments: [false, true]) func B51_aDirectoryAboveAMountIsRenamed(lost: Bool) throws {
        if lost && !Queue.isAdjustable { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        guard try Mount.isPossible(session.scratch) else { return try Skipped.note("this user may not mount") }
        let point = session.tree / "a/point"
        try Sys.mkdirs(point / "d/e")
        try Sys.write(point / "d/e/f", "1")
        let watcher = try session.start(queue: lost ? 16 : nil)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try Mount.run("mount", "-t", "tmpfs", "none", point)
        let moved = session.tree / "b/c/point"
        try session.sync()
        try watcher.paused {
            if lost { for index in 0..<40 { try Sys.write(session.tree / Bytes("f\(index)"), "1") } }
            try Sys.mkdirs(session.tree / "b")
            try Sys.rename(session.tree / "a", session.tree / "b/c")
        }
        defer { _ = try? Program.run("umount", ["-l", moved]) }
        try session.expectRefusal(since: cursor, moved / "d")
        #expect(try session.query(since: cursor).rows.contains { $0.path == session.tree / "b/c" })
        #expect(try session.views.files()[moved / "d/e/f"] != nil, "what is hidden has moved along")
        try Mount.run("umount", moved)
        try Sys.write(moved / "d/e/f", "22")
        // The directory at the mount point was another one meanwhile: it alone counts as deleted and created, not as renamed.
        let wrong = try session.judge(since: cursor, before).filter {
            !$0.hasPrefix("follow: \(point) is \(moved) now")
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    @Test func B51_whatWasMountedBeforeItWasEverCoveredBeginsToBeCovered() throws {
        let session = try Session()
        guard try Mount.isPossible(session.scratch) else { return try Skipped.note("this user may not mount") }
        let point = session.tree / "point"
        try Sys.mkdir(point)
        try Sys.write(point / "below", "1")
        try Mount.run("mount", "-t", "tmpfs", "none", point)
        var isMounted = true
        defer { if isMounted { _ = try? Program.run("umount", ["-l", point]) } }
        try session.start()
        let cursor = try session.sync()
        try Mount.run("umount", point)
        isMounted = false
        try session.sync()
        try session.expectRefusal(since: cursor)
        #expect(try session.views.files()[point / "below"] != nil)
        let later = try session.sync()
        try Sys.write(point / "below", "22")
        #expect(try session.query(since: later).rows.map(\.path) == [point / "below"])
    }

    @Test func B50_aDirectoryThatIsSeenTwiceIsCoveredOnce() throws {
        let session = try Session()
        guard try Mount.isPossible(session.scratch) else { return try Skipped.note("this user may not mount") }
        for name in ["a/d", "b", "c/d"] as [Bytes] { try Sys.mkdirs(session.tree / name) }
        try Sys.write(session.tree / "a/d/f", "1")
        try Mount.run("mount", "--bind", session.tree / "a", session.tree / "b")
        defer { _ = try? Program.run("umount", ["-l", session.tree / "b"]) }
        try session.start(options: ["--cross-mounts"])
        try Mount.run("mount", "--bind", session.tree / "a/d", session.tree / "c/d")
        defer { _ = try? Program.run("umount", ["-l", session.tree / "c/d"]) }
        let cursor = try session.sync()
        try Sys.write(session.tree / "b/d/f", "22")
        try Sys.write(session.tree / "c/d/g", "1")
        let rows = try session.query(since: cursor, session.tree / "a").rows.map(\.path)
        #expect(rows == [session.tree / "a/d/f", session.tree / "a/d/g"])
        for second in ["b/d", "c/d/g"] as [Bytes] { try session.expectRefusal(since: cursor, session.tree / second) }
        let status = try session.run("status")
        #expect(
            status.text.contains("tree/b  another mount") && status.text.contains("c/d  another mount"), "\(status)")
    }

    /// A bind mount has the device of its root's file system, and is another mount all the same.
    @Test func B54_aBindMountOfTheSameFileSystemIsNotCrossed() throws {
        guard let (session, _) = try begin() else { return }
        let (point, other) = (session.tree / "bound", session.outside / "other")
        try Sys.mkdir(point)
        try Sys.mkdir(other)
        try Mount.run("mount", "--bind", other, point)
        defer { _ = try? Program.run("umount", ["-l", point]) }
        let cursor = try session.sync()
        try Sys.write(point / "f", "1")
        #expect(try session.query(since: cursor).rows.isEmpty)
        try session.expectRefusal(since: cursor, point / "f")
    }

    @Test(arguments: ["ext4", "xfs", "btrfs"] as [Bytes], [false, true])
    func B52_aRootWhoseFileSystemIsUnmounted(type: Bytes, paused: Bool) throws {
        let session = try Session()
        guard let disk = try Disk(type, in: session.scratch, name: "disk") else {
            return try Skipped.note("no \(type) can be made here")
        }
        try disk.mount(at: session.tree)
        try Sys.mkdirs(session.tree / "d/e")
        try Sys.write(session.tree / "d/e/f", "1")
        let watcher = try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let elsewhere = session.base / "elsewhere"
        try Sys.mkdir(elsewhere)

        func interrupt() throws {
            try disk.unmount()
            if !paused {
                try session.expectRefusal(since: cursor)
                #expect(try session.views.roots()[session.tree] == "offline")
                #expect(try session.views.files()[session.tree / "d/e/f"] != nil, "nothing is deleted")
                #expect(try session.run("status").status == 1)
            }
            try disk.mount(at: elsewhere)
            try Sys.write(elsewhere / "d/e/f", "changed elsewhere")
            try Sys.rename(elsewhere / "d", elsewhere / "moved elsewhere")
            try disk.unmount()
            try disk.mount(at: session.tree)
        }
        if paused { try watcher.paused(interrupt) } else { try interrupt() }
        try Sys.write(session.tree / "new", "1")
        try check(session, since: cursor, before, remounted: true)
        #expect(try session.run("status").status == 0)
        try watcher.stop()
        try disk.unmount()
    }

    /// B55: the loop device, and with it st_dev, is another one after each of these.
    @Test(arguments: ["ext4", "xfs"] as [Bytes]) func B55_anotherDeviceNumberIsTheSameFileSystem(type: Bytes) throws {
        let session = try Session()
        guard let disk = try Disk(type, in: session.scratch, name: "disk"),
            let other = try Disk(type, in: session.scratch, name: "other")
        else { return try Skipped.note("no \(type) can be made here") }
        try disk.mount(at: session.tree)
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/f", "1")
        let watcher = try session.start()
        let cursor = try session.sync()
        let device = try #require(try Sys.facts(session.tree)).device
        try watcher.stop()
        try disk.unmount()
        // Another one takes the device that was free; or a test beside this one gives back its own, and it is tried again.
        try other.mount(at: session.outside)
        for _ in 0..<20 {
            try disk.mount(at: session.tree)
            if try Sys.facts(session.tree)?.device != device { break }
            try disk.unmount()
        }
        try #require(try Sys.facts(session.tree)?.device != device, "the device is the same: this test shows nothing")
        try watcher.restart()
        // On another mount what was written lately counts as written once more; nothing is new and nothing gone.
        let rows = try session.query(since: cursor).rows
        #expect(rows.allSatisfy { $0.path == session.tree / "d/f" && $0.kind == "modified" }, "\(rows)")
        #expect(try session.views.value("SELECT count(*) FROM filesystem") == "1")
        try watcher.stop()
    }

    /// The number of a device that is gone is another file system's: /dev/loop and tmpfs use theirs again at once.
    @Test func B55_anotherFileSystemWithTheSameDeviceNumber() throws {
        let session = try Session()
        guard let disk = try Disk("ext4", in: session.scratch, name: "disk"),
            let other = try Disk("ext4", in: session.scratch, name: "other")
        else { return try Skipped.note("no ext4 can be made here") }
        let point = session.tree / "point"
        try Sys.mkdir(point)
        try disk.mount(at: point)
        try Sys.write(point / "f", "1")
        try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        try session.watcher?.paused {
            try disk.unmount()
            try other.mount(at: point)
            try Sys.write(point / "g", "1")
        }
        try session.expectRefusal(since: cursor)
        #expect(try session.views.files()[point / "f"] != nil, "nothing is deleted")
        #expect(try session.views.files()[point / "g"] == nil)
        try other.unmount()
        try disk.mount(at: point)
        try Sys.write(point / "h", "1")
        let rows = try session.query(since: cursor, "--kind", "created,deleted,renamed").rows
        #expect(rows.map(\.path) == [point / "h"] && rows.map(\.kind) == ["created"], "\(rows)")
    }

    /// The disk was replaced for good, or what was mounted is not to come back.
    @Test(arguments: [false, true], [false, true])
    func whatIsThereNowIsAdopted(mounted: Bool, live: Bool) throws {
        let session = try Session()
        guard let disk = try Disk("ext4", in: session.scratch, name: "disk"),
            let other = try Disk("ext4", in: session.scratch, name: "other")
        else { return try Skipped.note("no ext4 can be made here") }
        let point = session.tree / "point"
        try Sys.mkdir(point)
        try disk.mount(at: point)
        try Sys.write(point / "f", "1")
        let watcher = try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        try disk.unmount()
        if mounted { try other.mount(at: point) }
        try Sys.write(point / "g", "1")
        try session.expectRefusal(since: cursor)
        if !live { try watcher.stop() }
        let output = try session.run("scan", "--adopt", point)
        #expect(output.status == 0, "\(output)")
        if !live { try watcher.restart() }
        let rows = try session.query(since: cursor, "--renames", "split", "--type", "file").rows
        #expect(
            rows.map(\.path) == [point / "f", point / "g"] && rows.map(\.kind) == ["deleted", "created"], "\(rows)")
        try Sys.write(point / "g", "22")
        #expect(try session.query(since: try session.sync()).rows.isEmpty)
        #expect(try session.run("status").status == 0)
        if mounted { try other.unmount() }
    }

    @Test(arguments: [false, true]) func B52_aFileSystemBelowARootIsUnmounted(restarted: Bool) throws {
        let session = try Session()
        guard let disk = try Disk("ext4", in: session.scratch, name: "disk") else {
            return try Skipped.note("no ext4 can be made here")
        }
        let point = session.tree / "point"
        try Sys.mkdir(point)
        try Sys.write(session.tree / "g", "1")
        try disk.mount(at: point)
        try Sys.mkdirs(point / "d")
        try Sys.write(point / "d/f", "1")
        let watcher = try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        var known = try Tree(walking: point, contents: true)
        if restarted { try watcher.stop() }
        try disk.unmount()
        if restarted { try watcher.restart() }

        // That subtree alone is a gap, and nothing of it is deleted.
        try Sys.write(session.tree / "g", "22")
        #expect(try session.query(since: cursor, session.tree / "g").rows.map(\.path) == [session.tree / "g"])
        try session.expectRefusal(since: cursor)
        try session.expectRefusal(since: cursor, point)
        #expect(try session.views.files()[point / "d/f"] != nil)
        #expect(try session.views.gaps().contains { $0.isOpen && $0.cause == "offline" && $0.path == point })
        try Sys.write(point / "written below", "1")
        try session.expectRefusal(since: cursor)

        let elsewhere = session.base / "elsewhere"
        try Sys.mkdir(elsewhere)
        try disk.mount(at: elsewhere)
        try Sys.write(elsewhere / "d/f", "changed elsewhere")
        try Sys.write(elsewhere / "d/new", "1")
        try disk.unmount()
        try disk.mount(at: point)
        try Sys.write(point / "d/later", "1")
        let rows = try session.query(since: cursor, "--renames", "split", point).rows
        var now = try Tree(walking: point, contents: true)
        known.forgetDevices()
        now.forgetDevices()
        let wrong = Comparison.net(rows, known, now) { _ in true }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(try session.query(since: cursor).rows.contains { $0.path == session.tree / "g" })
    }

    /// With --cross-mounts a file system that is mounted live is part of the tree from then on.
    @Test func B51_aMountThatIsCrossedAppears() throws {
        let session = try Session()
        guard let disk = try Disk("ext4", in: session.scratch, name: "disk") else {
            return try Skipped.note("no ext4 can be made here")
        }
        let point = session.tree / "point"
        try Sys.mkdir(point)
        try session.start(options: ["--cross-mounts"])
        let cursor = try session.sync()
        try disk.mount(at: point)
        try Sys.mkdirs(point / "d")
        try Sys.write(point / "d/f", "1")
        let rows = try session.query(since: cursor, "--renames", "split").rows
        #expect(Set(rows.map(\.path)).isSuperset(of: [point, point / "d", point / "d/f"]), "\(rows)")
        let second = try session.sync()
        try Sys.write(point / "d/f", "22")
        #expect(try session.query(since: second).rows.map(\.path) == [point / "d/f"])
    }

    @Test(arguments: ["recreated", "replaced", "a link", "a file"]) func B53_aRootIsReplaced(by how: String) throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d")
        try Sys.write(session.tree / "d/f", "1")
        try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        switch how {
        case "recreated":
            try Sys.removeTree(session.tree)
            try Sys.mkdir(session.tree)
            try Sys.write(session.tree / "new", "1")
        case "replaced":
            try Sys.mkdirs(session.base / "other/d")
            try Sys.write(session.base / "other/d/f", "other")
            try Sys.rename(session.base / "other", session.tree, flags: 2)
        default:
            try Sys.rename(session.tree, session.base / "moved")
            if how == "a link" { try Sys.symlink("moved", session.tree) } else { try Sys.write(session.tree, "1") }
            // Neither is a root: it is not there until a directory is.
            try session.expectRefusal(since: cursor)
            try Sys.write(session.base / "moved/d/f", "22")
            try Sys.unlink(session.tree)
            try session.expectRefusal(since: cursor)
            try Sys.rename(session.base / "moved", session.tree)
        }
        try Sys.write(session.tree / "later", "1")
        try check(session, since: cursor, before)
    }

    /// A root that is named through a link is the directory the link led to.
    @Test func B42_aRootNamedByALink() throws {
        let session = try Session()
        try Sys.symlink("tree", session.base / "link")
        try session.start([session.base / "link"])
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        #expect(try session.query(since: cursor, session.base / "link").rows.map(\.path) == [session.tree / "f"])
    }
}
