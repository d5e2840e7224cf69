import Foundation
import Testing

/// Promises 3 and 4: a journal whose files were put back, all of them or some, refuses what it did not hand out.
@Suite struct RestoreTests {
    /// Which files come back from the earlier copy; of the others, what is there stays, or is removed.
    struct Restore: Sendable, CustomTestStringConvertible {
        var back: [String]
        var removed: [String] = []
        /// The copy was taken from the living watcher, of which only the WAL has all.
        var whileLive = false
        var testDescription: String {
            "\(back.map { $0.isEmpty ? "db" : $0 }) back, \(removed) removed\(whileLive ? ", copied live" : "")"
        }
    }

    static let restores: [Restore] = [
        Restore(back: [""], removed: ["-wal", "-shm"]),
        Restore(back: ["", "-wal"], removed: ["-shm"]),
        Restore(back: ["", "-lock"], removed: ["-wal", "-shm"]),
        Restore(back: ["", "-wal", "-shm", "-lock"]),
        Restore(back: ["", "-wal"], removed: ["-shm"], whileLive: true),
        Restore(back: ["", "-wal", "-lock"], removed: ["-shm"], whileLive: true),
        Restore(back: ["", "-wal", "-shm", "-lock"], whileLive: true),
    ]

    @Test(arguments: restores) func aJournalPutBackRefusesWhatItDidNotHandOut(_ restore: Restore) throws {
        let session = try Session()
        let watcher = try session.start()
        try Sys.write(session.tree / "f0", "1")
        let early = try session.sync()
        let then = try Tree(walking: session.tree, contents: true)
        let copies = ["", "-wal", "-shm", "-lock"]
        func copy() throws {
            for suffix in copies {
                let file = Bytes(session.database.raw + suffix.utf8)
                guard try Sys.facts(file) != nil else { continue }
                try #require(try Program.run("cp", [file, session.scratch.path / Bytes("copy\(suffix)")]).status == 0)
            }
        }
        if restore.whileLive {
            // No commit comes between the copies: nothing is done, and the barrier has settled what was.
            try copy()
            watcher.kill()
        } else {
            try watcher.stop()
            try copy()
        }
        try watcher.restart()

        // Cursors of the time that is to be taken back.
        var lost: [String] = []
        for index in 1...4 {
            try Sys.write(session.tree / Bytes("f\(index)"), "1")
            lost.append(try session.sync())
        }
        try watcher.stop()
        for suffix in restore.removed + restore.back {
            let file = Bytes(session.database.raw + suffix.utf8)
            if try Sys.facts(file) != nil { try Sys.unlink(file) }
        }
        for suffix in restore.back {
            let file = session.scratch.path / Bytes("copy\(suffix)")
            guard try Sys.facts(file) != nil else { continue }
            try #require(try Program.run("cp", [file, Bytes(session.database.raw + suffix.utf8)]).status == 0)
        }
        try watcher.restart()

        // Also once its head has passed them.
        for round in 0..<3 {
            for cursor in lost {
                let output = try session.run("query", "--since", Bytes(cursor), "--format", "json")
                #expect(output.status == 3 && output.bytes.isEmpty, "round \(round): \(output)")
            }
            for index in 0..<6 {
                try Sys.write(session.tree / Bytes("g\(round)\(index)"), "1")
                try session.sync()
            }
        }
        // One from before is refused, or answered in full.
        let output = try session.run(
            "query", "--since", Bytes(early), "--format", "json", "--cursor", "--renames", "split")
        if output.status == 3 { return }
        #expect(output.status == 0, "\(output)")
        let walk = try Tree(walking: session.tree, contents: true)
        let wrong = Comparison.net(try Answer(output).rows, then, walk) { _ in true }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(Comparison.state(try session.views.files(), walk).isEmpty)
    }
}
