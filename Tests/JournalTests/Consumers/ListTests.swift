import Testing

/// What `--for` lists, to the path.
@Suite struct ListTests {
    private let session: Session
    private let cursor: String
    private var tree: Bytes { session.tree }

    init() throws {
        session = try Session()
        for directory in ["d/e", "d-x", "gone/in", "was", "chmod/sub", "hard", "other"] as [Bytes] {
            try Sys.mkdirs(session.tree / directory)
        }
        for file in ["d/e/f", "d/g", "d-x/f", "gone/in/f", "was/f", "f", "kept", "chmod/sub/f", "hard/f"] as [Bytes] {
            try Sys.write(session.tree / file, "1")
        }
        try Sys.link(session.tree / "hard/f", session.tree / "other/f")
        try Sys.symlink("f", session.tree / "link")
        try session.start()
        cursor = try session.sync()
    }

    private func list(_ name: Bytes, _ options: Bytes...) throws -> Program.Output {
        try session.run(["query", "--since", Bytes(cursor), "--for", name] + options)
    }

    /// The records of a list that ends them with NUL, or of lines.
    private func records(_ name: Bytes, _ options: Bytes..., lines: Bool = false) throws -> [Bytes] {
        let output = try session.run(["query", "--since", Bytes(cursor), "--for", name] + options)
        try #require(output.status == 0, "\(output)")
        let end: UInt8 = lines ? 0x0A : 0
        #expect(output.bytes.isEmpty || output.bytes.last == end)
        return output.bytes.split(separator: end).map { Bytes($0) }
    }

    @Test func whatIsGoneIsListedByItsTopAndNothingBelowWhatIsNoDirectory() throws {
        try Sys.removeTree(tree / "gone")
        try Sys.removeTree(tree / "was")
        try Sys.write(tree / "was", "a file")
        try Sys.unlink(tree / "f")
        try Sys.mkdir(tree / "f")
        try Sys.write(tree / "f/new", "1")
        #expect(try records("rsync") == ["./f", "./f/new", "./gone", "./was"])
        for tool in ["tar", "borg"] as [Bytes] {
            #expect(try records(tool) == ["f", "f/new", "was"])
        }
        #expect(try records("restic") == ["f/new", "was"])
        for tool in ["tar:deletes", "borg:deletes", "restic:deletes"] as [Bytes] {
            #expect(try records(tool) == ["f", "gone", "was"])
        }
        #expect(try records("bup") == ["."], "f was a file, gone lay in the base")
        #expect(try records("rclone", lines: true) == ["f/new", "was"])
        #expect(try records("rclone:deletes", lines: true) == ["f", "gone/in/f", "was/f"])
        #expect(try records("rclone:directories", lines: true) == ["gone", "was"])
        #expect(try records("recoll", lines: true) == ["f", "f/new", "was"].map { tree / $0 })
        let purged: [Bytes] = ["f", "gone", "gone/in", "gone/in/f", "was", "was/f"]
        #expect(try records("recoll:deletes", lines: true) == purged.map { tree / $0 })
    }

    /// `d`, `d-x` and `d/e` follow each other, and `d-x` is not below `d`.
    @Test func neighboursAreNotTakenForWhatIsBelow() throws {
        for directory in ["d", "d-x"] as [Bytes] { try Sys.removeTree(tree / directory) }
        #expect(try records("rsync") == ["./d", "./d-x"])
        #expect(try records("tar:deletes") == ["d", "d-x"])
        try Sys.mkdir(tree / "d")
        try Sys.mkdir(tree / "d-x")
        try Sys.write(tree / "d/h", "1")
        #expect(try records("restic") == ["d-x", "d/h"], "d is told by d/h, d-x is empty")
    }

    @Test func eachPathOfARenamedDirectoryIsThere() throws {
        try Sys.rename(tree / "d", tree / "new")
        #expect(try records("rsync") == ["./d", "./new", "./new/e", "./new/e/f", "./new/g"])
        #expect(try records("tar") == ["new", "new/e", "new/e/f", "new/g"])
        #expect(try records("restic") == ["new/e/f", "new/g"])
        #expect(try records("bup") == ["."])
        #expect(try records("rclone:deletes", lines: true) == ["d/e/f", "d/g"])
    }

    @Test func allNamesOfAFileAreListed() throws {
        try Sys.rename(tree / "hard", tree / "moved")
        for tool in ["rsync", "tar", "borg", "restic"] as [Bytes] {
            #expect(try records(tool).contains { $0.raw.suffix(7) == Array("other/f".utf8)[...] }, "\(tool)")
        }
        #expect(try records("tar", tree / "moved") == [".", "f"], "of those that are asked about")
    }

    @Test func whatWasReplacedInSeveralBatchesIsStillWhatItWasAtFirst() throws {
        try Sys.unlink(tree / "link")
        try session.sync()
        try Sys.mkdir(tree / "link")
        try session.sync()
        try Sys.rmdir(tree / "link")
        try session.sync()
        try Sys.write(tree / "link", "a file")
        #expect(try records("rclone", lines: true) == ["link"])
        #expect(try records("rclone:deletes", lines: true) == ["link.rclonelink"])
        #expect(try records("rclone:directories", lines: true) == [])
        #expect(try records("tar:deletes") == ["link"])
        try Sys.unlink(tree / "link")
        #expect(try records("rclone:deletes", lines: true) == ["link.rclonelink"])
    }

    @Test func whatWasChangedInPlaceIsNotDeletedFirst() throws {
        try Sys.write(tree / "f", "22")
        try Sys.chmod(tree / "d", 0o700)
        for tool in ["tar:deletes", "borg:deletes", "restic:deletes"] as [Bytes] { #expect(try records(tool) == []) }
        #expect(try records("recoll:deletes", lines: true) == [])
    }

    @Test func aDirectoryIsToldByWhatItHolds() throws {
        try Sys.chmod(tree / "chmod", 0o700)
        #expect(try records("rsync") == ["./chmod"])
        #expect(try records("bup") == ["chmod"])
        #expect(try records("restic") == ["chmod/sub/f"])
        try Sys.mkdir(tree / "empty")
        #expect(try records("restic") == ["chmod/sub/f", "empty"])
    }

    @Test func aBaseThatChangedAloneIsToldByAnEntry() throws {
        try Sys.chmod(tree, 0o700)
        let told = try records("rsync")
        #expect(told.count == 1 && told != ["./."], "\(told)")
        #expect(try records("tar") == ["."])
        #expect(try records("tar:deletes") == [])
        try Sys.write(tree / "f", "2")
        #expect(try records("rsync") == ["./f"])
    }

    @Test func whatNoCopyHasIsLeftOut() throws {
        try Sys.bindSocket(tree / "socket")
        try Sys.mknod(tree / "fifo", 0o010644)
        for tool in ["tar", "borg", "restic", "bup"] as [Bytes] { #expect(try records(tool) == ["fifo"], "\(tool)") }
        #expect(try records("rsync") == ["./fifo", "./socket"])
        #expect(try records("rclone", lines: true) == [])
        #expect(try records("recoll", lines: true) == [])
    }

    static let lost: [(list: Bytes, names: [Bytes])] = [
        (
            "rclone",
            ["new\nline", "cr\r", "q\u{201B}", "x.rclonelink", "a\u{2401}", "\u{240D}", "\u{241F}b", "d\u{2421}l"]
        ), ("borg", ["c\rr"]),
        ("recoll", ["new\nline", "cr\r"]),
    ]

    @Test(arguments: lost.indices) func aNameThatWouldBeLostIsRefusedByName(index: Int) throws {
        let (tool, names) = Self.lost[index]
        let file = session.base / "cursor"
        for name in names {
            try Sys.write(tree / name, "1")
            let output = try list(tool, "--cursor-out", file)
            #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
            #expect(output.errors.contains("--for \(tool) cannot carry") && output.errors.contains("hint"), "\(output)")
            #expect(try Sys.facts(file) == nil)
            try Sys.unlink(tree / name)
        }
        for name in names {
            try Sys.mkdir(tree / name)
            try Sys.write(tree / name / "below", "1")
            #expect(try list(tool).status == 3, "\(name)")
            for other in ["rsync", "tar", "bup", "restic"] as [Bytes] { #expect(try list(other).status == 0) }
            try Sys.removeTree(tree / name)
        }
        #expect(try list(tool, "--cursor-out", file).status == 0)
        #expect(try Sys.facts(file) != nil)
    }

    /// Only what is in the list has to be carried by it.
    @Test func aNameThatIsNotListedIsNotRefused() throws {
        try Sys.write(tree / "new\nline", "1")
        #expect(try list("rclone").status == 3)
        #expect(try records("rclone:deletes", lines: true) == [])
        #expect(try records("rclone:directories", lines: true) == [])
    }

    @Test func pathsAreRelativeToWhatIsAskedAbout() throws {
        try Sys.write(tree / "d/g", "22")
        #expect(try records("rsync") == ["./d/g"], "the only root")
        #expect(try records("rsync", tree / "d") == ["./g"])
        #expect(try records("rsync", "--relative-to", tree, tree / "d") == ["./d/g"])
        #expect(try records("rsync", "--relative-to", tree, tree / "d", tree / "f") == ["./d/g"])
        #expect(try records("tar", "--relative-to", "/", tree / "d") == [Bytes((tree / "d/g").raw.dropFirst())])
        for paths in [[tree / "d", tree / "f"], [tree / "d/g"]] {
            let output = try session.run(["query", "--since", Bytes(cursor), "--for", "rsync"] + paths)
            #expect(output.status == 64 && output.errors.contains("--relative-to"), "\(output)")
        }
        let outside = try list("tar", "--relative-to", tree / "d-x")
        #expect(outside.status == 64 && outside.bytes.isEmpty && outside.errors.contains("lies outside"), "\(outside)")
        #expect(try list("recoll", "--relative-to", tree).status == 64)
    }

    /// What `caf\u{2400}` and its like stand for, others carry.
    @Test func rcloneHasOnlySomePicturesForItself() throws {
        try Sys.mkdir(tree / "pictures")
        for name in ["\u{2400}", "\u{2420}", "\u{2422}", "\u{2018}", "e\u{2026}"] as [Bytes] {
            try Sys.write(tree / "pictures" / name, "1")
        }
        #expect(try records("rclone", tree / "pictures", lines: true).count == 5)
    }

    /// A consumer's paths are relative to the same directory whatever becomes of it.
    @Test func theBaseMayBeGone() throws {
        let consume: [Bytes] = ["consume", "n", "--db", session.database, "--for", "tar:deletes", tree / "was"]
        #expect(try Program.run(Program.journal, consume + ["--initial"]).status == 0)
        try Sys.removeTree(tree / "was")
        #expect(try records("tar:deletes", tree / "was") == ["f"])
        #expect(try Program.run(Program.journal, consume + ["--", "cat"]).bytes == Array("f\0".utf8))
        try Sys.write(tree / "was", "1")
        #expect(try Program.run(Program.journal, consume + ["--", "cat"]).status == 0)
        #expect(try list("tar:deletes", tree / "was").status == 64)
    }

    /// `--relative-to` is known by the same name as PATH.
    @Test func theBaseMayBeALink() throws {
        try Sys.symlink(tree, session.base / "link")
        try Sys.write(tree / "d/g", "22")
        #expect(try records("rsync", "--relative-to", session.base / "link", session.base / "link") == ["./d/g"])
    }

    @Test func severalRootsNeedABase() throws {
        try session.watcher?.stop()
        let second = session.base / "second"
        try Sys.mkdir(second)
        try session.start([tree, second])
        let cursor = Bytes(try session.sync())
        try Sys.write(second / "f", "1")
        #expect(try session.run("query", "--since", cursor, "--for", "tar").status == 64)
        #expect(try session.run("query", "--since", cursor, "--for", "tar", second).bytes == Array("f\0".utf8))
        let both = try session.run("query", "--since", cursor, "--for", "tar", "--relative-to", session.base)
        #expect(both.bytes == Array("second/f\0".utf8), "\(both)")
        #expect(try session.run("query", "--since", cursor, "--for", "recoll").text == "\(second)/f\n")
    }

    @Test func whatContradictsAListIsAMistake() throws {
        for options in [
            ["--format", "paths"], ["-0"], ["--kind", "created"], ["--type", "file"], ["--present"], ["--absent"],
            ["--renames", "split"], ["--log"], ["--limit", "3"], ["--cursor"],
        ] as [[Bytes]] {
            let output = try session.run(["query", "--since", Bytes(cursor), "--for", "tar"] + options)
            #expect(output.status == 64 && output.bytes.isEmpty, "\(output)")
        }
        for (name, says) in [
            ("duplicity", "deleted"), ("rdiff-backup", "deleted"), ("duplicity:deletes", "deleted"),
            ("rsync:deletes", "rsync"),
            ("cp", "restic:deletes"), ("", "restic"),
        ] {
            let output = try list(Bytes(name))
            #expect(output.status == 64 && output.errors.contains(says), "\(output)")
        }
    }

    @Test func aListContinuesFromItsCursor() throws {
        let file = session.base / "cursor"
        try Sys.write(tree / "f", "22")
        #expect(try list("rsync", "--cursor-out", file).status == 0)
        let next = Bytes(String(decoding: try Sys.read(file), as: UTF8.self).split(separator: "\n")[0].utf8)
        try Sys.write(tree / "kept", "22")
        #expect(try session.run("query", "--since", next, "--for", "rsync").bytes == Array("./kept\0".utf8))
    }

    @Test func nothingIsListedWhereTheJournalCannotVouch() throws {
        try Sys.write(tree / "f", "22")
        try session.sync()
        try session.watcher?.stop()
        let refused = try list("rsync")
        #expect(refused.status == 3 && refused.bytes.isEmpty, "\(refused)")
        let partial = try list("rsync", "--partial")
        #expect(partial.status == 3 && partial.bytes == Array("./f\0".utf8), "\(partial)")
    }

    /// Both lists of a span say the same, whatever happens after it.
    @Test func aConsumersSecondListIsOfTheSameSpan() throws {
        let script = session.base / "script"
        try Sys.write(
            script,
            """
            touch '\(tree)/after'; rm '\(tree)/kept'; '\(Program.journal)' sync > /dev/null
            for list in tar tar:deletes; do
                '\(Program.journal)' query --since "$JOURNAL_SINCE" --until "$JOURNAL_UNTIL" --for $list '\(tree)' | tr '\\0' '\\n'
            done

            """)
        func consume(_ list: Bytes, _ command: Bytes...) throws -> Program.Output {
            try Program.run(
                Program.journal, ["consume", "--db", session.database, "n", "--for", list, tree] + command)
        }
        #expect(try consume("tar", "--initial").status == 0)
        try Sys.unlink(tree / "f")
        try Sys.write(tree / "new", "1")
        #expect(try consume("tar", "--", "sh", script).text == "new\nf\n")
        let other = try consume("borg", "--", "cat")
        #expect(other.status == 3 && other.errors.contains("--for tar"), "\(other)")
        #expect(try consume("tar", "--", "tr", "\\0", "\\n").text == "after\n")
    }
}
