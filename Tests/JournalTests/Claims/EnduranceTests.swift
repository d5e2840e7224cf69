import CTestLinux
import Foundation
import GRDB
import Testing

/// A bad day: a reader who does not end, a watcher that does not run for a while, and events that do not stop.
@Suite struct EnduranceTests {
    /// An open read transaction keeps the WAL from being brought back. Nothing waits for it, and it is named.
    @Test func B69_aReaderThatDoesNotEndIsNamedAndWaitedForByNobody() throws {
        let session = try Session()
        let names = (0..<10_000).map { "\($0)-" + String(repeating: "n", count: 150) }
        try Sys.mkdir(session.tree / "d0")
        for name in names { try Sys.write(session.tree / "d0" / Bytes(name), "1") }
        let watcher = try session.start()
        let log = Bytes(session.database.raw + "-wal".utf8)
        func size() throws -> Int64 { try Sys.facts(log)?.size ?? 0 }

        var configuration = GRDB.Configuration()
        configuration.readonly = true
        let reader = try DatabaseQueue(path: session.database.description, configuration: configuration)
        try reader.inDatabase { db in
            try db.execute(sql: "BEGIN")
            let head = try Int64.fetchOne(db, sql: "SELECT head_seq FROM journal")
            var round = 0
            while try size() <= 20 << 20, round < 20 {
                let cursor = try session.sync()
                try Sys.rename(session.tree / Bytes("d\(round)"), session.tree / Bytes("d\(round + 1)"))
                round += 1
                #expect(try session.run("unchanged", "--since", Bytes(cursor)).status == 1)
            }
            #expect(try size() > 20 << 20, "the WAL does not grow")
            let status = try session.run("status")
            #expect(status.status == 0 && status.text.contains("WAL held back by PID \(getpid()) ("), "\(status)")
            let json = try JSON(try session.run("status", "--json").bytes)
            guard case .array(let readers)? = json["wal_readers"] else {
                Issue.record("\(json)")
                return
            }
            #expect(readers.compactMap { $0["pid"]?.integer } == [Int64(getpid())])
            #expect(try Int64.fetchOne(db, sql: "SELECT head_seq FROM journal") == head, "the snapshot is another")
            try db.execute(sql: "COMMIT")
        }
        #expect(try eventually { try size() == 0 }, "the WAL is not brought back: \(watcher.said)")
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
        try Sys.write(session.tree / "f", "1")
        #expect(try !session.run("status").text.contains("held back"))
    }

    /// Late is as good as at once: all of it is told, whether the kernel's queue held it or not.
    @Test(arguments: [nil, 1000]) func aWatcherThatWasStoppedMissesNothing(queue: Int?) throws {
        if queue != nil, !Queue.isAdjustable {
            return try Skipped.note("fs.inotify.max_queued_events cannot be set")
        }
        let session = try Session()
        for index in 0..<5 { try Sys.mkdirs(session.tree / Bytes("d\(index)/e")) }
        let watcher = try session.start(queue: queue)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree)
        try watcher.paused {
            try Sys.rename(session.tree / "d0/e", session.tree / "d1/moved")
            try Sys.rename(session.tree / "d1", session.tree / "d0/d1")
            let directories: [Bytes] = ["d0", "d0/d1/moved", "d0/d1/e", "d2/e", "d3", "d4"]
            for index in 0..<20_000 {
                try Sys.write(session.tree / directories[index % 6] / Bytes("f\(index)"), "1")
            }
        }
        let split = try session.query(since: cursor, "--renames", "split")
        let after = try Tree(walking: session.tree)
        let wrong =
            Comparison.net(split.rows, before, after) { _ in true } + Comparison.state(try session.views.files(), after)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        let moved = try session.query(since: cursor, "--kind", "renamed").rows.map(\.path)
        #expect(moved == [session.tree / "d0/d1", session.tree / "d0/d1/e", session.tree / "d0/d1/moved"])
    }

    /// Another name of a file that was touched lies in a directory whose rename was lost: it is looked for until the
    /// reconcile finds it, and the reconcile has its turn all the same.
    @Test func aLinkInADirectoryThatIsLostKeepsNoReconcileWaiting() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        for name in ["d1", "d2"] as [Bytes] { try Sys.mkdir(session.tree / name) }
        try Sys.write(session.tree / "d1/a", "1")
        try Sys.link(session.tree / "d1/a", session.tree / "d2/b")
        let watcher = try session.start(queue: 16)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        try watcher.paused {
            try Sys.chmod(session.tree / "d2/b", 0o600)
            for index in 0..<40 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
            try Sys.rename(session.tree / "d1", session.tree / "d3")
        }
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
    }

    /// A reconcile is followed by a pause as long as it took, whatever overflows meanwhile: at most half of the time goes
    /// into crawls.
    @Test func overflowsThatDoNotStopAreBackedOff() throws {
        guard Queue.isAdjustable else { return try Skipped.note("fs.inotify.max_queued_events cannot be set") }
        let session = try Session()
        for directory in 0..<250 {
            try Sys.mkdirs(session.tree / Bytes("d\(directory)"))
            for file in 0..<40 { try Sys.write(session.tree / Bytes("d\(directory)/f\(file)"), "1") }
        }
        let watcher = try session.start(queue: 16)
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        let began = ContinuousClock.now
        var writes = 0
        func hasReconciled() -> Bool { watcher.said.errors.split(separator: "entries crawled").count > 2 }
        while .now < began + .seconds(8) || (!hasReconciled() && .now < began + .seconds(60)) {
            for _ in 0..<50 {
                try Sys.write(session.tree / Bytes("d\(writes * 7 % 250)/f\(writes % 40)"), "\(writes)")
                writes += 1
            }
        }
        let stormed = ContinuousClock.now - began
        let said = watcher.said.errors
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        #expect(said.contains("overflowed"), "the queue did not overflow")

        // "… entries crawled in 0.4 s, …": rounded down, so that no machine is too slow for this. After each comes a pause.
        let crawls = said.split(separator: "\n").compactMap { line -> Double? in
            guard let range = line.firstRange(of: "crawled in ") else { return nil }
            return Double(line[range.upperBound...].prefix { $0 != " " })
        }.dropFirst()
        let least = crawls.dropLast().reduce(0, +) * 2 + (crawls.last ?? 0)
        #expect(least <= Double(stormed.components.seconds) + 1, "\(crawls) in \(stormed)")
        #expect(!crawls.isEmpty, "no reconcile came to its end during the storm: \(said)")
    }
}
