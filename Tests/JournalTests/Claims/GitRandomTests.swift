import Foundation
import Seeded
import Testing

/// Random work in a repository, some of it while git looks, with a watcher that is there, comes back, or is not: whatever was
/// done, git with the hook says what git without it says. `GIT_SEED=N` replays one seed, `GIT_SEEDS=N` tries so many,
/// `GIT_ROUNDS=N` makes each longer.
@Suite struct GitRandomTests {
    static let seeds: [UInt64] =
        if let seed = OracleTests.number("GIT_SEED") { [UInt64(seed)] } else {
            (1...UInt64(OracleTests.number("GIT_SEEDS") ?? 4)).map { $0 }
        }

    @Test(arguments: seeds) func gitSaysWhatItSaysWithoutTheHook(seed: UInt64) throws {
        guard Repository.isPossible else { return try Skipped.note("no git 2.26 or later") }
        var random = SplitMix64(seed: seed)
        let repository = try Repository.watched()
        try repository.install()
        if random.chance(50) { try repository.git("config", "status.showUntrackedFiles", "all") }
        let watcher = try #require(repository.session.watcher)
        for round in 1...(OracleTests.number("GIT_ROUNDS") ?? 25) {
            var work = GitWork(repository: repository, random: random.split())
            let kind = random.below(10)
            work.nests = kind > 1
            switch kind {
            case 0:
                watcher.kill()
                work.work(12)
                try watcher.restart()
            case 1:
                work.work(6)
                watcher.kill()
                work.work(6)
                // Nobody watches while git looks, and later somebody does.
                let wrong = try repository.judge()
                #expect(wrong.isEmpty, "GIT_SEED=\(seed), round \(round), down\n\(wrong.joined(separator: "\n"))")
                work.work(6)
                try watcher.restart()
            case 2, 3, 4:
                let status = try repository.begin("status", "--porcelain", "--untracked-files=all")
                work.work(20)
                _ = status.wait(.seconds(60))
            default: work.work(12)
            }
            let wrong = try repository.judge()
            guard wrong.isEmpty else {
                Issue.record(
                    "GIT_SEED=\(seed), round \(round)\n\(work.done.joined(separator: "\n"))\n\(wrong.joined(separator: "\n"))"
                )
                return
            }
        }
    }
}

/// What people and programs do in a repository. What cannot be done just now has simply not happened.
struct GitWork {
    let repository: Repository
    var random: SplitMix64
    /// Whether directories become repositories and back. Where git is told `/`, its untracked cache goes by the times of
    /// directories, and does not see that by itself; with every directory named in the next answer it does.
    var nests = true
    /// What was tried, for whoever has to find out.
    private(set) var done: [String] = []

    private static let names: [Bytes] = [
        "a", "b", "c", "d", "f", "g", "-dash", "new\nline", " space", "#hash", "ä", Bytes([0x62, 0xff]), "x.o",
        ".gitignore",
    ]

    init(repository: Repository, random: SplitMix64) {
        self.repository = repository
        self.random = random
    }

    mutating func work(_ count: Int) {
        for _ in 0..<count { do { try step() } catch { done.append("  \(error)") } }
    }

    private mutating func step() throws {
        switch random.below(100) {
        case 0..<16: try write(newPath())
        case 16..<26: try write(existing(directories: false))
        case 26..<34: try remove(existing())
        case 34..<44: try move(existing(), newPath())
        case 44..<48: try move(existing(), existing())
        case 48..<52: try replace(existing())
        case 52..<55: try note("chmod", existing()) { try Sys.chmod($0, [0o755, 0o644, 0o700][$1]) }
        case 55..<58: try note("symlink", newPath()) { path, _ in try Sys.symlink("a", path) }
        case 58..<62: try deep()
        case 62..<68: try passing()
        case 68..<70: if nests { try nested() }
        default: try git()
        }
    }

    private mutating func git() throws {
        let path = try existing().relative(to: repository.top)
        let commands: [[Bytes]] = [
            ["add", "-A"], ["add", "--", path], ["commit", "-qam", "all"],
            ["commit", "-q", "--allow-empty", "-m", "none"],
            ["checkout", "-q", "-f", "main"], ["checkout", "-q", "other"], ["checkout", "-q", "-B", "other"],
            ["stash", "-q"], ["stash", "-q", "-u"], ["stash", "pop", "-q"], ["clean", "-fdq"], ["clean", "-ffdqx"],
            ["mv", "--", path, try newPath().relative(to: repository.top)], ["rm", "-rfq", "--", path],
            ["rm", "-rq", "--cached", "--", path], ["reset", "-q", "--hard"], ["reset", "-q"],
            ["merge", "-q", "other"],
            ["merge", "--abort"], ["status"], ["diff", "--quiet"], ["gc", "-q"],
        ]
        let command = random.pick(commands)
        done.append("git \(command)")
        let output = try repository.attempt(command)
        // At once, before anybody has looked at what git has made.
        if command[0] == "mv", output.status == 0, random.chance(50) {
            try remove(repository.top / command[3])
        }
    }

    /// A name that is there, or the top where nothing is.
    private mutating func existing(directories: Bool = true) throws -> Bytes {
        let all = try Tree(walking: repository.top).entries.filter { path, entry in
            path != repository.top && !path.components.contains(".git") && (directories || entry.type == "file")
        }
        return all.isEmpty ? repository.top / "a" : random.pick(all.keys.sorted())
    }

    private mutating func newPath() throws -> Bytes {
        let directories = try Tree(walking: repository.top).entries.filter { path, entry in
            entry.type == "directory" && !path.components.contains(".git")
        }
        return random.pick(directories.keys.sorted()) / random.pick(Self.names)
    }

    private mutating func note(_ what: String, _ path: Bytes, _ body: (Bytes, Int) throws -> Void) throws {
        done.append("\(what) \(path)")
        try body(path, random.below(3))
    }

    private mutating func write(_ path: Bytes) throws {
        let text = path.name == ".gitignore" ? random.pick(["*.o\n", "a\n", "d/\n", ""]) : "\(random.below(4))"
        try note("write", path) { path, choice in
            if choice == 0 { return try Sys.write(path, Array(text.utf8), O_WRONLY | O_CREAT | O_APPEND) }
            guard choice == 1 else { return try Sys.write(path, text) }
            // As editors do.
            let other = Bytes(path.raw + Array(".tmp".utf8))
            try Sys.write(other, text)
            try Sys.rename(other, path)
        }
    }

    private mutating func remove(_ path: Bytes) throws {
        try note("remove", path) { path, _ in try Sys.removeTree(path) }
    }

    private mutating func move(_ old: Bytes, _ new: Bytes) throws {
        done.append("move \(old) to \(new)")
        try Sys.rename(old, new)
    }

    /// A file becomes a directory, or the other way round.
    private mutating func replace(_ path: Bytes) throws {
        try note("replace", path) { path, _ in
            let isDirectory = try Sys.facts(path).map { Entry($0).type == "directory" } ?? false
            try Sys.removeTree(path)
            if isDirectory { return try Sys.write(path, "was a directory") }
            try Sys.mkdir(path)
            try Sys.write(path / "a", "below what was a file")
        }
    }

    private mutating func deep() throws {
        try note("deep", newPath()) { path, choice in
            try Sys.mkdirs(path / "b/c")
            if choice > 0 { try Sys.write(path / "b/c/x.o", "1") }
            if choice > 1 { try Sys.write(path / "b/a", "1") }
        }
    }

    /// Comes and goes; git may see it in between.
    private mutating func passing() throws {
        let looks = random.chance(30)
        let repository = repository
        try note("passing", newPath()) { path, choice in
            if choice == 0 {
                try Sys.write(path, "1")
            } else {
                try Sys.mkdir(path)
                try Sys.write(path / "a", "1")
            }
            let status = try looks ? repository.begin("status", "--untracked-files=all") : nil
            if choice == 2 { _ = status?.wait(.seconds(60)) }
            try Sys.removeTree(path)
            _ = status?.wait(.seconds(60))
        }
    }

    private mutating func nested() throws {
        let path = try existing()
        let isRepository = try Sys.facts(path / ".git") != nil
        done.append("\(isRepository ? "no repository" : "a repository") \(path)")
        if isRepository { return try Sys.removeTree(path / ".git") }
        _ = try Repository(repository.session, at: path)
    }
}
