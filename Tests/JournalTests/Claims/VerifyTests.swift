import CTestLinux
import Foundation
import GRDB
import Testing

/// `journal verify`: every difference, and nothing but differences, whatever goes on meanwhile.
@Suite struct VerifyTests {
    /// A tree of all sorts; returns the names in it.
    private func fill(_ session: Session) throws {
        let tree = session.tree
        try Sys.mkdirs(tree / "a/b/c")
        try Sys.mkdir(tree / "empty")
        try Sys.write(tree / "a/f", "1")
        try Sys.write(tree / "a/b/g", "22")
        try Sys.link(tree / "a/f", tree / "a/b/link")
        try Sys.symlink("/nowhere", tree / "a/symlink")
        try Sys.mknod(tree / "a/fifo", S_IFIFO | 0o600)
        for name in ["new\nline", "escape\u{1B}[31m", "a b", "a.c"] as [Bytes] { try Sys.write(tree / name, "x") }
        try Sys.write(tree / Bytes([0x62, 0xff]), "not UTF-8")
        try Sys.mkdir(tree / Bytes([0xfe, 0x0a]))
        try Sys.write(tree / Bytes([0xfe, 0x0a]) / "below", "1")
    }

    private func summary(_ output: Program.Output) -> Substring {
        output.errors.split(separator: "\n").last ?? ""
    }

    @Test(arguments: [true, false]) func aTreeThatIsAsTheJournalHasItIsIdentical(live: Bool) throws {
        let session = try Session()
        try fill(session)
        let watcher = try session.start()
        try Sys.write(session.tree / "later", "1")
        try session.sync()
        if !live { try watcher.stop() }
        let output = try session.run("verify")
        #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        let walk = try Tree(walking: session.tree)
        let directories = walk.entries.values.filter { $0.type == "directory" }.count
        #expect(
            summary(output).hasPrefix("\(walk.entries.count) entries in \(directories) directories compared"),
            "\(output)")
        #expect(summary(output).hasSuffix(", 0 differences"), "\(output)")
        #expect(output.errors.contains("no live watcher") == !live, "\(output)")
        // A file has an entry, a path that is nowhere none.
        #expect(summary(try session.run("verify", session.tree / "a/f")).hasPrefix("1 entry in 0 directories"))
        let nowhere = try session.run("verify", session.tree / "nowhere/at all")
        #expect(nowhere.status == 0 && summary(nowhere).hasPrefix("0 entries"), "\(nowhere)")
    }

    /// The watcher reads late, and names come, go and come back between two looks: none of that is a difference.
    @Test func underAWriterItIsIdenticalAgainAndAgain() throws {
        let session = try Session()
        try fill(session)
        try session.start()
        let writers = try Writers(session.tree)
        defer { writers.stop() }
        for _ in 0..<8 {
            let output = try session.run("verify", timeout: .seconds(120))
            #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        }
        writers.stop()
        #expect(try session.run("verify").status == 0)
        #expect(try session.views.value("SELECT sum(differences) FROM audits") == "0")
    }

    /// write(2) moves the ctime at its beginning and tells of it at its end: what is under way is no difference, however still
    /// it holds meanwhile.
    @Test func aLongWriteThatIsUnderWayIsNoDifference() throws {
        let session = try Session()
        let path = session.tree / "big"
        let bytes = [UInt8](repeating: 1, count: 256 << 20)
        try Sys.write(path, bytes)
        try session.start()
        let writers = Writers()
        defer { writers.stop() }
        writers.start { _ in try Sys.write(path, bytes, O_WRONLY) }
        for _ in 0..<3 {
            let output = try session.run("verify", timeout: .seconds(120))
            #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        }
    }

    /// What differs in the state, as SQL, and what its line has to say.
    private static let planted: [(path: String, sql: String, words: [String])] = [
        ("a/f", "UPDATE state SET size = 99 WHERE name = 'f'", ["journal size 99;", "tree size 1"]),
        ("a/f", "UPDATE state SET mtime_ns = 0 WHERE name = 'f'", ["journal mtime 1970-01-01T00:00:00.000000000Z;"]),
        ("a/f", "UPDATE state SET ctime_ns = 1 WHERE name = 'f'", ["journal ctime 1970-01-01T00:00:00.000000001Z;"]),
        ("a/f", "UPDATE state SET nlink = 7 WHERE name = 'f'", ["journal nlink 7;", "tree nlink 2"]),
        ("a/f", "UPDATE state SET uid = 4711, gid = 12 WHERE name = 'f'", ["journal uid 4711 gid 12;"]),
        ("a/f", "UPDATE state SET mode = 33060 WHERE name = 'f'", ["journal mode 0444;", "tree mode 0644"]),
        ("a/f", "UPDATE state SET mode = 41380 WHERE name = 'f'", ["journal type symlink", "tree type file"]),
        ("a/f", "UPDATE state SET ino = 1 WHERE name = 'f'", ["journal ino 1;"]),
        ("a/f", "UPDATE state SET btime_ns = 1 WHERE name = 'f'", ["journal born 1970"]),
        ("a/f", "DELETE FROM state WHERE name = 'f'", ["journal nothing; tree type file mode 0644"]),
        ("a/symlink", "UPDATE state SET size = 1 WHERE name = 'symlink'", ["journal size 1; tree size 8"]),
        ("empty", "UPDATE state SET mode = 16832 WHERE name = 'empty'", ["journal mode 0700; tree mode 0755"]),
        ("empty", "UPDATE state SET ino = 1 WHERE name = 'empty'", ["journal ino 1;"]),
        ("empty", "UPDATE state SET uid = 1 WHERE name = 'empty'", ["journal uid 1; tree uid 0"]),
        ("", "UPDATE state SET gid = 1 WHERE name = 'tree'", ["journal gid 1; tree gid 0"]),
        (
            "a/ghost",
            """
            INSERT INTO state SELECT node, 'ghost', mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, child, seq
            FROM state WHERE name = 'f'
            """, ["journal type file mode 0644", "tree nothing"]
        ),
    ]

    @Test(arguments: planted.indices) func eachKindOfDifferenceIsFoundWithBothSides(index: Int) throws {
        let (path, sql, words) = Self.planted[index]
        let session = try Session()
        try fill(session)
        try session.start().stop()
        try plant(session, sql)
        let output = try session.run("verify")
        #expect(output.status == 1 && output.lines.count == 1, "\(output)")
        let place = path.isEmpty ? session.tree : session.tree / Bytes(path)
        #expect(output.text.hasPrefix("\(place): journal "), "\(output)")
        for word in words { #expect(output.text.contains(word), "\(output)") }
        #expect(summary(output).hasSuffix(", 1 difference"), "\(output)")
        // A part of the tree has its differences only.
        #expect(try session.run("verify", place).status == 1)
        if !path.isEmpty { #expect(try session.run("verify", session.tree / "a/b").status == 0) }
    }

    /// What is no change of a directory is no difference either.
    @Test func entriesThatComeAndGoAreNoDifferenceOfTheirDirectory() throws {
        let session = try Session()
        try fill(session)
        try session.start().stop()
        try plant(session, "UPDATE state SET size = 1, mtime_ns = 2, ctime_ns = 3, nlink = 4 WHERE child IS NOT NULL")
        #expect(try session.run("verify").status == 0)
    }

    @Test func whatOnlyOneSideHasIsListedToTheLastName() throws {
        let session = try Session()
        try fill(session)
        try session.start().stop()
        try Sys.rename(session.tree / "a", session.tree / "moved")
        let output = try session.run("verify")
        let gone = ["a", "a/b", "a/f", "a/fifo", "a/symlink", "a/b/c", "a/b/g", "a/b/link"]
        let expected =
            gone.map { "\(session.tree / Bytes($0)): journal type" }.sorted()
            + gone.map { "\(session.tree / Bytes($0.replacing(/^a/, with: "moved"))): journal nothing" }.sorted()
        let found = output.lines.map { line in
            line.contains("journal nothing")
                ? String(line.prefix { $0 != ";" }) : "\(line.prefix { $0 != ":" }): journal type"
        }
        #expect(output.status == 1 && found.sorted() == expected.sorted(), "\(output)")
        #expect(try session.run("verify").bytes == output.bytes, "the order is not always the same")
    }

    @Test func namesAreQuotedAsLsDoes() throws {
        let session = try Session()
        try fill(session)
        try session.start().stop()
        try plant(session, "UPDATE state SET uid = 12 WHERE child IS NULL AND name <> 'f'")
        let output = try session.run("verify")
        #expect(output.status == 1 && !output.bytes.contains(0x1B), "\(output)")
        #expect(String(validating: output.bytes, as: UTF8.self) != nil, "\(output)")
        for name in [#"$'/new\nline'"#, #"$'/escape\033[31m'"#, "'/a b'", #"$'/b\377'"#, #"$'/\376\n/below'"#] {
            let quote = name.first == "$" ? "$'" : "'"
            let line = quote + "\(session.tree)" + name.dropFirst(quote.count) + ": journal uid 12; tree uid 0"
            #expect(output.lines.contains(Substring(line)), "\(line): \(output)")
        }
        #expect(output.lines.allSatisfy { $0.hasSuffix(": journal uid 12; tree uid 0") }, "\(output)")
    }

    /// B32, B33: what no event tells of is found beside the live watcher, and a scan takes it up.
    @Test func B33_aWriteThroughAHardLinkOutsideIsFound() throws {
        let session = try Session()
        try fill(session)
        try Sys.link(session.tree / "a/b/g", session.outside / "g")
        try session.start()
        #expect(try session.run("verify").status == 0)
        try Sys.write(session.outside / "g", "longer than before")
        let output = try session.run("verify")
        // All names of the inode within the roots.
        #expect(output.status == 1 && output.lines.count == 1, "\(output)")
        #expect(output.text.hasPrefix("\(session.tree / "a/b/g"): journal size 2 "), "\(output)")
        #expect(output.text.contains("; tree size 18 "), "\(output)")
        #expect(output.errors.contains("journal scan"), "\(output)")
        try session.run("scan")
        #expect(try session.run("verify").status == 0)
    }

    @Test func B32_chattrIsFound() throws {
        let session = try Session()
        try fill(session)
        try session.start()
        try session.sync()
        let file = try Sys.open(session.tree / "a/f", O_RDONLY)
        defer { close(file) }
        guard test_setflags(file, 0x40) == 0 else { return try Skipped.note("no FS_IOC_SETFLAGS here") }  // nodump
        let output = try session.run("verify")
        #expect(output.status == 1 && output.lines.count == 2, "both names of the inode: \(output)")
        #expect(output.lines.allSatisfy { $0.contains(": journal ctime ") }, "\(output)")
    }

    /// Writes rows behind the journal's back, while no watcher runs.
    private func plant(_ session: Session, _ sql: String) throws {
        let queue = try DatabaseQueue(path: "\(session.database)")
        defer { try? queue.close() }
        try queue.write { db in
            try db.execute(sql: sql)
            try #require(db.changesCount > 0, "nothing was planted")
        }
    }
}

/// What does things all the time, in threads of their own.
final class Writers: @unchecked Sendable {
    private let group = DispatchGroup()
    // Guards `isStopping`, the only thing that changes.
    private let lock = NSLock()
    private var isStopping = false

    init() {}

    /// Two that work in a tree, through names that come back.
    init(_ tree: Bytes) throws {
        for name in ["w0", "w1"] as [Bytes] {
            let top = tree / name
            for directory in ["x", "y", "steady"] as [Bytes] { try Sys.mkdirs(top / directory) }
            for file in ["x/f", "y/g", "steady/f"] as [Bytes] { try Sys.write(top / file, "1") }
            start { step in
                try Writers.step(step, top)
                // Two at full speed would fill the queue again and again, and an overflow is another matter.
                usleep(100)
            }
        }
    }

    /// Calls `body` again and again, with how often it has been.
    func start(_ body: @escaping @Sendable (Int) throws -> Void) {
        group.enter()
        Thread.detachNewThread { [self] in
            var step = 0
            while !lock.withLock({ isStopping }) {
                do { try body(step) } catch { Issue.record(error) }
                step += 1
            }
            group.leave()
        }
    }

    func stop() {
        lock.withLock { isStopping = true }
        group.wait()
    }

    private static func step(_ step: Int, _ top: Bytes) throws {
        let steady = top / "steady"
        switch step % 8 {
        case 0:
            try Sys.write(steady / "new", "1")
            try Sys.unlink(steady / "new")
        case 1: try Sys.rename(top / "x", top / "y", flags: 2)
        case 2: try Sys.write(steady / "f", "\(step)")
        case 3:
            try Sys.rename(top / "x", top / "z")
            try Sys.write(steady / Bytes("g\(step % 3)"), "1")
            try Sys.rename(top / "z", top / "x")
        case 4: try Sys.chmod(top / "y", step.isMultiple(of: 16) ? 0o700 : 0o755)
        case 5:
            try Sys.mkdirs(top / "deep/er/still")
            try Sys.write(top / "deep/er/still/f", "1")
        case 6: try Sys.removeTree(top / "deep")
        default: try Sys.chmod(steady, step.isMultiple(of: 16) ? 0o700 : 0o755)
        }
    }
}
