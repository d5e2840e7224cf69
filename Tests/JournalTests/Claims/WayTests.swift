import Glibc
import Testing

/// PATHs by way of links: what they led to when the question begins is not told by what they lead to now.
@Suite struct WayTests {
    private let session: Session
    private let cursor: Bytes
    private var tree: Bytes { session.tree }

    init() throws {
        session = try Session()
        for directory in ["rel/1", "rel/2", "cfg", "cfg2", "deep/a"] as [Bytes] {
            try Sys.mkdirs(session.tree / directory)
            try Sys.write(session.tree / directory / "f", "1")
        }
        try Sys.symlink("rel/1", session.tree / "current")
        try Sys.symlink(session.tree / "current", session.tree / "deep/link")
        try Sys.symlink(session.tree / "rel/1", session.outside / "link")
        try session.start()
        cursor = Bytes(try session.sync())
    }

    private func unchanged(_ path: Bytes) throws -> Int32 {
        try session.run("unchanged", "--since", cursor, path, "--timeout", "5s").status
    }

    /// The link is followed now, whatever the end of the question, and though nobody watches.
    @Test func aLinkThatNobodySawChange() throws {
        try Sys.write(tree / "rel/1/f", "22")
        let end = Bytes(try session.sync())
        func paths(_ options: Bytes...) throws -> Program.Output {
            let words: [Bytes] = ["query", "--since", cursor, "--format", "paths", tree / "current/f"]
            return try session.run(words + options)
        }
        try session.watcher?.stop()
        #expect(try paths("--until", end).text == "\(tree)/rel/1/f\n")
        #expect(try paths("--no-sync").text == "\(tree)/rel/1/f\n")
        try Sys.unlink(tree / "current")
        try Sys.symlink("rel/2", tree / "current")
        #expect(try paths("--until", end).status == 3)
        #expect(try paths("--no-sync").status == 3)
    }

    @Test func whatALinkLeadsToIsAskedAbout() throws {
        for path in ["current/f", "current/", "current/.", "deep/link/f", "deep/link/"] as [Bytes] {
            #expect(try unchanged(tree / path) == 0, "\(path)")
        }
        try Sys.write(tree / "rel/1/f", "22")
        for path in ["current/f", "current/", "current/.", "deep/link/f", "deep/link/", "rel/1/"] as [Bytes] {
            #expect(try unchanged(tree / path) == 1, "\(path)")
        }
        #expect(try unchanged(session.outside / "link/f") == 1)
        // Without a slash a question about a link is about the link.
        #expect(try unchanged(tree / "current") == 0)
        #expect(
            try session.run("query", "--since", cursor, "--format", "paths", tree / "current/").text
                == "\(tree)/rel/1/f\n")
    }

    @Test(arguments: ["another", "away", "directory", "renamed", "and back"]) func aLinkThatWasChanged(how: String)
        throws
    {
        let link = tree / "current"
        switch how {
        case "another", "and back":
            try Sys.symlink("rel/2", tree / "new")
            try Sys.rename(tree / "new", link)
        case "away": try Sys.unlink(link)
        case "renamed": try Sys.rename(link, tree / "former")
        default:
            try Sys.unlink(link)
            try Sys.mkdir(link)
        }
        if how == "and back" {
            try session.sync()
            try Sys.symlink("rel/1", tree / "new")
            try Sys.rename(tree / "new", link)
        }
        try session.sync()
        for path in ["current/f", "deep/link/f"] as [Bytes] {
            for command in [["unchanged"], ["query", "--format", "paths"]] as [[Bytes]] {
                let output = try session.run(command + ["--since", cursor, tree / path])
                if how == "away" || how == "renamed", path == "deep/link/f" {
                    // Nothing is there any more by which it could be found out where that was.
                    #expect(output.status == 3 || output.status == 0, "\(output)")
                } else {
                    #expect(output.status == 3 && output.bytes.isEmpty, "\(how): \(output)")
                    #expect(output.errors.contains("current") && output.errors.contains("elsewhere"), "\(output)")
                }
            }
        }
        #expect(try unchanged(link) == 1)
        #expect(try unchanged(tree / "rel") == 0)
    }

    /// A link that leads nowhere has led somewhere.
    @Test func whatALinkLedToIsGone() throws {
        try Sys.removeTree(tree / "rel/1")
        for path in ["current/f", "current/", "current/.", "deep/link/f"] as [Bytes] {
            #expect(try unchanged(tree / path) == 1, "\(path)")
        }
        #expect(try unchanged(tree / "current") == 0)
        #expect(try unchanged(session.outside / "link/f") != 0)
    }

    /// The paths are found as of now, also where the question ends before that.
    @Test func aLinkThatWasChangedBehindTheEnd() throws {
        try Sys.write(tree / "rel/1/f", "22")
        let end = Bytes(try session.sync())
        try Sys.symlink("rel/2", tree / "new")
        try Sys.rename(tree / "new", tree / "current")
        try session.sync()
        let output = try session.run(
            "query", "--since", cursor, "--until", end, "--format", "paths", tree / "current/f")
        #expect(output.status == 3 && output.bytes.isEmpty && !output.errors.contains("can answer since"), "\(output)")
    }

    /// Of a link in a part that is not covered nobody knows where it led.
    @Test func aLinkThatIsNotCovered() throws {
        try Sys.mkdir(tree / "excluded")
        try Sys.symlink("../rel/1", tree / "excluded/link")
        try session.watcher?.stop()
        try session.start(options: ["--exclude", "/excluded"])
        let cursor = Bytes(try session.sync())
        let output = try session.run("unchanged", "--since", cursor, tree / "excluded/link/f")
        #expect(output.status == 3 && output.errors.contains("excluded"), "\(output)")
    }

    /// What was below a directory and is now elsewhere is told, and a link in its place is on the way.
    @Test func aDirectoryThatBecameALink() throws {
        try Sys.removeTree(tree / "cfg")
        try Sys.symlink("cfg2", tree / "cfg")
        #expect(try unchanged(tree / "cfg/f") != 0)
        #expect(try unchanged(tree / "cfg") == 1)
        #expect(try unchanged(tree / "cfg2/f") == 0)
    }

    @Test func aConsumerOfALinkIsToldThatItLeadsElsewhere() throws {
        let consume: [Bytes] = ["consume", "n", "--db", session.database, tree / "current/"]
        #expect(try Program.run(Program.journal, consume + ["--initial"]).status == 0)
        try Sys.symlink("rel/2", tree / "new")
        try Sys.rename(tree / "new", tree / "current")
        let output = try Program.run(Program.journal, consume + ["--", "echo", "called"])
        #expect(output.status == 3 && output.bytes.isEmpty, "\(output)")
    }
}
