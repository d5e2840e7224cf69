import CTestLinux
import Foundation
import Testing

/// The file: whose it is, who may read it, and what happens to one that is none of ours.
@Suite struct DatabaseTests {
    /// Every command that opens a database refuses this one and leaves it as it is.
    private func refused(_ session: Session, _ status: Int32 = 65) throws {
        let before = try Sys.read(session.database)
        for command in [
            ["watch", session.tree], ["query", "--no-sync"], ["status"], ["unchanged", "--since", "start"],
        ] as [[Bytes]] {
            let output = try session.run(command, timeout: .seconds(20))
            #expect(output.status == status, "\(output)")
            #expect(output.errors.contains(session.database.description), "\(output)")
        }
        #expect(try Sys.read(session.database) == before, "it was written to")
    }

    @Test func textIsNoJournal() throws {
        let session = try Session()
        try Sys.write(session.database, String(repeating: "just some text\n", count: 1000))
        try refused(session)
    }

    @Test func anotherProgramsDatabaseIsNoJournal() throws {
        let session = try Session()
        try database(session.database, "CREATE TABLE t(x); INSERT INTO t VALUES (1);")
        try refused(session)
    }

    @Test func aNewerJournalIsLeftAlone() throws {
        let session = try Session()
        try session.start().stop()
        try database(session.database, "PRAGMA user_version = 999;")
        try refused(session)
    }

    /// Whoever may write to the file may write anything into it. That is compared with the tree and told, not trapped on.
    @Test func numbersThatNoFileHas() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d")
        for name in ["a", "b", "d/c"] as [Bytes] { try Sys.write(session.tree / name, "1") }
        let watcher = try session.start()
        let cursor = try session.sync()
        try watcher.stop()
        try database(
            session.database,
            """
            UPDATE state SET mode = -1, nlink = 1 << 40, uid = -5, gid = 1 << 62, size = -9, ino = -1 WHERE child IS NULL;
            UPDATE node SET filesystem = 1 << 50 WHERE id = (SELECT child FROM state WHERE name = x'64');
            """)
        try session.start()
        let rows = try session.query(since: cursor).rows
        #expect(Set(rows.map(\.path)).isSuperset(of: ["a", "b", "d/c"].map { session.tree / $0 }), "\(rows)")
        #expect(try session.run("verify").status == 0)
        #expect(try session.views.contradictions().isEmpty)
    }

    @Test(arguments: [0, 1]) func aCorruptJournalIsToldApart(page: Int) throws {
        let session = try Session()
        for index in 0..<500 { try Sys.write(session.tree / Bytes("file-\(index)"), "1") }
        try session.start().stop()
        // The header of page 1 after SQLite's own, or everything but page 1.
        var bytes = try Sys.read(session.database)
        let damaged = page == 0 ? 100..<4096 : 8192..<bytes.count
        for index in damaged { bytes[index] = UInt8(truncatingIfNeeded: index &* 37 &+ 11) }
        try Sys.write(session.database, bytes, O_WRONLY)
        let before = try Sys.read(session.database)
        for command in [["query", "--no-sync"], ["watch", session.tree]] as [[Bytes]] {
            let output = try session.run(command, timeout: .seconds(20))
            #expect(output.status == 65, "\(output)")
        }
        #expect(try Sys.read(session.database) == before, "it was written to")
    }

    /// Where the watcher was killed, all of the file is checked before anything else; where it was stopped, a crawl reads the
    /// state, and whoever looks for what is to be forgotten the log.
    @Test(arguments: ["state", "log"], [true, false]) func damageInTheMiddleIsTold(table: String, isKilled: Bool) throws
    {
        let session = try Session()
        let watcher = try session.start()
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        try watcher.stop()
        let root = try session.views.value("SELECT rootpage FROM sqlite_schema WHERE name = '\(table)'")
        let page = try #require(root.flatMap { Int($0) })
        if isKilled {
            try watcher.restart()
            watcher.kill()
        }
        var bytes = try Sys.read(session.database)
        for index in (page - 1) * 8192..<page * 8192 { bytes[index] = UInt8(truncatingIfNeeded: index &* 37 &+ 11) }
        try Sys.write(session.database, bytes, O_WRONLY)
        let output = try session.run("watch", session.tree, timeout: .seconds(20))
        #expect(output.status == 65, "\(output)")
    }

    /// Runs SQL with SQLite itself.
    private func database(_ path: Bytes, _ sql: String) throws {
        guard try Program.run("sh", ["-c", "command -v sqlite3"]).status == 0 else {
            return try Skipped.note("no sqlite3")
        }
        let output = try Program.run("sqlite3", [path, Bytes(sql)])
        try #require(output.status == 0, "\(output)")
    }

    @Test(arguments: ["0", "077"]) func namesArePrivate(umask: Bytes) throws {
        let session = try Session()
        session.wrapper = ["sh", "-c", Bytes(Array("umask ".utf8) + umask.raw + Array("; exec \"$@\"".utf8)), "sh"]
        func check(_ moment: String) throws {
            for suffix in ["", "-wal", "-shm"] {
                let path = Bytes(session.database.raw + suffix.utf8)
                let mode = try Sys.facts(path).map { $0.mode & 0o7777 }
                #expect(mode == 0o640, "\(path) \(moment): \(mode.map { String($0, radix: 8) } ?? "missing")")
            }
        }
        let watcher = try session.start()
        try Sys.write(session.tree / "f", "1")
        _ = try session.query()
        try check("live")
        try watcher.stop()
        try check("stopped")
        _ = try session.run("query", "--no-sync")
        try check("read after the stop")
        try watcher.restart()
        try Sys.write(session.tree / "g", "1")
        try session.sync()
        watcher.kill()
        try check("killed")
        _ = try session.run("query", "--no-sync")
        try check("read after the kill")
    }

    @Test func othersInTheGroupMayReadWhetherItRunsOrNot() throws {
        guard geteuid() == 0 else { return try Skipped.note("only root may become another") }
        let session = try Session()
        try Sys.chown(session.database.parent, 0, Session.nobody)
        try Sys.chmod(session.database.parent, 0o2750)
        let copy = session.base / "journal"
        try #require(try Program.run("cp", [Program.journal, copy]).status == 0)
        let reader: [Bytes] = ["--reuid", "1", "--regid", "65534", "--clear-groups"]
        let hasSQLite = try Program.run("sh", ["-c", "command -v sqlite3"]).status == 0
        func check(_ moment: String) throws {
            let count = Int(try session.views.value("SELECT count(*) FROM changes") ?? "") ?? 0
            #expect(count > 0)
            let output = try Program.run(
                "setpriv",
                reader + [copy, "query", "--no-sync", "--log", "--format", "paths", "--db", session.database])
            #expect(output.status == 0 && output.lines.count == count, "\(moment): \(output)")
            guard hasSQLite else { return }
            let plain = try Program.run(
                "setpriv", reader + ["sqlite3", "-readonly", session.database, "SELECT count(*) FROM changes"])
            #expect(plain.text == "\(count)\n", "\(moment): \(plain)")
        }
        let watcher = try session.start()
        try Sys.write(session.tree / "a", "1")
        try session.sync()
        try check("live")
        try watcher.stop()
        try check("stopped")
        try watcher.restart()
        try Sys.write(session.tree / "b", "1")
        try session.sync()
        watcher.kill()
        try check("killed")
    }

    @Test func B67_itNeverJournalsItself() throws {
        let session = try Session()
        session.database = session.tree / ".journal" / "journal.db"
        try Sys.mkdir(session.tree / ".journal")
        try session.start()
        let begin = try session.sync()
        try Sys.write(session.tree / "f", "1")
        try Sys.write(session.tree / ".journal" / "note", "1")
        for _ in 0..<5 { try session.sync() }
        let found = try session.query(since: begin).rows.map(\.path)
        #expect(found == [session.tree / ".journal" / "note", session.tree / "f"])
        let cursor = try session.sync()
        _ = try session.query(since: cursor)
        #expect(try session.run("unchanged", "--since", Bytes(cursor)).status == 0)
        for view in ["changes", "files"] {
            let own = try session.views.value(
                "SELECT group_concat(path) FROM \(view) WHERE path GLOB '*/.journal/journal*'")
            #expect(own == nil, "\(view) has \(own ?? "")")
        }
        try session.watcher?.stop()
        try session.watcher?.restart()
        #expect(try session.query(since: cursor).rows.filter { $0.type != "directory" }.isEmpty)
    }

    @Test func B61_aRestoredCopyIsAnotherJournal() throws {
        let session = try Session()
        let watcher = try session.start()
        let first = try session.sync()
        let uuid = try session.views.journal().uuid
        try watcher.stop()
        let copy = Bytes(session.database.raw + "-backup".utf8)
        try #require(try Program.run("cp", [session.database, copy]).status == 0)
        try watcher.restart()
        #expect(try session.views.journal().uuid == uuid, "a stop and a start make no new journal")
        try Sys.write(session.tree / "f", "1")
        let second = try session.sync()
        try watcher.stop()

        for suffix in ["-wal", "-shm"] { try Sys.unlink(Bytes(session.database.raw + suffix.utf8)) }
        try Sys.rename(copy, session.database)
        try watcher.restart()
        #expect(try session.views.journal().uuid != uuid)
        for cursor in [first, second] {
            let output = try session.run("query", "--since", Bytes(cursor), "--format", "json")
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
        }
        let walk = try Tree(walking: session.tree)
        #expect(Comparison.state(try session.views.files(), walk).isEmpty)
    }

    @Test func B61_aCopyElsewhereIsAnotherJournal() throws {
        let session = try Session()
        try session.start().stop()
        let cursor = try session.views.journal().cursor
        try Sys.mkdir(session.scratch.path / "state2")
        let copy = session.scratch.path / "state2" / "journal.db"
        try #require(try Program.run("cp", [session.database, copy]).status == 0)
        session.database = copy
        try session.start()
        #expect(try session.run("query", "--since", Bytes(cursor)).status == 3)
    }

    @Test func B63_aKilledJournalIsStillTheSame() throws {
        let session = try Session()
        let watcher = try session.start()
        let (cursor, uuid) = (try session.sync(), try session.views.journal().uuid)
        try Sys.write(session.tree / "f", "1")
        watcher.kill()
        try Sys.write(session.tree / "g", "1")
        try watcher.restart()
        #expect(try session.views.journal().uuid == uuid)
        #expect(try session.query(since: cursor).paths == [session.tree / "f", session.tree / "g"])
    }

    @Test func theViewsHaveTheColumnsOfTheContract() throws {
        let session = try Session()
        try session.start()
        let contract = [
            "journal": "uuid created_ns head_seq cursor horizon_seq schema min_reader",
            "changes":
                "seq time time_ns not_before_ns kind type path path_raw old_path old_path_raw content metadata size "
                + "mtime_ns mode uid gid ino source moved_with batch",
            "files": "path path_raw type size mtime_ns ctime_ns mode uid gid ino nlink seq",
            "roots": "path path_raw state backend since_seq since_ns directories files",
            "gaps": "path path_raw cause opened_seq opened_ns closed_seq closed_ns baseline_seq found",
            "consumers": "name cursor seq updated_ns selection dropped_ns",
            "audits":
                "path path_raw kind live sample began_ns ended_ns directories entries differences unsettled",
        ]
        for (view, columns) in contract {
            let found = try session.views.columns(of: view)
            #expect(Set(found).isSuperset(of: columns.split(separator: " ").map(String.init)), "\(view): \(found)")
        }
        #expect(try session.views.value("SELECT printf('%x', application_id) FROM pragma_application_id") == "6a726e6c")
        #expect(try session.views.value("PRAGMA journal_mode") == "wal")
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
    }
}
