import CTestLinux
import Foundation
import Testing

/// The control socket: who is answered, and what it takes to keep others from being answered.
@Suite struct ControlTests {
    private static func socket(_ session: Session) -> Bytes { Bytes(session.database.raw + "-socket".utf8) }

    @Test(arguments: ["deleted", "replaced by a file", "replaced by a link", "moved"])
    func aSocketThatIsGoneIsMadeAnew(how: String) throws {
        let session = try Session()
        let watcher = try session.start()
        let cursor = try session.sync()
        let path = Self.socket(session)
        switch how {
        case "deleted": try Sys.unlink(path)
        case "moved": try Sys.rename(path, session.base / "elsewhere")
        default:
            try Sys.unlink(path)
            if how == "replaced by a file" { try Sys.write(path, "") } else { try Sys.symlink(session.tree, path) }
        }
        try Sys.write(session.tree / "f", "1")
        #expect(try eventually { try session.run("sync", "--timeout", "10ms").status == 0 }, "\(watcher.said)")
        #expect(try session.query(since: cursor).rows.map(\.path) == [session.tree / "f"])
        #expect(try Sys.facts(path).map { Entry.word($0.mode) } == "socket")
        #expect(watcher.said.errors.contains("listening anew"), "\(watcher.said)")
    }

    @Test func itsModeAndGroupAreTheDatabases() throws {
        guard geteuid() == 0 else { return try Skipped.note("only root may give a file to any group") }
        let session = try Session()
        session.wrapper = ["sh", "-c", "umask 077; exec \"$@\"", "sh"]
        let watcher = try session.start()
        try Sys.chown(session.database, 0, Session.nobody)
        try watcher.stop()
        try watcher.restart()
        let facts = try #require(try Sys.facts(Self.socket(session)))
        #expect(facts.mode & 0o7777 == 0o660 && facts.gid == Session.nobody && facts.uid == 0)
    }

    @Test func itAnswersItsOwnerRootAndTheGroup() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try session.start()
        try session.sync()
        let wrapper = session.wrapper
        func run(_ who: [Bytes], _ command: Bytes...) throws -> Program.Output {
            session.wrapper = who.isEmpty ? [] : ["setpriv"] + who
            defer { session.wrapper = wrapper }
            return try session.run(command)
        }
        // Whoever can reach it: the modes are wide open.
        try Sys.chmod(session.database.parent, 0o755)
        try Sys.chmod(Self.socket(session), 0o666)
        let others: [(who: [Bytes], status: Int32)] = [
            ([], 0), (["--reuid", "65534", "--regid", "1", "--clear-groups"], 0),
            (["--reuid", "1", "--regid", "65534", "--clear-groups"], 0),
            (["--reuid", "1", "--regid", "1", "--groups", "2,65534"], 0),
            (["--reuid", "1", "--regid", "1", "--clear-groups"], 77),
            (["--reuid", "1", "--regid", "1", "--groups", "2,3"], 77),
        ]
        for (who, status) in others {
            let output = try run(who, "sync")
            #expect(output.status == status, "\(who): \(output)")
            if status == 77 { #expect(output.errors.contains("refuses"), "\(output)") }
        }
        let member: [Bytes] = ["--reuid", "1", "--regid", "65534", "--clear-groups"]
        for command in [["scan"], ["forget", session.tree], ["prune", "--before", "now"]] as [[Bytes]] {
            session.wrapper = ["setpriv"] + member
            defer { session.wrapper = wrapper }
            let output = try session.run(command)
            #expect(output.status == 77, "\(output)")
        }
        #expect(try session.views.roots()[session.tree] == "live")
    }

    /// While no watcher runs, somebody else could listen by its name and vouch for what never was.
    @Test func anotherUsersSocketIsNotBelieved() throws {
        guard let other = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try other.start()
        let session = try Session()
        try session.start().stop()
        let cursor = try session.views.journal().cursor
        let path = Self.socket(session)
        try Sys.unlink(path)
        try Sys.symlink(Self.socket(other), path)
        for command in [["sync", "--timeout", "1s"], ["unchanged", "--since", Bytes(cursor)]] as [[Bytes]] {
            let output = try session.run(command)
            #expect(output.status == 77, "\(output)")
        }
    }

    @Test func clientsThatSayNothingTakeNobodysPlace() throws {
        let session = try Session()
        let watcher = try session.start()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, 4096)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var silent: [LocalClient] = []
        for index in 0..<1000 {
            silent.append(try LocalClient(Self.socket(session)))
            if index.isMultiple(of: 3) { silent[index].send(Array("barr".utf8)) }
            if index % 100 == 99 {
                try Sys.write(session.tree / Bytes("f\(index)"), "1")
                #expect(try session.query().rows.count == index / 100 + 1)
            }
        }
        #expect(try session.run("status").status == 0)
        #expect(watcher.isRunning)
        withExtendedLifetime(silent) {}
    }

    /// The queue of the socket has room for 64 who were not accepted yet; the next one would wait in connect(2).
    @Test func aWatcherThatStandsStillHoldsNobodyUp() throws {
        let session = try Session()
        try session.start().paused {
            for _ in 0..<70 {
                let output = try session.run("sync", "--timeout", "10ms")
                #expect(output.status == 69, "\(output)")
            }
        }
        try session.sync()
    }

    @Test func whatIsNoRequestIsRefused() throws {
        let session = try Session()
        let watcher = try session.start()
        let garbage: [[UInt8]] = [
            Array("\n".utf8), Array("barrier now\n".utf8), Array("scan zz\n".utf8), Array("forget\n".utf8),
            (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) }.filter { $0 != 10 } + [10], [0, 0, 0, 10],
            [0xFF, 10],
            Array("adopt 2f -\n".utf8), Array("status\nstatus\n".utf8),
        ]
        for bytes in garbage {
            let client = try LocalClient(Self.socket(session))
            #expect(client.send(bytes))
            let reply = client.receive()
            #expect(reply.hasPrefix("refused") || bytes.starts(with: Array("status\n".utf8)), "\(bytes): \(reply)")
        }
        // Half of a request is none, whatever it would say by itself.
        try session.run("consume", "ab", "--initial")
        let cut = try LocalClient(Self.socket(session))
        cut.send(Array("drop 6162".utf8))
        cut.end()
        #expect(cut.receive() == "")
        #expect(try session.run("consumers").text.contains("ab"))
        // Two megabytes without an end, and then nobody reads what is said to that.
        let endless = try LocalClient(Self.socket(session))
        #expect(!endless.send([UInt8](repeating: 0x61, count: 8 << 20)), "all of it is taken")
        let deaf = try (0..<20).map { _ in try LocalClient(Self.socket(session)) }
        for client in deaf { client.send(Array("status\n".utf8)) }
        try Sys.write(session.tree / "f", "1")
        #expect(try session.query().rows.map(\.path) == [session.tree / "f"])
        #expect(watcher.isRunning)
        #expect(try session.run("status").status == 0)
        withExtendedLifetime((endless, deaf)) {}
    }
}
