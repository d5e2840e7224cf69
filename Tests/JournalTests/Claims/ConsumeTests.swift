import Glibc
import Seeded
import Testing

@testable import journal

/// `journal consume`: a list comes until its command has succeeded, and then not again.
@Suite struct ConsumeTests {
    private let session: Session

    init() throws {
        session = try Session()
        try session.start()
    }

    /// `journal consume NAME OPTIONS TREE -- sh -c SCRIPT`.
    @discardableResult
    private func consume(_ name: Bytes = "n", _ options: Bytes..., run script: String? = nil) throws -> Program.Output {
        try consume(name, options, run: script)
    }

    private func consume(_ name: Bytes, _ options: [Bytes], run script: String?) throws -> Program.Output {
        try Program.run(Program.journal, words(name, options, script))
    }

    private func words(_ name: Bytes, _ options: [Bytes], _ script: String?) -> [Bytes] {
        ["consume", "--db", session.database, name] + options + [session.tree]
            + (script.map { ["--", "sh", "-c", Bytes($0)] } ?? [])
    }

    private var mayEnd: Bytes { session.base / "end" }
    /// A loop for the shell that ends when that file is there, or nobody can make it any more.
    private var untilItMayEnd: String {
        "until [ -e '\(mayEnd)' ] || [ ! -d '\(session.base)' ]; do sleep 0.01; done"
    }

    private func place(of name: String = "n") throws -> String? {
        try session.views.value("SELECT cursor FROM consumers WHERE name = '\(name)'")
    }

    private func list(_ names: String...) -> String { names.map { "\(session.tree)/\($0)\n" }.joined() }

    @Test func aListComesOnce() throws {
        #expect(try consume("n", "--initial").status == 0)
        try Sys.write(session.tree / "a", "1")
        try Sys.mkdir(session.tree / "d")
        #expect(try consume(run: "cat").text == list("a", "d"))
        #expect(try consume(run: "echo called").text == "")
        try Sys.unlink(session.tree / "a")
        #expect(try consume(run: "cat").text == list("a"))
    }

    @Test func theFileHoldsWhatStdinHas() throws {
        try consume("n", "--initial")
        for number in 0..<5000 { try Sys.write(session.tree / Bytes("file \(number)"), "x") }
        let copy = session.base / "copy"
        let output = try consume(run: "cat > '\(copy)'; cmp {} '\(copy)' && wc -l < {}")
        #expect(output.text == "5000\n" && output.status == 0, "\(output)")
    }

    /// rsync looks up each link of a path by itself, so that a name in /proc for a file without one is none to it.
    @Test func theFileHasANameOfItsOwnAndGoes() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        for status in [1, 0] as [Int32] {
            let output = try consume(run: "echo {}; test -f {} && test ! -L {} && exit \(status)")
            #expect(output.status == status, "\(output)")
            let file = Bytes(output.text.split(separator: "\n").first.map(String.init) ?? "")
            #expect(file.raw.first == UInt8(ascii: "/"), "\(output)")
            #expect(try Sys.facts(file) == nil, "\(file) is left")
        }
    }

    /// A pipe would end a command that reads nothing with a stall, or its giver with a signal.
    @Test func aCommandNeedNotReadItsList() throws {
        try consume("n", "--initial")
        for number in 0..<5000 {
            try Sys.write(session.tree / Bytes("so many names that no pipe holds them \(number)"), "x")
        }
        #expect(try consume(run: "exit 0").status == 0)
        #expect(try consume(run: "echo called").text == "")
    }

    @Test func whatFailedComesAgainWithWhatCameSince() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        let before = try place()
        #expect(try consume(run: "cat; exit 5").status == 5)
        #expect(try place() == before)
        try Sys.write(session.tree / "b", "1")
        #expect(try consume(run: "cat").text == list("a", "b"))
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 2), (3, 1), (63, 63), (64, 1), (75, 1), (78, 1), (79, 79), (255, 255)])
    func statusesArePassedOnUnlessTheyAreOurs(_ status: Int32, _ expected: Int32) throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        let before = try place()
        let output = try consume(run: "exit \(status)")
        #expect(output.status == expected, "\(output)")
        #expect(output.errors.contains("status \(status)") == (status != expected), "\(output)")
        #expect(try (place() == before) == (status != 0))
    }

    @Test func othersThanZeroCanBeAccepted() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        #expect(try consume("n", "--accept", "0,24", run: "exit 23").status == 23)
        #expect(try consume("n", "--accept", "0,24", run: "cat; exit 24").text == list("a"))
        #expect(try consume(run: "echo called").text == "")
        #expect(try consume("n", "--accept", "0,all", run: "true").status == 64)
    }

    @Test func aProgramThatIsNotThereOrNone() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        for (program, status) in [("/nowhere/at/all", 127), (session.tree / "a", 126)] as [(Bytes, Int32)] {
            let output = try Program.run(
                Program.journal, ["consume", "--db", session.database, "n", session.tree, "--", program])
            #expect(output.status == status && output.errors.contains(program.description), "\(output)")
        }
        #expect(try consume(run: "cat").text == list("a"))
    }

    @Test func aNameThatIsNewRunsNothing() throws {
        let output = try consume(run: "echo called")
        #expect(output.status == 3 && output.bytes.isEmpty && output.errors.contains("--initial"), "\(output)")
        #expect(try place() == nil)
    }

    /// What one selection has not listed, the next would miss.
    @Test(
        arguments: [
            ["--kind", "created"], ["--type", "file"], ["--present"], ["--format", "json"], ["-0"], ["--log"],
            ["--relative-to", "/"], ["--renames", "follow", "--format", "text"], ["/"],
        ] as [[Bytes]])
    func anotherSelectionRunsNothing(_ options: [Bytes]) throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        let output = try consume("n", options, run: "echo called")
        #expect(output.status == 3 && output.bytes.isEmpty && output.errors.contains("--format paths"), "\(output)")
        #expect(try consume("n", "--renames", "split", "--format", "paths", run: "cat").text == list("a"))
    }

    /// What changes while the full command runs may have come too late for it.
    @Test func theFirstListBeginsBeforeTheFullRun() throws {
        let full = try consume("n", "--initial", run: "cat; echo x > '\(session.tree)/late'; echo $JOURNAL_CONSUMER")
        #expect(full.text == "n\n" && full.status == 0, "\(full)")
        #expect(try consume(run: "cat").text == list("late"))
    }

    @Test func aFullRunThatFailsIsNone() throws {
        #expect(try consume("n", "--initial", run: "exit 1").status == 1)
        #expect(try consume(run: "echo called").status == 3)
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        #expect(try consume("n", "--initial", run: "exit 1").status == 1)
        #expect(try consume(run: "cat").text == list("a"))
    }

    @Test func nothingChangedMovesOnAndRunsNothing() throws {
        try consume("n", "--kind", "deleted", "--initial")
        let before = try place()
        try Sys.write(session.tree / "a", "1")
        let output = try consume("n", "--kind", "deleted", run: "echo called")
        #expect(output.status == 0 && output.bytes.isEmpty, "\(output)")
        #expect(try place() != before)
        // It is alive also where there was no batch.
        let moved = "SELECT updated_ns FROM consumers WHERE name = 'n'"
        let then = try session.views.value(moved)
        try consume("n", "--kind", "deleted", run: "echo called")
        #expect(try session.views.value(moved) != then)
        #expect(try consume("n", "--kind", "deleted", "--always", run: "cat; echo called").text == "called\n")
    }

    @Test func twoRunsOfOneNameRefuseAndOthersDoNot() throws {
        try consume("n", "--initial")
        try consume("m", "--initial")
        try Sys.write(session.tree / "a", "1")
        let began = session.base / "began"
        let first = try Child(
            Program.journal, words("n", [], "echo > '\(began)'; \(untilItMayEnd)"))
        #expect(try eventually { try Sys.facts(began) != nil })
        let second = try consume(run: "echo called")
        #expect(second.status == 75 && second.bytes.isEmpty, "\(second)")
        #expect(try consume("n", "--initial").status == 75)
        #expect(try consume("m", run: "cat").text == list("a"))
        try Sys.write(mayEnd, "")
        #expect(first.wait(.seconds(30)) == 0)
        #expect(try consume(run: "echo called").text == "")
    }

    /// With our death the command goes on, and so does the lock; the place stays where it was.
    @Test func whoIsKilledMovesNothing() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        #expect(try consume(run: "kill -9 $$").status == 137)
        let began = session.base / "began"
        let first = try Child(
            Program.journal, words("n", [], "echo > '\(began)'; \(untilItMayEnd)"))
        #expect(try eventually { try Sys.facts(began) != nil })
        kill(first.pid, SIGKILL)
        #expect(first.wait(.seconds(30)) != nil)
        #expect(try consume(run: "echo called").status == 75)
        try Sys.write(mayEnd, "")
        #expect(try eventually { try consume("n", "--accept", "1", run: "exit 1").status != 75 })
    }

    /// A name that a list had is in a list that was taken, or it comes again: whoever dies, and whenever.
    @Test(arguments: 1...3) func nothingIsLostWhoeverIsKilled(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let watcher = try #require(session.watcher)
        try consume("n", "--initial")
        var expected: Set<String> = []
        for round in 0..<20 {
            for number in 0..<3 {
                let name = "\(round)-\(number)"
                try Sys.write(session.tree / Bytes(name), "1")
                expected.insert("\(session.tree)/\(name)")
            }
            // Only a list that is there whole has been taken.
            let child = try Child(
                Program.journal, words("n", [], "cat > {}.$$ && mv {}.$$ '\(session.base)/taken.\(round)'"))
            usleep(UInt32(random.below(80_000)))
            switch random.below(4) {
            case 0: kill(child.pid, SIGKILL)
            case 1: child.signal(SIGKILL)
            case 2:
                watcher.kill()
                try watcher.restart()
            default: break
            }
            #expect(child.wait(.seconds(30)) != nil)
        }
        #expect(
            try eventually { try consume(run: "cp {} '\(session.base)/taken.last'").status == 0 }, "\(watcher.said)")
        var taken: Set<String> = []
        for name in try Sys.list(session.base) where name.description.hasPrefix("taken.") {
            let text = String(decoding: try Sys.read(session.base / name), as: UTF8.self)
            taken.formUnion(text.split(separator: "\n").map(String.init))
        }
        #expect(expected.isSubset(of: taken), "\(expected.subtracting(taken).sorted())")
    }

    @Test func aSignalIsPassedOn() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        let began = session.base / "began"
        let child = try Child(
            Program.journal,
            words("n", [], "trap 'echo got; exit 9' TERM; echo > '\(began)'; while :; do sleep 0.01; done"))
        #expect(try eventually { try Sys.facts(began) != nil })
        kill(child.pid, SIGTERM)
        #expect(child.wait(.seconds(30)) == 9)
        #expect(child.output(status: 9).text == "got\n")
        #expect(try consume(run: "cat").text == list("a"))
    }

    /// A background process that the command leaves behind is not the command.
    @Test func theNameIsFreeWhenTheCommandHasEnded() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        #expect(
            try consume(run: "(\(untilItMayEnd)) > /dev/null 2>&1 & exit 0").status == 0)
        try Sys.write(session.tree / "b", "1")
        #expect(try consume(run: "cat").text == list("b"))
        try Sys.write(mayEnd, "")
    }

    @Test func withoutAWatcherNothingRuns() throws {
        try consume("n", "--initial")
        try session.watcher?.stop()
        let output = try consume(run: "echo called")
        #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
    }

    /// The command has done its work: its place is kept by whoever can.
    @Test func theWatcherMayEndWhileTheCommandRuns() throws {
        try consume("n", "--initial")
        try Sys.write(session.tree / "a", "1")
        let watcher = try #require(session.watcher)
        #expect(try consume(run: "cat; kill -9 \(watcher.pid)").status == 0)
        try session.start()
        // At least once: what had changed within 30 ms of the last look before the kill counts as changed once more.
        let again = try consume(run: "cat").text
        #expect(["", "\(session.tree)/a\n", "\(session.tree)\n\(session.tree)/a\n"].contains(again), "\(again)")
        try Sys.write(session.tree / "b", "1")
        #expect(try consume(run: "cat").text == list("b"))
    }

    @Test func aNameTheListCannotCarryRunsNothing() throws {
        try consume("n", "--initial")
        try consume("m", "-0", "--initial")
        try Sys.write(session.tree / "a\nb", "1")
        let output = try consume(run: "echo called")
        #expect(output.status == 3 && output.bytes.isEmpty && output.errors.contains("-0"), "\(output)")
        #expect(try consume("m", "-0", run: "cat").bytes == (session.tree / "a\nb").raw + [0])
    }

    @Test func theEndsOfTheListAreTold() throws {
        try consume("n", "--initial")
        let since = try #require(try place())
        try Sys.write(session.tree / "a", "1")
        let told = try consume(run: "echo $JOURNAL_SINCE $JOURNAL_UNTIL $JOURNAL_DB; exit 1").text
        let until = try session.sync()
        #expect(told == "\(since) \(until) \(session.database)\n")
        let again = try session.run("query", "--since", "consumer:n", "--until", Bytes(until), "--format", "paths")
        #expect(again.text == list("a"), "\(again)")
    }

    @Test func consumersAreShownAndDropped() throws {
        try consume("nightly", "--type", "file", "--initial")
        try Sys.write(session.tree / "a", "1")
        try session.sync()
        let shown = try session.run("consumers")
        let cursor = try #require(try place(of: "nightly"))
        for part in ["nightly\n", "--type file", "\(session.tree)", cursor, "behind"] {
            #expect(shown.text.contains(part), "\(shown)")
        }
        let rows = try session.run("consumers", "--json").lines.map { try JSON($0.utf8) }
        #expect(rows.map { $0["name"]?.text } == ["nightly"])
        #expect(rows[0]["cursor"]?.text == cursor)
        #expect(try session.run("consumers", "drop", "nightly").status == 0)
        #expect(try session.run("consumers", "drop", "nightly").status == 66)
        #expect(try session.run("consumers").bytes.isEmpty)
        #expect(try session.run("query", "--since", "consumer:nightly").status == 66)
    }

    @Test(arguments: ["", "a\nb", "\u{1b}[31m", Bytes([0x61, 0xE9])] as [Bytes])
    func namesThatAreNone(_ name: Bytes) throws {
        #expect(try consume(name, "--initial").status == 64)
    }

    @Test func theCommandIsNotTakenForTheName() throws {
        for options in [["--initial"], []] as [[Bytes]] {
            let output = try Program.run(
                Program.journal, ["consume", "--db", session.database] + options + ["--", "echo", "called"])
            #expect(output.status == 64 && output.bytes.isEmpty && output.errors.contains("NAME"), "\(output)")
        }
    }

    /// What its full run cost is lost where nothing held the log meanwhile.
    @Test func aPlaceThatWasForgottenMeanwhileIsNone() throws {
        let script =
            "echo x > '\(session.tree)/f'; '\(Program.journal)' sync --db '\(session.database)'; '\(Program.journal)' prune --before now --db '\(session.database)'"
        let output = try consume("n", "--initial", run: script)
        #expect(output.status == 75 && output.errors.contains("forgotten"), "\(output)")
        #expect(try place() == nil)
    }

    @Test func hintsAreOfWhatHelps() throws {
        try consume("n", "--initial")
        try session.watcher?.stop()
        let waiting = try consume(run: "echo called")
        #expect(waiting.status == 3 && !waiting.errors.contains("--initial"), "\(waiting)")
        #expect(!waiting.errors.contains("--no-sync") && !waiting.errors.contains("--since"), "\(waiting)")
    }

    @Test func whoMayOnlyReadRunsNothing() throws {
        guard let session = try Session.asNobody() else { return try Skipped.note("only root may become nobody") }
        try session.start()
        let arguments: [Bytes] = ["consume", "--db", session.database, "n", session.tree]
        #expect(try Program.run(Program.journal, arguments + ["--initial"]).status == 0)
        try Sys.write(session.tree / "a", "1")
        let member: [Bytes] = ["--reuid", "1", "--regid", "65534", "--clear-groups"]
        let output = try Program.run("setpriv", member + [Program.journal] + arguments + ["--", "echo", "called"])
        #expect(output.status == 77 && output.bytes.isEmpty, "\(output)")
    }

    /// Whoever has not heard that it was moved asks again, and is told so.
    @Test func itMovesOnceHoweverOftenItIsAsked() throws {
        #expect(try consume("n", "--initial").status == 0)
        let first = try #require(try place())
        let selection = try #require(try session.views.value("SELECT selection FROM consumers"))
        let cursor = try session.sync()
        try Sys.write(session.tree / "f", "1")
        let next = try session.sync()
        let (name, asks) = (Hex.encode(Array("n".utf8)), Hex.encode(Array(selection.utf8)))
        func move(from: String, to: String) throws -> String {
            let client = try LocalClient(Bytes(session.database.raw + "-socket".utf8))
            client.send(Array("move \(name) \(asks) \(from) \(to)\n".utf8))
            return client.receive()
        }
        for _ in 0..<2 { #expect(try move(from: first, to: next) == "ok \nmoved \n") }
        #expect(try move(from: first, to: cursor) == "ok \nelsewhere \n")
    }
}
