import CTestLinux
import Foundation
import GRDB
import Testing

/// The record of having been right: what is compared, what is left out and said to be, and what the watcher finds by itself.
@Suite struct AuditTests {
    /// One row of the view `audits`.
    private struct Audit {
        var kind: String, path: String, live: Bool, sample: Double?
        var entries: Int64, directories: Int64, differences: Int64
    }

    private func audits(_ session: Session) throws -> [Audit] {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: "\(session.database)", configuration: configuration)
        defer { try? queue.close() }
        return try queue.read { db in
            try GRDB.Row.fetchAll(db, sql: "SELECT * FROM audits").map {
                Audit(
                    kind: $0["kind"], path: $0["path"], live: $0["live"], sample: $0["sample"], entries: $0["entries"],
                    directories: $0["directories"], differences: $0["differences"])
            }
        }
    }

    /// Waits until the watcher has made so many audits.
    private func wait(for count: Int, _ session: Session) throws -> [Audit] {
        let limit = ContinuousClock.now + .seconds(120)
        while true {
            let found = try audits(session).filter { $0.kind == "audit" }
            if found.count >= count { return found }
            try #require(.now < limit, "no audit: \(session.watcher?.said.errors ?? "")")
            usleep(20_000)
        }
    }

    private func status(_ session: Session) throws -> JSON {
        try #require(try JSON(session.run("status", "--json").bytes)["audits"])
    }

    @Test func everyVerifyIsKeptAndStatusAddsThemUp() throws {
        let session = try Session()
        for index in 0..<30 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
        try Sys.link(session.tree / "f0", session.outside / "f0")
        let watcher = try session.start([session.tree, session.outside])
        #expect(try session.run("status").text.contains("audits    none"))
        #expect(try session.run("verify").status == 0)
        let first = try audits(session)
        #expect(first.map(\.path) == ["\(session.outside)", "\(session.tree)"], "a row a root")
        #expect(
            first.map(\.entries) == [2, 31] && first.allSatisfy { $0.live && $0.sample == nil && $0.kind == "verify" })
        #expect(try session.run("verify", session.tree, session.tree / "f1", session.tree).status == 0)
        try watcher.stop()
        try watcher.restart()
        #expect(try session.run("verify", session.tree / "f1").status == 0)
        #expect(try audits(session).map(\.entries) == [2, 31, 31, 1])
        let sum = try status(session)
        #expect(sum["count"]?.integer == 4 && sum["entries"]?.integer == 65 && sum["missed"]?.integer == 0, "\(sum)")
        let last = try #require(try sum["last"]?.text.map(Time.parse))
        #expect(try session.views.value("SELECT max(ended_ns) FROM audits") == "\(last)")
        let text = try session.run("status")
        #expect(text.text.contains("audits    4 audits, 65 entries, 0 missed; the last one ended 20"), "\(text)")
    }

    /// Without a watcher a difference is none that was missed, and comparing is not watching: what comes before it is no less a
    /// downtime.
    @Test func aVerifyWithoutAWatcherVouchesForNothing() throws {
        let session = try Session()
        try Sys.write(session.tree / "f", "1")
        let watcher = try session.start([session.tree, session.outside])
        let cursor = try session.sync()
        try watcher.stop()
        func vouched() throws -> Int64 {
            try Time.parse(#require(JSON(session.run("status", "--json").bytes)["vouched_until"]?.text))
        }
        let before = try vouched()
        try Sys.write(session.tree / "f", "longer")
        let changed = try #require(try Sys.facts(session.tree / "f")).ctime
        let output = try session.run("verify")
        #expect(output.status == 1 && output.lines.count == 1, "\(output)")
        #expect(try session.run("forget", session.outside).status == 0)
        #expect(try vouched() == before && before < changed)
        // Since its root went, so did what was compared of it.
        #expect(try audits(session).map(\.path) == ["\(session.tree)"])
        let sum = try status(session)
        #expect(sum["count"]?.integer == 0 && sum["missed"]?.integer == 0, "\(sum)")
        #expect(sum["without_watcher"]?.integer == 1 && sum["last"] == .null, "\(sum)")
        try session.start([session.tree])
        let row = try #require(try session.query(since: cursor).rows.first { $0.path == session.tree / "f" })
        #expect(try #require(row.notBefore) <= changed && changed <= row.time, "\(row)")
    }

    @Test func aSampleClaimsNoMoreThanItCompared() throws {
        let session = try Session()
        for index in 0..<200 {
            try Sys.mkdir(session.tree / Bytes("d\(index)"))
            for file in 0..<5 { try Sys.write(session.tree / Bytes("d\(index)/f\(file)"), "1") }
        }
        try session.start()
        for (percent, directories) in [("100%", 201...201), ("0.001%", 1...3), ("50%", 60...141)] {
            let output = try session.run("verify", "--sample", Bytes(percent))
            #expect(output.status == 0, "\(output)")
            #expect(output.errors.contains(" (a sample of \(percent) of the directories) "), "\(output)")
            let audit = try #require(try audits(session).last)
            #expect(directories.contains(Int(audit.directories)), "\(percent): \(audit)")
            // The top's own row and its 200 names, and five for each other directory.
            #expect(audit.entries == 201 + (audit.directories - 1) * 5, "\(audit)")
            #expect(audit.sample.map { "\($0)%" == percent || "\(Int($0))%" == percent } == true, "\(audit)")
        }
        for percent in ["0%", "101%", "5", "x%"] as [Bytes] {
            #expect(try session.run("verify", "--sample", percent).status == 64)
        }
    }

    @Test func whatIsLeftOutIsSaid() throws {
        let session = try Session()
        session.database = session.tree / ".journal" / "journal.db"
        for directory in [".journal", "build/sub", "disk", "shut"] as [Bytes] {
            try Sys.mkdirs(session.tree / directory)
        }
        try Sys.write(session.tree / "build/sub/f", "1")
        guard try session.scratch.mount("tmpfs", name: "tree/disk", megabytes: 1) != nil else {
            return try Skipped.note("tmpfs cannot be mounted here")
        }
        try Sys.write(session.tree / "disk/f", "1")
        try session.start(options: ["--exclude", "build"])
        try Sys.write(session.tree / "disk/g", "1")
        try Sys.write(session.tree / "build/g", "1")
        let output = try session.run("verify")
        #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        for line in ["1 excluded name", "5 files of the journal itself", "other mounts: \(session.tree / "disk")"] {
            #expect(output.errors.contains("journal: not compared: \(line)\n"), "\(output)")
        }
        for path in [session.outside, session.tree / "build/sub", session.tree / "disk/f"] {
            let refused = try session.run("verify", path)
            #expect(refused.status == 3 && refused.bytes.isEmpty && refused.errors.contains("\(path)"), "\(refused)")
        }
    }

    @Test func anOpenGapIsLeftOutAndAQuestionAboutItAloneIsRefused() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let (shut, open) = (session.tree / "shut", session.tree / "open")
        for directory in [shut, open] {
            try Sys.mkdir(directory)
            try Sys.chown(directory, Session.nobody, Session.nobody)
        }
        try session.start()
        try Sys.chmod(shut, 0)
        for directory in [shut, open] { try Sys.write(directory / "f", "1") }
        let output = try session.run("verify", "--timeout", "1s")
        #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        #expect(output.errors.contains("not compared: \(shut): an open gap (unreadable)"), "\(output)")
        #expect(try session.run("verify", "--timeout", "1s", shut).status == 3)
        #expect(try session.run("verify", "--timeout", "1s", open).status == 0)
    }

    @Test func whatCannotBeLookedAtIsNotIdentical() throws {
        guard geteuid() == 0 else { return try Skipped.note("only root may become another") }
        let session = try Session()
        try Sys.chown(session.database.parent, 0, Session.nobody)
        try Sys.chmod(session.database.parent, 0o2750)
        try Sys.mkdir(session.tree / "secret")
        try Sys.write(session.tree / "f", "1")
        try Sys.chmod(session.tree / "secret", 0o700)
        let copy = session.base / "journal"
        try #require(try Program.run("cp", [Program.journal, copy]).status == 0)
        try session.start()
        #expect(try session.run("verify").status == 0)
        session.binary = copy
        session.wrapper = ["setpriv", "--reuid", "1", "--regid", "65534", "--clear-groups"]
        let output = try session.run("verify")
        #expect(output.status == 77 && output.errors.contains("\(session.tree / "secret"): cannot look"), "\(output)")
        // Whoever may only read the journal may compare, but not write that down.
        #expect(output.errors.contains("not recorded"), "\(output)")
        #expect(try session.run("verify", session.tree / "f").status == 0)
        #expect(try audits(session).count == 1)
        try Sys.chmod(session.database, 0o600)
        #expect(try session.run("verify").status == 77)
        session.database = session.base / "none.db"
        #expect(try session.run("verify").status == 66)
    }

    /// What no event told is found, written down and right from then on, without a gap.
    @Test func B33_theWatcherFindsByItselfWhatNobodyTold() throws {
        let session = try Session()
        try Sys.mkdirs(session.tree / "d/e")
        for name in ["d/f", "d/e/g", "d/e/h"] as [Bytes] { try Sys.write(session.tree / name, "1") }
        for name in ["f", "g"] as [Bytes] {
            let file = session.tree / (name == "f" ? "d/f" : "d/e/g")
            try Sys.link(file, session.outside / name)
        }
        try session.start(options: ["--audit-every", "1s"])
        let before = try Tree(walking: session.tree, contents: true)
        let cursor = try session.sync()
        let gaps = try session.views.gaps().count
        _ = try wait(for: 1, session)
        try Sys.write(session.outside / "f", "written outside")
        try Sys.chmod(session.outside / "g", 0o600)
        let limit = ContinuousClock.now + .seconds(60)
        while try session.query(since: cursor).rows.count < 2, .now < limit { usleep(50_000) }
        let rows = try session.query(since: cursor).rows
        #expect(
            rows.map(\.path) == [session.tree / "d/e/g", session.tree / "d/f"]
                && rows.allSatisfy { $0.source == "audit" })
        #expect(rows.allSatisfy { ($0.notBefore ?? .max) <= $0.time }, "\(rows)")
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(try session.views.gaps().count == gaps)
        #expect(try session.run("verify").status == 0)
        _ = try wait(for: try audits(session).filter { $0.kind == "audit" }.count + 1, session)
        let missed = try audits(session).filter { $0.kind == "audit" }.map(\.differences)
        #expect(missed.reduce(0, +) == 2 && missed.last == 0, "\(missed)")
        #expect(try status(session)["missed"]?.integer == 2)
    }

    /// A change that waits in the queue, or comes while the audit looks, was not missed.
    @Test func underAWriterNothingIsMissed() throws {
        let session = try Session()
        for index in 0..<300 { try Sys.write(session.tree / Bytes("f\(index)"), "1") }
        try session.start(options: ["--audit-every", "1s"])
        let cursor = try session.sync()
        let writers = try Writers(session.tree)
        defer { writers.stop() }
        let found = try wait(for: 4, session)
        writers.stop()
        #expect(found.allSatisfy { $0.differences == 0 && $0.entries > 300 }, "\(found)")
        #expect(try session.query(since: cursor, "--log").rows.allSatisfy { $0.source != "audit" })
        #expect(try session.run("verify").status == 0)
    }

    /// When the next audit is due depends on when the last one ended, not on when the watcher was started.
    @Test func auditsAreDueAcrossRestarts() throws {
        let session = try Session()
        try Sys.write(session.tree / "f", "1")
        let watcher = try session.start(options: ["--audit-every", "3h"])
        try watcher.stop()
        #expect(try audits(session).isEmpty)
        // Coverage began four hours ago; then an audit ended an hour ago; then four.
        try change(session, "UPDATE root SET since_ns = since_ns - 14400000000000")
        try watcher.restart()
        _ = try wait(for: 1, session)
        for (hours, expected) in [(1, 1), (4, 2)] {
            try watcher.stop()
            try change(
                session,
                """
                UPDATE audit SET ended_ns = ended_ns - \(hours) * 3600000000000,
                                 ended_boot_ns = ended_boot_ns - \(hours) * 3600000000000
                """)
            try watcher.restart()
            _ = try wait(for: expected, session)
            for _ in 0..<3 { try session.sync() }
            #expect(try audits(session).count == expected)
        }
        #expect(try session.run("watch", "--audit-every", "10ms").status == 64)
    }

    private func change(_ session: Session, _ sql: String) throws {
        let queue = try DatabaseQueue(path: "\(session.database)")
        defer { try? queue.close() }
        try queue.write { try $0.execute(sql: sql) }
    }
}
