import Changes
import Kernel
import Query

/// `journal git-fsmonitor --install` and `--uninstall`: three settings of one repository, and what they were before.
///
/// The settings are of the repository (`--local`), so all its worktrees share them. Former values are kept beside them, as
/// `journal.former…`, so that --uninstall puts back what was there and leaves alone what somebody has set since.
struct GitInstallation {
    var database: DatabaseOption

    private static let hook = "core.fsmonitor"
    /// What git-config(1) calls them, and what each is set to beside the hook itself.
    private static let others = [("core.fsmonitorHookVersion", "2"), ("core.untrackedCache", "true")]

    /// Where the former value of a setting is kept: `journal.formerFsmonitor` is that of `core.fsmonitor`.
    private static func former(_ key: String) -> String {
        let name = key.dropFirst("core.".count)
        return "journal.former\(name.prefix(1).uppercased())\(name.dropFirst())"
    }

    /// Sets the keys, if the journal has all of the worktree.
    func install() throws {
        let worktree = try worktree()
        let path = try database.path
        let warning = try check(worktree, path)
        let settings = [(Self.hook, try hookCommand(path))] + Self.others.map { ($0.0, Array($0.1.utf8)) }
        // Installed anew, with another place of the binary or of the journal, it keeps what was kept the first time.
        if try !isOurs(get(Self.hook)) {
            for (key, _) in settings { if let value = try get(key) { try set(Self.former(key), value) } }
        }
        for (key, value) in settings {
            try set(key, value)
            try say("set \(key) = \(ShellQuote.harmless(String(decoding: value, as: UTF8.self)))")
        }
        if let warning { try say(warning) }
    }

    /// Puts back each key that still has the value of ``install()``.
    func uninstall() throws {
        _ = try worktree()
        guard try isOurs(get(Self.hook)) else {
            return try say("not installed: \(Self.hook) is not ours, nothing changed")
        }
        for key in [Self.hook] + Self.others.map(\.0) {
            let former = try get(Self.former(key))
            if let expected = Self.others.first(where: { $0.0 == key })?.1, try get(key) != Array(expected.utf8) {
                try say("left \(key) alone: somebody has set it since")
            } else if let former {
                try set(key, former)
                try say("put back \(key) = \(ShellQuote.harmless(String(decoding: former, as: UTF8.self)))")
            } else {
                try unset(key)
                try say("unset \(key)")
            }
            if former != nil { try unset(Self.former(key)) }
        }
    }

    /// Throws where the journal could never vouch for all of the worktree: the hook would only cost time. What to say where it
    /// cannot just now.
    private func check(_ worktree: Path, _ path: Path) throws -> String? {
        let asking = Asking(
            database: path, file: try DatabaseOption.open(path), question: Question(since: .now, paths: [worktree]),
            now: try .current(), noSync: false, timeout: .seconds(1))
        let (verdict, isWhole) = try asking.ask { snapshot, verdict in
            try snapshot.coversAll(below: worktree, but: worktree.appending(Name(".git")), verdict.resolution)
        }
        let shown = ShellQuote.text(worktree.shown)
        if let refusal = verdict.resolution.refusal, refusal.reasons.contains(where: \.isForEver) {
            throw RefusalReport.failure(verdict)
        }
        if worktree.contains(path.parent), !worktree.appending(Name(".git")).contains(path.parent) {
            throw Failure(
                .cannotVouch, "\(shown): the journal itself lies in the worktree, and does not record its own files",
                hint: "another --db, or one below .git")
        }
        guard isWhole else {
            throw Failure(
                .cannotVouch,
                "\(shown): something in it is not covered: another mount, or what an exclude pattern may match",
                hint: "`journal status` lists both; patterns that begin with a slash reach only where they say")
        }
        if verdict.isVouched { return nil }
        return "warning: the journal cannot vouch for \(shown) now, so that git looks at everything until it can; "
            + "see journal status"
    }

    /// The top of the worktree that this process stands in.
    private func worktree() throws -> Path {
        let (status, output) = try git(["rev-parse", "--show-toplevel"])
        guard status == 0, !output.isEmpty else {
            throw Failure(
                .noInput, "\(ShellQuote.text(try Paths.currentDirectory())): no worktree of git",
                hint: "cd into the repository whose git is to ask the journal")
        }
        return Path(try Paths.real(output))
    }

    /// What git hands to sh(1), with words for what that would not find by itself.
    private func hookCommand(_ path: Path) throws -> [UInt8] {
        var words = [try program(), Array("git-fsmonitor".utf8)]
        if try path != DatabaseOption.standardPath { words += [Array("--db".utf8), path.shown] }
        return Array(words.map(Self.quoted).joined(separator: [UInt8(ascii: " ")]))
    }

    /// `journal` where PATH leads to this very program, else its path.
    private func program() throws -> [UInt8] {
        let name = Array("journal".utf8)
        let own = try Paths.real(Array("/proc/self/exe".utf8))
        let directories = (ThisProcess.environment("PATH") ?? []).split(separator: UInt8(ascii: ":"))
        for directory in directories where directory.first == slash {
            do throws(SystemError) {
                let found = directory + [slash] + name
                return try FileStatus(at: Array(found), follow: true).isSameFile(as: FileStatus(at: own)) ? name : own
            } catch {
                guard error.isMissing || error.isForbidden else { throw error }
            }
        }
        return own
    }

    /// As sh(1) has it: within single quotes nothing is special, and one of them is ended for one that is meant. (`$'…'` is
    /// not for every sh.)
    private static func quoted(_ word: [UInt8]) -> [UInt8] {
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "/._-+,:@%".utf8.contains(byte)
            }
        }
        if word.allSatisfy(isPlain) { return word }
        let quote = UInt8(ascii: "'")
        return [quote] + word.flatMap { $0 == quote ? Array("'\\''".utf8) : [$0] } + [quote]
    }

    private func isOurs(_ value: [UInt8]?) -> Bool {
        value.map { String(decoding: $0, as: UTF8.self).contains(" git-fsmonitor") } ?? false
    }

    private func get(_ key: String) throws -> [UInt8]? {
        // -z, since a value may end with a newline of its own.
        let (status, output) = try git(["config", "--local", "-z", "--get", key])
        switch status {
        case 0: return output
        case 1: return nil
        default: throw failure("config --get \(key)", status)
        }
    }

    private func set(_ key: String, _ value: [UInt8]) throws {
        let (status, _) = try git(["config", "--local", "--replace-all", key], value)
        guard status == 0 else { throw failure("config \(key)", status) }
    }

    private func unset(_ key: String) throws {
        let (status, _) = try git(["config", "--local", "--unset-all", key])
        // 5: there is none.
        guard status == 0 || status == 5 else { throw failure("config --unset-all \(key)", status) }
    }

    /// Runs git, which says on stderr what is wrong; its output without what ends it.
    private func git(_ words: [String], _ value: [UInt8]? = nil) throws(Failure) -> (Int32, [UInt8]) {
        do {
            var (end, output) = try ChildProcess.output(
                of: (["git"] + words).map { Array($0.utf8) } + (value.map { [$0] } ?? []))
            if output.last == 0 || output.last == UInt8(ascii: "\n") { output.removeLast() }
            return (end.status, output)
        } catch {
            throw Failure(error.isMissing ? .unavailable : .inputOutput, "git: cannot run: \(error.reason)")
        }
    }

    private func failure(_ what: String, _ status: Int32) -> Failure {
        Failure(.inputOutput, "git \(what): ended with status \(status)")
    }

    private func say(_ text: String) throws {
        var output = Output.standardError()
        try output.write("journal: \(text)\n")
        try output.flush()
    }
}

extension Reason {
    /// Whether only another root or exclude would help, and no waiting.
    fileprivate var isForEver: Bool {
        switch self {
        case .noRoots, .outside, .uncovered, .excluded: true
        case .otherJournal, .aheadOfHead, .unknownBatch, .forgotten, .droppedConsumer, .beginning, .joinedLater,
            .ledElsewhere, .beforeCoverage, .notWatched, .openGap, .endsInGap, .notLookedYet:
            false
        }
    }
}
