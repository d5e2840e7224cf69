import GRDB
import Glibc
import Testing

/// A disk under the database that is full, read-only or broken, and one that is well again.
@Suite struct DiskTests {
    /// A session whose database is on a small file system of its own, where the watcher has filled all that was left.
    private final class Full {
        let session = try! Session()
        let disk: Bytes
        let watcher: Watcher
        let cursor: String
        let before: Tree

        init?() throws {
            guard let small = try session.scratch.mount("tmpfs", name: "small", megabytes: 3) else {
                try Skipped.note("tmpfs cannot be mounted here")
                return nil
            }
            disk = small
            session.database = small / "journal.db"
            try Sys.write(session.tree / "first", "1")
            watcher = try session.start()
            cursor = try session.sync()
            before = try Tree(walking: session.tree, contents: true)
            let long = String(repeating: "n", count: 200)
            for index in 0..<8_000 { try Sys.write(session.tree / Bytes("\(index)-\(long)"), "1") }
            let watcher = watcher
            let isFull = eventually { !watcher.isRunning || watcher.said.errors.contains("cannot commit") }
            try #require(isFull && watcher.isRunning, "\(watcher.said)")
        }

        func grow() throws {
            try #require(try Program.run("mount", ["-o", "remount,size=300M", disk]).status == 0)
        }
    }

    @Test func aFullDiskStopsNothingButTheAnswers() throws {
        guard let full = try Full() else { return }
        let session = full.session
        for command in [["query", "--format", "json"], ["unchanged"]] as [[Bytes]] {
            let output = try session.run(command + ["--since", Bytes(full.cursor), "--timeout", "5s"])
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            #expect(output.errors.contains("disk full since"), "\(output)")
        }
        let sync = try session.run("sync", "--timeout", "5s")
        #expect(sync.status == 69 && sync.errors.contains("disk full since"), "\(sync)")
        let status = try session.run("status")
        #expect(status.status == 1 && status.text.contains("cannot commit: disk full since"), "\(status)")
        let json = try JSON(try session.run("status", "--json").bytes)
        #expect(json["watcher"]?["cannot_commit"]?["reason"]?.text == "disk full", "\(json)")
        #expect(json["well"]?.truth == false && json["live"]?.truth == false)

        // What happens meanwhile waits behind the batch that has no room, or overflows.
        try Sys.mkdirs(session.tree / "a/b")
        try Sys.write(session.tree / "a/b/c", "1")
        try Sys.rename(session.tree / "first", session.tree / "renamed")
        #expect(try session.views.value("PRAGMA quick_check") == "ok")
        try full.grow()
        let wrong = try session.judge(since: full.cursor, full.before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        // Once when it begins, however often it is tried, and once when it is over.
        let said = full.watcher.said.errors.split(separator: "\n")
        #expect(
            said.filter { $0.contains("cannot commit") }.count == said.filter { $0.contains("commits again") }.count,
            "\(said)")
        #expect(try session.run("status").status == 0)
    }

    /// Somebody at the prompt of sqlite3 who has begun to write, and went for lunch.
    @Test func anotherProgramThatWritesIsWaitedFor() throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        let other = try DatabaseQueue(path: String(decoding: session.database.raw, as: UTF8.self))
        try other.inDatabase { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            defer { try? db.execute(sql: "ROLLBACK") }
            try Sys.write(session.tree / "f", "1")
            // Longer than anything waits inside SQLite.
            let refused = try session.run("query", "--since", Bytes(cursor), "--timeout", "12s")
            #expect(refused.status == 3 && refused.bytes.isEmpty, "\(refused)")
            #expect(refused.errors.contains("database locked by another program since"), "\(refused)")
            let status = try session.run("status")
            #expect(status.status == 1 && status.text.contains("cannot commit: database locked"), "\(status)")
        }
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        #expect(try session.run("status").status == 0)
        let said = watcher.said.errors.split(separator: "\n")
        #expect(watcher.isRunning && said.count { $0.contains("cannot commit") } == 1, "\(said)")
        #expect(said.count { $0.contains("commits again") } == 1, "\(said)")
    }

    @Test func aQuestionThatWaitsIsAnsweredWhenThereIsSpace() throws {
        guard let full = try Full() else { return }
        let arguments: [Bytes] = [
            "query", "--since", Bytes(full.cursor), "--format", "paths", "-0", "--timeout", "60s", "--db",
            full.session.database,
        ]
        let question = try Child(Program.journal, arguments)
        let isAsked = eventually { full.watcher.isRunning && question.isRunning && question.pid > 0 }
        #expect(isAsked)
        try full.grow()
        let status = try #require(question.wait(.seconds(60)))
        #expect(status == 0, "\(question.output(status: status))")
        #expect(question.output(status: status).bytes.split(separator: 0).count == 8_000)
    }

    @Test func aFullDiskIsNoReasonNotToStop() throws {
        guard let full = try Full() else { return }
        let session = full.session
        full.watcher.child.signal(SIGTERM)
        let status = try #require(full.watcher.child.wait(.seconds(30)), "it does not stop: \(full.watcher.said)")
        #expect(status == 74, "\(full.watcher.said)")
        #expect(full.watcher.said.errors.contains("disk full since"), "\(full.watcher.said)")
        #expect(try session.run("query", "--since", Bytes(full.cursor), "--format", "json").status == 3)
        try full.grow()
        try full.watcher.restart()
        let wrong = try session.judge(since: full.cursor, full.before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
    }

    @Test func aFullDiskDoesNotKeepAScanForCron() throws {
        let session = try Session()
        guard let small = try session.scratch.mount("tmpfs", name: "small", megabytes: 2) else {
            return try Skipped.note("tmpfs cannot be mounted here")
        }
        session.database = small / "journal.db"
        let long = String(repeating: "n", count: 200)
        for index in 0..<10_000 { try Sys.write(session.tree / Bytes("\(index)-\(long)"), "1") }
        let output = try session.run("scan", session.tree)
        #expect(output.status == 74 && output.errors.contains("disk full"), "\(output)")
    }

    @Test func aDiskThatIsFullFromTheStart() throws {
        let session = try Session()
        guard let small = try session.scratch.mount("tmpfs", name: "small", megabytes: 1) else {
            return try Skipped.note("tmpfs cannot be mounted here")
        }
        _ = try? Sys.write(small / "ballast", [UInt8](repeating: 1, count: 1 << 20))
        session.database = small / "journal.db"
        let output = try session.run("watch", session.tree, timeout: .seconds(20))
        #expect([73, 74].contains(output.status), "\(output)")
    }

    @Test func aReadOnlyDiskIsReadAndNotWritten() throws {
        let session = try Session()
        guard let disk = try session.scratch.mount("ext4", name: "disk", megabytes: 16) else {
            return try Skipped.note("ext4 cannot be mounted here")
        }
        session.database = disk / "journal.db"
        let watcher = try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        for isKilled in [false, true] {
            if isKilled { watcher.kill() } else { try watcher.stop() }
            try #require(try Program.run("mount", ["-o", "remount,ro", disk]).status == 0)
            for command in [["watch"], ["watch", session.tree], ["scan"], ["forget", session.tree]] as [[Bytes]] {
                let output = try session.run(command, timeout: .seconds(20))
                #expect([73, 74, 77].contains(output.status), "\(output)")
                #expect(output.errors.split(separator: "\n").count == 1, "\(output)")
            }
            let answer = try session.query(since: cursor, "--no-sync")
            #expect(answer.paths == [session.tree / "f"], "killed: \(isKilled)")
            let status = try session.run("status")
            #expect(status.status == 1 && status.text.contains(session.tree.description), "\(status)")
            #expect(try session.run("query", "--since", Bytes(cursor)).status == 3)
            try #require(try Program.run("mount", ["-o", "remount,rw", disk]).status == 0)
            try watcher.restart()
            #expect(try session.query(since: cursor).paths == [session.tree / "f"])
        }
    }

    /// The kernel makes a file system read-only in an emergency while files are open for writing; nothing else does.
    @Test func aDiskThatFailsUnderTheWatcherEndsIt() throws {
        let session = try Session()
        guard
            let disk = try session.scratch.mount(
                "ext4", name: "disk", megabytes: 16, options: "noatime,errors=remount-ro")
        else { return try Skipped.note("ext4 cannot be mounted here") }
        session.database = disk / "journal.db"
        let watcher = try session.start()
        try session.sync()
        let device = try Program.run("findmnt", ["-n", "-o", "SOURCE", disk]).text.split(separator: "\n").first ?? ""
        let trigger = Bytes("/sys/fs/ext4/\(device.split(separator: "/").last ?? "")/trigger_fs_error")
        guard (try? Sys.write(trigger, Array("1".utf8), O_WRONLY)) != nil else {
            return try Skipped.note("no trigger_fs_error")
        }
        try Sys.write(session.tree / "f", "1")
        let status = try #require(watcher.child.wait(.seconds(30)), "it goes on: \(watcher.said)")
        #expect([73, 74, 77].contains(status), "\(watcher.said)")
        #expect(watcher.said.errors.contains(session.database.description), "\(watcher.said)")
    }
}
