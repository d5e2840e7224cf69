import Glibc
import Testing

/// Names made to do something to whoever reads them: a terminal, a shell, SQL.
@Suite struct HostileTests {
    private static let names: [Bytes] =
        [
            "\u{1B}[31mred", "\u{1B}]0;title\u{07}", "a\nb", "\njournal: all is well", "tab\tx", "back\u{08}\r",
            "del\u{7F}",
            "\u{9B}31m", "\u{202E}txt.exe", "\u{200B}", "\u{2028}", "%s%n%x", "'; DROP TABLE log; --",
            "\"; DELETE FROM state; --",
            "') OR 1=1 --", "$(touch pwned)", "`id`", "-rf", "--format", "~", "#", "\\", "\"", "'", "' \"", " ", "*",
            "?1",
        ] + [Bytes([0xFF, 0xFE]), Bytes([0x62, 0x61, 0x64, 0xC3]), Bytes([0xC0, 0x80, 0x1B])]

    /// Whether a text has a control character besides the ends of its lines, or a byte that is no UTF-8.
    private func check(_ output: Program.Output, textOnStdout: Bool = true) {
        for bytes in textOnStdout ? [output.bytes, output.errorBytes] : [output.errorBytes] {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.utf8.elementsEqual(bytes), "no UTF-8: \(output)")
            let wrong = text.unicodeScalars.filter { scalar in
                switch scalar.properties.generalCategory {
                case .control: scalar != "\n"
                case .format, .lineSeparator, .paragraphSeparator: true
                default: false
                }
            }
            #expect(wrong.isEmpty, "\(wrong.map { $0.escaped(asASCII: true) }) in \(output.command)")
            #expect(!text.contains("\njournal: all is well"), "a line that nobody wrote: \(output.command)")
        }
    }

    @Test func noTextHoldsAControlByteAndMachinesGetAllOfThem() throws {
        let session = try Session()
        let root = session.base / "root\u{1B}[2J\n"
        try Sys.mkdir(root)
        for name in Self.names.prefix(15) {
            try Sys.mkdir(root / name)
            try Sys.write(root / name / "f", "1")
        }
        let watcher = try session.start([root], options: ["--exclude", "excluded\u{1B}[1m"])
        let cursor = try session.sync()
        let before = try Tree(walking: root, contents: true)
        for name in Self.names.prefix(15) {
            for below in Self.names { try Sys.write(root / name / below, "1") }
        }
        try Sys.rename(root / Self.names[0], root / "renamed\u{1B}[0m")
        let since: [Bytes] = ["--since", Bytes(cursor)]

        let machine = try session.query(since: cursor, "--renames", "split").rows
        let after = try Tree(walking: root, contents: true)
        let wrong =
            Comparison.net(machine, before, after) { _ in true } + Comparison.state(try session.views.files(), after)
        #expect(wrong.isEmpty, "\(wrong.prefix(10).joined(separator: "\n"))")
        let paths = try session.run(["query", "--format", "paths", "-0"] + since)
        #expect(paths.bytes.split(separator: 0).map { Bytes($0) }.sorted() == machine.map(\.path))
        check(paths, textOnStdout: false)

        for options in [[], ["--log"], ["--renames", "split"], ["--relative-to", root]] as [[Bytes]] {
            let output = try session.run(["query"] + since + options)
            #expect(output.status == 0, "\(output)")
            check(output)
        }
        for format in ["csv", "paths"] as [Bytes] {
            let output = try session.run(["query", "--format", format] + since)
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            check(output)
        }
        check(try session.run("status"))
        for name in Self.names where !name.raw.contains(0) {
            for command in [["query"], ["unchanged"]] as [[Bytes]] {
                check(try session.run(command + since + ["--", root / name / name, session.outside / name]))
            }
        }
        try watcher.stop()
        check(watcher.said)
        #expect(try session.views.value("SELECT count(*) > 0 FROM log") == "1")
        #expect(try session.views.value("PRAGMA integrity_check") == "ok")
        #expect(try Sys.facts(session.base / "pwned") == nil)
    }

    /// Swift repairs arguments that are no UTF-8, which makes another path of them.
    @Test func aRootIsWhateverBytesItIs() throws {
        let session = try Session()
        let (root, repaired) = (session.base / Bytes([0x72, 0xFF]), session.base / "r\u{FFFD}")
        for directory in [root, repaired] { try Sys.mkdir(directory) }
        let watcher = try session.start([root])
        #expect(try Array(session.views.roots().keys) == [root])
        #expect(try session.run("scan", root).status == 0)
        try watcher.stop()
        #expect(try session.run("forget", repaired).status == 66)
        #expect(try session.run("forget", root).status == 0)
    }

    /// Repaired as text they would all be the same one, and none of them.
    @Test func argumentsAreBytes() throws {
        let session = try Session()
        let one = Bytes(Array("caf".utf8) + [0xE8])
        let other = Bytes(Array("caf".utf8) + [0xE9])
        // What stands for such a byte on the way through the parser is a name as well.
        let spelling = Bytes("caf\u{10FFE9}")
        for name in [one, other, spelling] {
            try Sys.mkdir(session.tree / name)
            try Sys.write(session.tree / name / "f", "1")
        }
        try session.start(options: ["--exclude", Bytes(other.raw + Array(".d".utf8))])
        let cursor = Bytes(try session.sync())
        func paths(_ names: Bytes...) throws -> [Bytes] {
            try session.run(["query", "--since", cursor, "--format", "paths", "-0"] + names.map { session.tree / $0 })
                .bytes.split(separator: 0).map { Bytes($0) }
        }
        func unchanged(_ names: Bytes...) throws -> Int32 {
            try session.run(["unchanged", "--since", cursor] + names.map { session.tree / $0 }).status
        }
        try Sys.write(session.tree / other / "f", "22")
        #expect(try paths(one, other) == [session.tree / other / "f"])
        #expect(try paths(one, spelling) == [])
        #expect(try unchanged(one, other) == 1 && unchanged(spelling) == 0 && unchanged(one) == 0)
        try Sys.write(session.tree / spelling / "f", "22")
        #expect(try paths(one, spelling) == [session.tree / spelling / "f"])
        try Sys.write(session.tree / Bytes(other.raw + Array(".d".utf8)), "excluded")
        try Sys.write(session.tree / Bytes(one.raw + Array(".d".utf8)), "1")
        #expect(try paths().contains(session.tree / Bytes(one.raw + Array(".d".utf8))))
        #expect(try !paths().contains(session.tree / Bytes(other.raw + Array(".d".utf8))))
    }

    @Test func whatIsWrongWithAnArgumentIsToldHarmlessly() throws {
        let session = try Session()
        try session.start()
        let cursor = Bytes(try session.sync())
        for name in Self.names.prefix(12) + Self.names.suffix(3) {
            let lines: [[Bytes]] = [
                ["watch", "--", session.base / name], ["scan", "--", session.outside / name / name],
                ["forget", "--", name],
                ["query", "--since", name], ["query", "--until", Bytes("--\(name)")], ["query", "--kind", name],
                ["query", "--type", name], ["query", "--format", name], ["query", Bytes("--\(name)")],
                ["query", "--cursor-out", session.base / name / "x"], [name], ["query", "--limit", name],
                ["query", "--timeout", name], ["query", "--relative-to", name, "--since", cursor],
                ["watch", "--latency", name],
            ]
            for line in lines { check(try session.run(line, timeout: .seconds(20))) }
            for command in [["status"], ["query", "--no-sync"], ["watch"], ["scan"]] as [[Bytes]] {
                let database = session.base / name / name
                check(try Program.run(Program.journal, command + ["--db", database], timeout: .seconds(5)))
            }
        }
    }

    /// What the watcher says while it runs: roots that leave, directories that it may not read, excludes and limits.
    @Test func theWatcherTalksHarmlesslyToo() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        let root = session.base / "root\u{1B}[2J\n"
        try Sys.mkdir(root)
        for name in Self.names {
            try Sys.mkdirs(root / name)
            try Sys.chown(root / name, Session.nobody, Session.nobody)
        }
        try Sys.chmod(root / Self.names[0], 0)
        let watcher = try session.start([root])
        for name in Self.names {
            try Sys.chmod(root / name, 0)
            try Sys.write(root / name / "f", "1")
        }
        let output = try session.run("query", "--since", "start", "--timeout", "500ms")
        #expect(output.status == 3, "\(output)")
        check(output)
        check(try session.run("status"))
        try Sys.rename(root, session.base / "gone")
        let isTold = eventually { watcher.said.errors.contains("offline") }
        #expect(isTold, "\(watcher.said)")
        check(try session.run("status"))
        check(watcher.said)
    }
}
