import CTestLinux
import Foundation
import Testing

/// What `query` prints, and what it does not.
@Suite struct FormatTests {
    /// A journal with one change of each kind: `a/` and `a/n` created, `m` modified, `p` attrib, `r` deleted, `o` renamed to `n`.
    private func session() throws -> (Session, String) {
        let session = try Session()
        for name in ["m", "p", "r", "o"] as [Bytes] { try Sys.write(session.tree / name, "1") }
        try Sys.mkdirs(session.tree / "x/y")
        try Sys.write(session.tree / "x/y/z", "1")
        try session.start()
        let cursor = try session.sync()
        try Sys.mkdir(session.tree / "a")
        try Sys.write(session.tree / "a/n", "1")
        try Sys.write(session.tree / "m", "22")
        try Sys.chmod(session.tree / "p", 0o600)
        try Sys.unlink(session.tree / "r")
        try Sys.rename(session.tree / "o", session.tree / "n")
        try Sys.removeTree(session.tree / "x")
        return (session, cursor)
    }

    private func paths(_ session: Session, _ cursor: String, _ options: Bytes...) throws -> [Bytes] {
        let output = try session.run(["query", "--since", Bytes(cursor), "--format", "paths", "-0"] + options)
        #expect(output.status == 0, "\(output)")
        #expect(output.bytes.isEmpty || output.bytes.last == 0, "\(output)")
        return output.bytes.split(separator: 0).map { Bytes($0).relative(to: session.tree) }
    }

    @Test func kindsAndTypesSelect() throws {
        let (session, cursor) = try session()
        func kinds(_ options: Bytes...) throws -> [Bytes] {
            let output = try session.run(["query", "--since", Bytes(cursor), "--format", "json", "--cursor"] + options)
            return try Answer(output).rows.map { $0.path.relative(to: session.tree) }
        }
        #expect(try kinds() == ["a", "a/n", "m", "n", "p", "r", "x", "x/y", "x/y/z"])
        #expect(try kinds("--kind", "modified") == ["m"])
        #expect(try kinds("--kind", "attrib,renamed") == ["n", "p"])
        #expect(try kinds("--kind", "created") == ["a", "a/n", "n"], "a kind without renamed splits")
        #expect(try kinds("--kind", "deleted") == ["o", "r", "x", "x/y", "x/y/z"])
        #expect(try kinds("--type", "directory") == ["a", "x", "x/y"])
        #expect(try kinds("--present") == ["a", "a/n", "m", "n", "p"])
        #expect(try kinds("--absent").sorted() == ["o", "r", "x", "x/y", "x/y/z"])
        #expect(try kinds("--renames", "split") == ["a", "a/n", "m", "n", "o", "p", "r", "x", "x/y", "x/y/z"])
    }

    @Test func pathsHaveParentsFirstAndWithAbsentDeepestFirst() throws {
        let (session, cursor) = try session()
        for (option, deepestFirst) in [("--present", false), ("--absent", true)] as [(Bytes, Bool)] {
            let list = try paths(session, cursor, option)
            for (index, path) in list.enumerated() {
                for other in list[..<index] where path != other {
                    #expect(deepestFirst ? !other.contains(path) : !path.contains(other), "\(list)")
                }
            }
        }
        #expect(try paths(session, cursor).sorted() == ["a", "a/n", "m", "n", "o", "p", "r", "x", "x/y", "x/y/z"])
    }

    @Test func relativeTo() throws {
        let (session, cursor) = try session()
        let output = try session.run(
            "query", "--since", Bytes(cursor), "--format", "paths", "--relative-to", session.tree, "--kind", "modified")
        #expect(output.text == "m\n", "\(output)")
    }

    /// A file system may hold times that 64 bits of nanoseconds do not.
    @Test func timesBeforeAndBehindAllNanoseconds() throws {
        let session = try Session()
        try session.start()
        let cursor = Bytes(try session.sync())
        for (name, date) in [("late", "@99999999999"), ("early", "@-99999999999")] {
            try Sys.write(session.tree / Bytes(name), "1")
            let touched = try Program.run("touch", ["-d", Bytes(date), session.tree / Bytes(name)])
            try #require(touched.status == 0, "\(touched)")
        }
        let paths = try session.run("query", "--since", cursor, "--format", "paths").text
        #expect(paths == "\(session.tree)/early\n\(session.tree)/late\n")
        for format in ["text", "json", "csv"] as [Bytes] {
            let output = try session.run("query", "--since", cursor, "--format", format)
            #expect(output.status == 0, "\(output)")
        }
        #expect(try session.run("verify").status == 0)
        try session.watcher?.stop()
        try session.start()
        #expect(try session.run("verify").status == 0)
    }

    /// Only what is printed has to be carried.
    @Test func relativeToABaseThatCannotBeCarried() throws {
        let session = try Session()
        let base = session.tree / "of two\nlines"
        try Sys.mkdirs(base / "sub")
        try session.start()
        let cursor = Bytes(try session.sync())
        try Sys.write(base / "sub/f", "1")
        func run(_ options: Bytes...) throws -> Program.Output {
            try session.run(["query", "--since", cursor, "--relative-to", base, base] + options)
        }
        #expect(try run("--format", "paths").text == "sub/f\n")
        #expect(try run("--for", "rclone").text == "sub/f\n")
        #expect(try session.run("query", "--since", cursor, "--format", "paths").status == 3)
    }

    @Test func aLimitedNetAnswerHasTheFirstRowsAndNoCursor() throws {
        let (session, cursor) = try session()
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--limit", "3")
        #expect(output.status == 0, "\(output)")
        let answer = try Answer(output)
        #expect(answer.rows.map { $0.path.relative(to: session.tree) } == ["a", "a/n", "m"])
        #expect(answer.cursor == nil)
    }

    @Test func namesAFormatCannotCarryAreRefusedByName() throws {
        let session = try Session()
        try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "new\nline", "1")
        let lines = try session.run("query", "--since", Bytes(cursor), "--format", "paths")
        #expect(lines.status == 3 && lines.bytes.isEmpty && lines.errors.contains("line"), "\(lines)")
        #expect(try paths(session, cursor) == ["new\nline"])
        #expect(try session.run("query", "--since", Bytes(cursor), "--format", "csv").status == 0, "csv quotes")
        try Sys.write(session.tree / Bytes([0x62, 0x61, 0x64, 0xff]), "1")
        let csv = try session.run("query", "--since", Bytes(cursor), "--format", "csv")
        #expect(csv.status == 3 && csv.bytes.isEmpty && csv.errors.contains("bad"), "\(csv)")
        #expect(try paths(session, cursor) == [Bytes([0x62, 0x61, 0x64, 0xff]), "new\nline"])
    }

    @Test func B44_everyByteOfANameComesOutAsItWentIn() throws {
        let session = try Session()
        let values = (1...255).map { UInt8($0) }.filter { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }
        for value in values where value % 2 == 0 { try Sys.write(session.tree / Bytes([value]), "1") }
        try session.start()
        let cursor = try session.sync()
        let before = try Tree(walking: session.tree, contents: true)
        for value in values { try Sys.write(session.tree / Bytes([value]), "22") }
        let longest = Bytes([UInt8](repeating: 0xfe, count: 255))
        try Sys.write(session.tree / longest, "1")
        #expect(try paths(session, cursor).sorted() == (values.map { Bytes([$0]) } + [longest]).sorted())
        let wrong = try session.judge(since: cursor, before)
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }

    @Test func textIsForPeople() throws {
        let (session, cursor) = try session()
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "text")
        #expect(output.status == 0, "\(output)")
        for name in ["a/n", "m", "p", "r", "n", "o", "x/y/z"] { #expect(output.text.contains(name), "\(output)") }
        let next = try session.views.journal().cursor
        #expect(output.errors.contains(next), "the cursor is on stderr: \(output)")
        #expect(!output.text.contains("\u{1b}["), "no colour where nobody looks")
    }

    @Test func textOfARenamedDirectoryIsFolded() throws {
        let session = try Session()
        try Sys.mkdir(session.tree / "old")
        for index in 0..<50 { try Sys.write(session.tree / Bytes("old/f\(index)"), "1") }
        try session.start()
        let cursor = try session.sync()
        try Sys.rename(session.tree / "old", session.tree / "new")
        try Sys.write(session.tree / "new/f7", "22")
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "text")
        #expect(output.status == 0 && output.lines.count < 10, "\(output)")
        #expect(output.text.contains("f7") && !output.text.contains("f8"), "\(output)")
        #expect(try session.query(since: cursor).rows.count == 51, "json folds nothing")
    }

    @Test func csvHasARowForEachChange() throws {
        let (session, cursor) = try session()
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "csv")
        #expect(output.status == 0, "\(output)")
        for name in ["/a/n", "/m", "/p", "/r", "/o", "/x/y/z"] {
            #expect(
                output.lines.filter { $0.contains(session.tree.description + name) }.count == 1, "\(name): \(output)")
        }
    }

    @Test func theCursorFileIsWrittenLastAndOnlyOnSuccess() throws {
        let (session, cursor) = try session()
        let file = session.base / "cursor"
        let output = try session.run("query", "--since", Bytes(cursor), "--format", "json", "--cursor-out", file)
        #expect(output.status == 0, "\(output)")
        #expect(try Sys.facts(file).map { $0.mode & 0o7777 } == 0o600)
        let next = String(decoding: try Sys.read(file), as: UTF8.self).trimmingCharacters(in: .newlines)
        #expect(try session.query(since: next).rows.isEmpty)

        try Sys.write(session.tree / "later", "1")
        // Output that cannot be written, an answer that is refused, one that is partial, one that is cut.
        let failing: [[Bytes]] = [
            ["--since", Bytes(cursor), "--format", "json"], ["--since", "2001-01-01"],
            ["--since", "2001-01-01", "--partial", "--format", "json"],
            ["--since", Bytes(cursor), "--limit", "1", "--format", "json"],
        ]
        for (index, options) in failing.enumerated() {
            let command: [Bytes] = [Program.journal, "query", "--db", session.database, "--cursor-out", file] + options
            let redirected: [Bytes] = ["-c", index == 0 ? "exec \"$@\" > /dev/full" : "exec \"$@\"", "sh"]
            let output = try Program.run("sh", redirected + command)
            if index == 0 { #expect(output.status == 74, "\(output)") }
            let now = String(decoding: try Sys.read(file), as: UTF8.self).trimmingCharacters(in: .newlines)
            #expect(now == next, "\(output)")
        }
    }

    /// Run by root it would otherwise make a file of /dev/null.
    @Test func theCursorGoesIntoWhatIsThere() throws {
        let (session, cursor) = try session()
        func ask(_ file: Bytes) throws -> Program.Output {
            try session.run("query", "--since", Bytes(cursor), "--format", "paths", "--cursor-out", file)
        }
        if try Program.run("mknod", [session.base / "null", "c", "1", "3"]).status == 0 {
            #expect(try ask(session.base / "null").status == 0)
            #expect(try Sys.facts(session.base / "null").map { Entry.word(UInt32($0.mode)) } == "chardev")
        }
        let file = session.base / "real"
        try Sys.write(file, "old")
        try Sys.symlink("real", session.base / "link")
        #expect(try ask(session.base / "link").status == 0)
        #expect(try Sys.facts(session.base / "link").map { Entry.word(UInt32($0.mode)) } == "symlink")
        #expect(try Sys.read(file).count > 40)
        try Sys.symlink("nowhere", session.base / "dangling")
        #expect(try ask(session.base / "dangling").status == 73)
        #expect(try ask(session.tree).status == 73)
        let shared = try Program.run(
            "sh",
            [
                "-c", Bytes("(\"$@\"; echo done) > '\(session.base)/shared'"), "sh", Program.journal, "query", "--db",
                session.database, "--since", Bytes(cursor), "--format", "paths", "--cursor-out", "/dev/stdout",
            ])
        #expect(shared.status == 0)
        let told = String(decoding: try Sys.read(session.base / "shared"), as: UTF8.self)
        #expect(try told.hasSuffix("\n\(session.sync())\ndone\n"), "\(told)")
        let piped = try ask("/dev/stdout")
        #expect(piped.status == 0 && piped.lines.count > 1, "\(piped)")
        #expect(try piped.lines.last.map(String.init) == session.sync())
    }

    @Test func whatIsNotToldCannotBeChosen() throws {
        let (session, cursor) = try session()
        for options in [["--format", "csv"], ["--format", "paths"], ["--present"], ["--renames", "split"]] as [[Bytes]]
        {
            let output = try session.run(["query", "--since", Bytes(cursor), "--kind", "modified,renamed"] + options)
            #expect(output.status == 64 && output.bytes.isEmpty && output.errors.contains("renamed"), "\(output)")
        }
        #expect(
            try session.run(
                "query", "--since", Bytes(cursor), "--kind", "renamed", "--format", "csv", "--renames", "follow"
            ).status == 0)
    }

    @Test func partialPrintsWhatIsKnown() throws {
        let (session, cursor) = try session()
        try session.sync()
        try session.watcher?.stop()
        let output = try session.run(
            "query", "--since", Bytes(cursor), "--partial", "--format", "json", "--cursor", "--renames", "split")
        #expect(output.status == 3, "\(output)")
        let rows = output.bytes.split(separator: UInt8(ascii: "\n")).compactMap { try? Row(JSON($0)) }
        #expect(rows.count == 10, "\(output)")
        #expect(!output.text.contains("\"complete\":true"), "\(output)")
    }

    @Test func theLogHasEveryChangeInOrder() throws {
        let session = try Session()
        try session.start()
        let cursor = try session.sync()
        for step in ["1", "22", "333"] {
            try Sys.write(session.tree / "f", step)
            try session.sync()
        }
        try Sys.unlink(session.tree / "f")
        let log = try session.query(since: cursor, "--log").rows
        #expect(log.map(\.kind) == ["created", "modified", "modified", "deleted"], "\(log)")
        #expect(try session.query(since: cursor).rows.isEmpty)
        let times = log.map(\.time)
        #expect(times == times.sorted())
    }
}
