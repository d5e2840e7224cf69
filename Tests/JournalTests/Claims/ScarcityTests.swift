import Glibc
import Testing

/// Descriptors, threads and inotify instances that run out: the watcher says so, or goes on, and never traps.
@Suite struct ScarcityTests {
    /// The statuses of the contract with which a watcher may end where it lacks something.
    private static let told: Set<Int32> = [69, 73, 74, 77]

    /// A sanitizer takes descriptors, and terabytes of addresses, for itself.
    private static let unsanitized: ConditionTrait = .enabled(
        if: Sanitizer.name == nil, "a sanitizer cannot run within such limits")

    @Test func B14_instancesThatRunOutAreNamed() throws {
        let session = try Session()
        guard let limited = try Limited.to(0, .instances) else { return }
        session.wrapper = limited
        let output = try session.run("watch", session.tree, timeout: .seconds(20))
        #expect(output.status == 69, "\(output)")
        #expect(output.errors.contains("fs.inotify.max_user_instances"), "\(output)")
    }

    /// Starts a watcher under `limits` and waits until it is live or has ended; nil where it has, and said why.
    private func start(_ session: Session, _ limits: [Bytes]) throws -> Watcher? {
        let wrapper = session.wrapper
        session.wrapper = ["prlimit"] + limits
        let watcher = try session.start(live: false)
        session.wrapper = wrapper
        // It is live and answers, or says to who asks that it has nothing to answer with.
        var answers = 0
        let isTold = try eventually {
            if !watcher.isRunning { return true }
            let sync = try session.run("sync", "--timeout", "100ms")
            answers = sync.status == 0 ? answers + 1 : 0
            return answers == 3 || sync.errors.contains("cannot answer")
        }
        #expect(isTold, "\(limits): \(watcher.said)")
        if watcher.isRunning { return answers == 3 ? watcher : nil }
        #expect(Self.told.contains(watcher.said.status), "\(limits): \(watcher.said)")
        #expect(watcher.said.errors.contains("journal: "), "\(limits): \(watcher.said)")
        return nil
    }

    /// What an asker may hear of a watcher in need: all of it, or that nobody vouches.
    private func ask(_ session: Session, since cursor: String, _ expected: [Bytes], _ watcher: Watcher) throws -> Bool {
        let output = try session.run(
            "query", "--since", Bytes(cursor), "--type", "file", "--format", "json", "--timeout", "200ms")
        #expect([0, 3, 69].contains(output.status), "\(output)\n\(watcher.said)")
        if output.status == 0 { #expect(Set(try Answer(output).rows.map(\.path)).isSuperset(of: expected)) }
        return output.status == 0
    }

    @Test(Self.unsanitized, arguments: [4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32])
    func aWatcherWithFewDescriptors(limit: Int) throws {
        let session = try Session()
        guard let watcher = try start(session, [Bytes("--nofile=\(limit)")]) else { return }
        let cursor = try session.views.journal().cursor
        var clients: [LocalClient] = try (0..<40).map { _ in
            try LocalClient(Bytes(session.database.raw + "-socket".utf8))
        }
        var made: [Bytes] = []
        for index in 0..<20 {
            try Sys.mkdirs(session.tree / Bytes("d\(index)/e"))
            made.append(session.tree / Bytes("d\(index)/e/f"))
            try Sys.write(made[index], "1")
        }
        _ = try ask(session, since: cursor, made, watcher)
        #expect(clients.count == 40)
        clients.removeAll()
        // Whoever asks takes a descriptor, which may be the last: so there are times when nobody does.
        let isAnswered = try eventually(.seconds(60)) {
            usleep(500_000)
            return try !watcher.isRunning || ask(session, since: cursor, made, watcher)
        }
        #expect(isAnswered, "\(watcher.said)")
        if !watcher.isRunning { #expect(Self.told.contains(watcher.said.status), "\(watcher.said)") }
    }

    /// A thread takes as much of the address space as the limit of the stack says. With room for one alone libdispatch,
    /// which GRDB closes by, waits for another for as long as it takes.
    @Test(Self.unsanitized, arguments: 2...8) func aWatcherWithFewThreads(count: Int) throws {
        let session = try Session()
        let gigabyte = 1 << 30
        let limits = [Bytes("--stack=\(gigabyte)"), Bytes("--as=\(count * gigabyte + gigabyte / 2)")]
        guard let watcher = try start(session, limits) else { return }
        let cursor = try session.views.journal().cursor
        for _ in 0..<2 {
            let clients = try (0..<20).map { _ in try LocalClient(Bytes(session.database.raw + "-socket".utf8)) }
            try Sys.write(session.tree / "f", "1")
            _ = try ask(session, since: cursor, [session.tree / "f"], watcher)
            withExtendedLifetime(clients) {}
        }
        let isAnswered = try eventually { try ask(session, since: cursor, [session.tree / "f"], watcher) }
        #expect(isAnswered && watcher.isRunning, "\(watcher.said)")
    }
}
