import CTestLinux
import Foundation
import GRDB
import Testing

/// The watcher as a process: one per database, live when it says so, stopped cleanly.
@Suite struct WatcherTests {
    @Test func version() throws {
        let output = try Program.run(Program.journal, ["--version"])
        #expect(output.status == 0 && output.lines.count == 1 && output.errors.isEmpty, "\(output)")
    }

    @Test func B68_aSecondWatcherIsRefusedAndToldOfTheFirst() throws {
        let session = try Session()
        let first = try session.start()
        let output = try session.run("watch", session.tree, timeout: .seconds(20))
        #expect(output.status == 75, "\(output)")
        #expect(output.errors.contains("\(first.pid)"), "\(output)")
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query().rows.map(\.path) == [session.tree / "f"])
    }

    /// Else the database is opened as descriptor 1 or 2, and what is said is written over it.
    @Test(arguments: ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"]) func nothingIsSaidIntoTheDatabase(_ closed: String) throws {
        let session = try Session()
        let watcher = try Child(
            "sh",
            [
                "-c", Bytes("exec \"$0\" watch --db \"$1\" \"$2\" \(closed)"), Program.journal, session.database,
                session.tree,
            ])
        defer { watcher.signal(SIGKILL) }
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        watcher.signal(SIGKILL)
        #expect(watcher.wait(.seconds(30)) != nil)
        // It is still the same journal: neither the file nor its lock has been written over.
        try session.start()
        // Beside it the directory may be told, which changed in the last tick before the kill (fact 59).
        let rows = try session.query(since: cursor).rows
        #expect(rows.contains { $0.path == session.tree / "f" && $0.kind == "created" }, "\(rows)")
    }

    /// Whoever reads nothing is not told that all was read.
    @Test func whatCannotBePrintedFails() throws {
        let session = try Session()
        try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        let file = session.base / "cursor"
        let output = try Program.run(
            "sh",
            [
                "-c", "exec \"$@\" >&-", "sh", Program.journal, "query", "--db", session.database, "--since",
                Bytes(cursor), "--format", "paths", "--cursor-out", file,
            ])
        #expect(output.status == 74, "\(output)")
        #expect(try Sys.facts(file) == nil)
    }

    @Test func B63_aKilledWatcherLeavesNothingThatStopsTheNext() throws {
        let session = try Session()
        let watcher = try session.start()
        for _ in 0..<3 {
            watcher.kill()
            try watcher.restart()
        }
        #expect(try session.run("status").status == 0)
    }

    @Test func SIGTERMIsACleanStopAtAnyTime() throws {
        let session = try Session()
        for index in 0..<2000 { try Sys.mkdirs(session.tree / Bytes("d\(index % 50)") / Bytes("e\(index)")) }
        let watcher = try session.start(live: false)
        let limit = ContinuousClock.now + .seconds(30)
        while try Sys.facts(session.database) == nil && .now < limit { usleep(1000) }
        try watcher.stop()  // in the middle of the first crawl, or before
        try watcher.restart()
        let before = try Tree(walking: session.tree, contents: true)
        #expect(Comparison.state(try session.views.files(), before).isEmpty)
        try watcher.stop()
    }

    @Test func rootsAreStored() throws {
        let session = try Session()
        try session.start().stop()
        let cursor = try session.views.journal().cursor
        try Sys.write(session.tree / "f", "1")
        try session.start([])
        #expect(try session.query(since: cursor).paths == [session.tree / "f"])
    }

    @Test(arguments: [false, true]) func systemdIsToldWhenItIsLive(abstract: Bool) throws {
        let session = try Session()
        let path = session.base / "notify"
        let listener = try SystemError.check(socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0), "socket")
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = (abstract ? [0] : []) + path.raw
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        try SystemError.check(bound, "bind", path)
        try session.start(environment: ["NOTIFY_SOCKET": (abstract ? "@" : "") + path.description])
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var said: [String] = []
        while !said.contains("READY=1") {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = try SystemError.check(recv(listener, &buffer, buffer.count, 0), "READY=1 did not come: recv")
            said += String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    @Test func statusIsForPeopleAndPrograms() throws {
        let session = try Session()
        try session.start()
        let text = try session.run("status")
        #expect(text.status == 0 && text.text.contains(session.tree.description), "\(text)")
        let json = try session.run("status", "--json")
        #expect(json.status == 0, "\(json)")
        guard case .object = try JSON(json.bytes) else {
            Issue.record("\(json)")
            return
        }
    }

    @Test func syncPrintsACursorThatIsGood() throws {
        let session = try Session()
        try session.start()
        let cursor = try session.sync()
        #expect(try session.run("unchanged", "--since", Bytes(cursor)).status == 0)
        try Sys.write(session.tree / "f", "1")
        #expect(try session.run("unchanged", "--since", Bytes(cursor)).status == 1)
    }

    /// Promise 2: an answer has every change whose system call had returned, however short ago.
    @Test func B1_answersAreFresh() throws {
        let session = try Session()
        try session.start()
        var cursor = try session.sync()
        for index in 0..<60 {
            let path = session.tree / Bytes("new\(index % 7)/sub\(index)") / "f"
            try Sys.mkdirs(path.parent)
            try Sys.write(path, "\(index)")
            let answer = try session.query(since: cursor)
            #expect(answer.rows.contains { $0.path == path && $0.kind == "created" }, "\(index): \(answer)")
            cursor = try #require(answer.cursor)
            try Sys.write(path, [UInt8(ascii: "x")], O_WRONLY | O_APPEND)
            #expect(try session.run("unchanged", "--since", Bytes(cursor), path.parent).status == 1)
        }
    }

    @Test func theDatabaseOfTheEnvironment() throws {
        let session = try Session()
        try session.start()
        let output = try Program.run(
            Program.journal, ["query", "--format", "json"], environment: ["JOURNAL_DB": session.database.description])
        #expect(output.status == 0, "\(output)")
    }

    /// Whoever reads its messages, and has stopped to, keeps nobody from being answered; and learns what got lost.
    @Test func nobodyWaitsForWhoeverReadsItsMessages() throws {
        let session = try Session()
        let pipe = session.base / "messages"
        try SystemError.check(pipe.withCString { mkfifo($0, 0o600) }, "mkfifo", pipe)
        let end = try SystemError.check(pipe.withCString { open($0, O_RDWR | O_NONBLOCK) }, "open", pipe)
        defer { close(end) }
        let page = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
        while write(end, page, page.count) > 0 {}
        session.wrapper = ["sh", "-c", "exec 2>\"$0\"; exec \"$@\"", pipe]
        try session.start(live: false)
        session.wrapper = []
        #expect(try eventually { try session.run("sync", "--timeout", "1s").status == 0 })

        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while read(end, &buffer, buffer.count) > 0 {}
        // It says that this was gone.
        try Sys.unlink(Bytes(session.database.raw + "-socket".utf8))
        var said = ""
        #expect(
            eventually {
                let count = read(end, &buffer, buffer.count)
                if count > 0 { said += String(decoding: buffer.prefix(count), as: UTF8.self) }
                return said.contains("listening anew")
            })
        #expect(said.contains("messages lost: nobody read them\n"), "\(said)")
    }

    /// The first signal waits for what has begun, the second one for nothing.
    @Test func aSecondSignalEndsItAtOnce() throws {
        let session = try Session()
        try session.start().stop()
        let path = session.database.description
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            // It waits for ten seconds for whoever writes.
            let child = try Child(Program.journal, ["watch", "--db", session.database])
            let tasks = Bytes("/proc/\(child.pid)/task")
            #expect(eventually { ((try? Sys.list(tasks)) ?? []).count > 1 })
            child.signal(SIGTERM)
            #expect(child.wait(.milliseconds(500)) == nil)
            child.signal(SIGTERM)
            #expect(child.wait(.seconds(5)) == 128 + SIGTERM)
            try database.execute(sql: "ROLLBACK")
        }
        try session.start()
        try session.sync()
    }
}
