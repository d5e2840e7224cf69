import CTestLinux
import Foundation
import GRDB
import Testing

/// What is forgotten comes back to the file system, whoever reads meanwhile and however full it is.
@Suite struct SpaceTests {
    /// Makes a log of so many thousand changes: a directory with a thousand files is renamed.
    static func churn(_ session: Session, thousands: Int, name: String = "file") throws {
        let names = [session.tree / "one name", session.tree / "another"]
        if try Sys.facts(names[0]) == nil {
            try Sys.mkdir(names[0])
            for index in 0..<1000 { try Sys.write(names[0] / Bytes("\(name) \(index)"), "1") }
        }
        for _ in 0..<(thousands + 1) / 2 {
            for (from, to) in [(0, 1), (1, 0)] {
                try session.sync()
                try Sys.rename(names[from], names[to])
            }
        }
        try session.sync()
    }

    private static func size(_ session: Session) throws -> Int64 {
        try ["", "-wal"].reduce(0) { try $0 + (Sys.facts(Bytes("\(session.database)\($1)"))?.size ?? 0) }
    }

    @Test(arguments: [true, false]) func prunedSpaceComesBack(live: Bool) throws {
        let session = try Session()
        let watcher = try session.start()
        try Self.churn(session, thousands: 20)
        if !live { try watcher.stop() }
        let before = try Self.size(session)
        try session.prune(before: "now")
        if live { try watcher.stop() }
        let after = try Self.size(session)
        #expect(after * 3 < before, "\(before), then \(after)")
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
    }

    @Test(arguments: [true, false]) func theSpaceOfAForgottenRootComesBack(live: Bool) throws {
        let session = try Session()
        let root = session.base / "second"
        try Sys.mkdir(root)
        for index in 0..<10_000 { try Sys.write(root / Bytes("file \(index)"), "1") }
        let watcher = try session.start([session.tree, root])
        for index in 0..<10_000 { try Sys.write(root / Bytes("file \(index)"), "2") }
        try session.sync()
        if !live { try watcher.stop() }
        let before = try Self.size(session)
        #expect(try session.run("forget", root).status == 0)
        if live {
            #expect(try eventually { try session.views.value("PRAGMA freelist_count") == "0" })
            try watcher.stop()
        }
        let after = try Self.size(session)
        #expect(after * 3 < before, "\(before), then \(after)")
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
    }

    /// A snapshot that is read for long keeps the WAL, and pruning must not make it much longer; it goes on afterwards.
    @Test func aLongReaderHoldsUpPruningAndNotTheWatcher() throws {
        let session = try Session()
        let watcher = try session.start()
        let long = String(repeating: "n", count: 200)
        try Self.churn(session, thousands: 2, name: long)
        let head = try session.sync()
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: session.database.description, configuration: configuration)
        let pruning: Child = try queue.read { db in
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM changes")
            // Much that is written while somebody reads: the WAL cannot be brought back.
            let log = Bytes("\(session.database)-wal")
            while try #require(try Sys.facts(log)).size < 17 << 20 { try Self.churn(session, thousands: 4) }
            let bound = try #require(try Sys.facts(log)).size
            #expect(try eventually { try session.run("status").text.contains("WAL held back by PID") })
            let pruning = try Child(Program.journal, ["prune", "--before", "now", "--db", session.database])
            for _ in 0..<20 { try session.sync() }
            #expect(pruning.isRunning, "\(pruning.output(status: 0))")
            #expect(try #require(try Sys.facts(log)).size < bound + 4 << 20)
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM changes") == count)
            return pruning
        }
        try queue.close()
        #expect(pruning.wait(.seconds(60)) == 0, "\(pruning.output(status: 0)) \(watcher.said)")
        try session.expectRefusal(since: head)
        #expect(try session.views.value("SELECT count(*) FROM changes") == "0")
    }

    /// While a commit waits for space, what is to be forgotten anyway makes room for it.
    @Test func aFullDiskIsPruned() throws {
        let session = try Session()
        guard let small = try session.scratch.mount("ext4", name: "small", megabytes: 16, options: "noatime") else {
            return try Skipped.note("ext4 cannot be mounted here")
        }
        session.database = small / "journal.db"
        let watcher = try session.start()
        try Self.churn(session, thousands: 20)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try watcher.stop()
        // From now on all of that is too much.
        try session.start(options: ["--keep-size", "100K"])
        try session.waitForHorizon(Session.seq(try session.sync()))
        let ballast = small / "ballast"
        var isFull = false
        while !isFull {
            do {
                try Sys.write(ballast, [UInt8](repeating: 1, count: 64 << 10), O_WRONLY | O_CREAT | O_APPEND)
            } catch let error as SystemError where error.code == ENOSPC { isFull = true }
        }
        try Self.fill(session)
        // By hand as well, and whatever comes of it, it does not hang.
        let output = try session.run("prune", "--before", "now", timeout: .seconds(30))
        #expect([0, 69].contains(output.status), "\(output)")
        #expect(session.watcher?.isRunning == true, "\(session.watcher?.said.errors ?? "")")
        try Sys.unlink(ballast)
        let after = try session.sync()
        #expect(Comparison.state(try session.views.files(), try Tree(walking: session.tree)).isEmpty)
        #expect([0, 3].contains(try session.run("query", "--since", Bytes(cursor)).status))
        #expect(try session.run("unchanged", "--since", Bytes(after)).status == 0)
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
        withExtendedLifetime(before) {}
    }

    private static func fill(_ session: Session) throws {
        let long = String(repeating: "n", count: 200)
        for index in 0..<12_000 { try Sys.write(session.tree / Bytes("\(index)-\(long)"), "1") }
        let isFull = eventually { session.watcher?.said.errors.contains("cannot commit") ?? true }
        try #require(isFull, "\(session.watcher?.said.errors ?? "")")
    }
}
