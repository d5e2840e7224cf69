import Foundation
import Testing

/// Each page's commands, with the real tool, on a tree that is made to break them: what comes back is the tree.
@Suite struct RecipeTests {
    private let session: Session
    private var restored: Bytes { session.base / "restore" }

    init() throws {
        session = try Session()
    }

    /// The full run, then an increment for each round, then the restore.
    private func play(
        _ page: String, _ places: [(String, Bytes)] = [], _ environment: [String: String] = [:],
        without refused: Set<Bytes> = [], after: (Int, Recipe) throws -> Void
    ) throws {
        let tree = try HostileTree(at: session.tree, names: HostileTree.names.filter { !refused.contains($0) })
        try session.start()
        let recipe = try Recipe(
            page, session, places: places + [("/restore", restored)], environment: environment)
        try recipe.does("once")
        for round in HostileTree.rounds {
            try tree.change(round) { try session.sync() }
            try recipe.does("each time")
            try after(round, recipe)
        }
    }

    /// Removes what an earlier round left there.
    private func clear(_ path: Bytes) throws {
        if try Sys.facts(path) != nil { try Sys.removeTree(path) }
    }

    private func expectAlike(_ copy: Bytes, _ likeness: Likeness = Likeness()) throws {
        let wrong = try likeness.differences(session.tree, copy)
        #expect(wrong.isEmpty, "\(wrong.count):\n\(wrong.prefix(40).joined(separator: "\n"))")
    }

    @Test func rsyncMirrors() throws {
        if let missing = try Recipe.missing("rsync") { return try Skipped.note(missing) }
        let mirror = session.base / "mirror"
        try play("rsync.md", [("backup:/srv", mirror)]) { _, _ in
            try expectAlike(mirror, Likeness(without: []))
        }
    }

    @Test func tarRestores() throws {
        let backup = session.base / "backup"
        try Sys.mkdir(backup)
        try play("tar.md", [("/backup", backup)]) { _, recipe in
            try clear(restored)
            try recipe.does("restore")
            try expectAlike(restored)
        }
    }

    @Test func borgRestores() throws {
        if let missing = try Recipe.missing("borg") { return try Skipped.note(missing) }
        let environment = [
            "BORG_REPO": "\(session.base / "repository")", "BORG_BASE_DIR": "\(session.base)",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        ]
        let made = try Program.run("borg", ["init", "-e", "none"], environment: environment)
        try #require(made.status == 0, "\(made)")
        try play("borg.md", [], environment, without: ["cr\r"]) { round, recipe in
            guard round == HostileTree.rounds.last else { return }
            try recipe.does("restore")
            try expectAlike(restored)
        }
    }

    @Test func bupRestores() throws {
        if let missing = try Recipe.missing("bup") { return try Skipped.note(missing) }
        let environment = ["BUP_DIR": "\(session.base / "repository")"]
        let made = try Program.run("bup", ["init"], environment: environment)
        try #require(made.status == 0, "\(made)")
        try play("bup.md", [], environment) { _, recipe in
            try clear(restored)
            try recipe.does("restore")
            // bup itself loses hard links at times, whatever it is told.
            try expectAlike(restored, Likeness(hardLinks: false))
        }
    }

    @Test func resticRestores() throws {
        if let missing = try Recipe.missing("restic") { return try Skipped.note(missing) }
        let environment = [
            "RESTIC_REPOSITORY": "\(session.base / "repository")", "RESTIC_PASSWORD": "x",
            "RESTIC_CACHE_DIR": "\(session.base / "cache")",
        ]
        let lists = session.base / "lists"
        let places: [(String, Bytes)] = [
            ("/var/lib/journal-restic", lists), ("var/lib/journal-restic", Bytes(lists.raw.dropFirst())),
        ]
        let made = try Program.run("restic", ["init"], environment: environment)
        try #require(made.status == 0, "\(made)")
        try play("restic.md", places, environment) { round, recipe in
            guard round == HostileTree.rounds.last else { return }
            try recipe.does("restore")
            try expectAlike(restored / Bytes(session.tree.raw.dropFirst()))
        }
    }

    static let notOfRclone: Set<Bytes> = ["new\nline", "cr\r", "q\u{201B}FF", "x.rclonelink"]

    @Test func rcloneRestoresWhatItCarries() throws {
        if let missing = try Recipe.missing("rclone") { return try Skipped.note(missing) }
        let (remote, configuration) = (session.base / "remote", session.base / "rclone.conf")
        try Sys.mkdir(remote)
        // As if it had no links, like other machines: --links is for both ends where both are local.
        try Sys.write(configuration, "[remote]\ntype = alias\nremote = :local,links=false:\(remote)\n")
        try play("rclone.md", [], ["RCLONE_CONFIG": "\(configuration)"], without: Self.notOfRclone) { round, recipe in
            try clear(restored)
            try recipe.does("restore")
            let kept = try Likeness(without: ["socket", "fifo", "directory"], modes: false, hardLinks: false)
                .differences(session.tree, restored)
            #expect(kept.isEmpty, "\(round): \(kept.joined(separator: "\n"))")
        }
    }

    @Test func recollFindsWhatAFreshIndexHas() throws {
        if let missing = try Recipe.missing("recollindex", "recollq") { return try Skipped.note(missing) }
        let (kept, fresh) = (session.base / "kept", session.base / "fresh")
        for directory in [kept, fresh] {
            try Sys.mkdir(directory)
            try Sys.write(directory / "recoll.conf", "topdirs = \(session.tree)\n")
        }
        func documents(_ configuration: Bytes) throws -> Set<Bytes> {
            let output = try Program.run(
                "recollq", ["-c", configuration, "-n", "0-10000", "-b", "dir:/"], environment: ["LC_ALL": "C.UTF-8"])
            try #require(output.status == 0, "\(output)")
            return Set(output.bytes.split(separator: UInt8(ascii: "\n")).map { Bytes($0) })
        }
        try play("recoll.md", [], ["RECOLL_CONFDIR": "\(kept)"], without: ["new\nline", "cr\r"]) { _, _ in
            try clear(fresh / "xapiandb")
            let made = try Program.run("recollindex", ["-c", fresh])
            try #require(made.status == 0, "\(made)")
            let (found, expected) = (try documents(kept), try documents(fresh))
            #expect(expected.count > 50)
            #expect(found == expected, "\(found.symmetricDifference(expected).sorted())")
        }
    }

    /// One script for cron: the first run is a full one, and so is the one after the journal was replaced.
    @Test func theScriptForCronKnowsWhenToRunInFull() throws {
        if let missing = try Recipe.missing("rsync") { return try Skipped.note(missing) }
        let mirror = session.base / "mirror"
        let tree = try HostileTree(at: session.tree)
        let watcher = try session.start()
        let recipe = try Recipe("backups.md", session, places: [("backup:/srv", mirror)])
        func cron() throws -> Program.Output { try recipe.run(script: "mirror") }
        #expect(try cron().errors.contains("new"))
        try expectAlike(mirror)
        for round in HostileTree.rounds {
            try tree.change(round) { try session.sync() }
            let output = try cron()
            #expect(output.status == 0 && output.errors.isEmpty, "\(output)")
            try expectAlike(mirror)
        }
        try watcher.stop()
        for suffix in ["", "-wal", "-shm"] { try Sys.unlink(Bytes(session.database.raw + suffix.utf8)) }
        try watcher.restart()
        try Sys.write(session.tree / "later", "1")
        let output = try cron()
        #expect(output.status == 0 && output.errors.contains("new"), "\(output)")
        try expectAlike(mirror)
    }

    @Test func theGateRunsOnlyWhereSomethingChanged() throws {
        try session.start()
        let places: [(String, Bytes)] = [("duplicity full", "echo full"), ("duplicity", "echo increment")]
        let recipe = try Recipe("duplicity-rdiff-backup.md", session, places: places)
        #expect(try recipe.run("each time").status == 3)
        #expect(try recipe.run("once").text.hasPrefix("full"))
        #expect(try recipe.run("each time").text == "")
        try Sys.write(session.tree / "f", "1")
        #expect(try recipe.run("each time").text.hasPrefix("increment"))
        #expect(try recipe.run("each time").text == "")
    }

    @Test func theGateOfOneLineRunsInFullWhereItMust() throws {
        try session.start()
        let recipe = try Recipe("backups.md", session, places: [("restic backup", "echo backup")])
        for (isChanged, expected) in [(false, "backup"), (false, ""), (true, "backup"), (false, "")] {
            if isChanged { try Sys.write(session.tree / "f", "1") }
            let output = try recipe.run("gate")
            #expect(
                output.status == 0 && output.text.hasPrefix(expected) && output.text.isEmpty == expected.isEmpty,
                "\(output)")
        }
    }
}
