import Changes
import Kernel
import Query

/// The hook by which git asks what changed, githooks(5) `fsmonitor-watchman`, version 2.
///
/// git runs it at the top of the worktree as `journal git-fsmonitor 2 TOKEN` and reads `TOKEN NUL PATH NUL …`; the path `/`
/// alone means that everything may have changed. git looks at what is named, *after* this answer, and believes of the rest what it
/// has stored with the last token. It must never believe too much:
///
/// 1. The token is the cursor of the snapshot that the paths are read from, and a barrier comes before that. What changes while
///    git looks is behind the token, and in the next answer.
/// 2. Paths are those of all rows behind the token, and not of the net difference. git may have seen what came after the token and
///    has gone since: `git mv a b` is such a thing, if `rm b` comes before the next question.
/// 3. Likewise where nobody looked for a while, though a reconcile has found what is different since: if there was any gap behind
///    the token, the answer is `/`.
/// 4. `/` where the journal does not have all of the worktree: mounts, excludes, unreadable directories, files of its own.
/// 5. `/` with a token that is never good again, where nobody can vouch for now; see ``GitToken/unvouched``.
/// 6. After each `/` something in every directory, because git's untracked cache does not take `/` to heart; see ``GitToken``.
///
/// A journal that cannot be read at all (no database, no permission, corrupt, an error of input or output) is a failure, told on
/// stderr by the contract's status, like those of every other command. For git that is as good as `/`:
///
/// > The exit status determines whether git will use the data from the hook to limit its search. On error, it will fall back to
/// > verifying all files and folders.
///
/// and it stores an empty token, which is none of ours. To hide it behind `/` would be as right and leave nobody to wonder
/// why git is slow.
struct GitHook {
    static let commandName = "git-fsmonitor"

    /// How long git waits for a watcher, and for a gap to close: it would have looked at a fair number of files meanwhile.
    private static let patience = Duration.seconds(1)

    /// What git is told: nil stands for `/`.
    private struct Answer {
        /// Nil where nobody vouches for now.
        var cursor: Cursor?
        var paths: [[UInt8]]?

        func token(for worktree: Path) throws -> String {
            guard let cursor else { return GitToken.unvouched }
            return try GitToken(cursor, doubtsUntracked: paths == nil).text(for: worktree)
        }
    }

    private let database: DatabaseOption
    private let token: [UInt8]

    init(database: DatabaseOption, token: String) {
        self.database = database
        self.token = ArgumentText.bytes(token)
    }

    /// The command line as git runs it, read without ArgumentParser: that takes 40 % of the instructions of an answer, and there is
    /// one at nearly every command of git. Nil for whatever is not just that.
    init?(_ arguments: [String]) {
        let words = arguments.dropFirst(2)
        guard arguments.count > 2, arguments[1] == Self.commandName else { return nil }
        var database = DatabaseOption()
        database.option = words.count == 4 && words[2] == "--db" ? words[3] : nil
        let said = words.suffix(2)
        guard words.count == (database.option == nil ? 2 : 4), said.first == "2", said.last?.first != "-" else {
            return nil
        }
        self.init(database: database, token: said.last!)
    }

    func run() throws {
        let worktree = Path(try Paths.currentDirectory())
        let since = try GitToken(token, for: worktree)
        let path = try database.path
        let asking = Asking(
            database: path, file: try DatabaseOption.open(path),
            question: Question(since: since.map { .cursor($0.cursor) } ?? .now, paths: [worktree]), now: try .current(),
            noSync: false, timeout: Self.patience)
        let (verdict, answer) = try asking.ask { snapshot, verdict in
            try self.answer(since, asking, worktree, snapshot, verdict)
        }
        if let cursor = answer.cursor { try asking.makeDurable(cursor, verdict) }

        var output = Output.standardOutput()
        try output.write(answer.token(for: worktree))
        for path in answer.paths ?? [[slash]] {
            try output.write(0)
            try output.write(path)
        }
        try output.write(0)
        try output.flush()
    }

    private func answer(
        _ since: GitToken?, _ asking: Asking, _ worktree: Path, _ snapshot: Snapshot, _ verdict: Asking.Verdict
    ) throws -> Answer {
        // The token may be what is wrong: then the same is asked without it.
        let now = Question(since: .now, paths: [worktree])
        let isPresent = verdict.withoutWatcher == nil
        let resolution =
            verdict.isVouched ? verdict.resolution : try snapshot.resolve(now, now: asking.now, synced: isPresent)
        guard isPresent, resolution.refusal == nil, let cursor = resolution.span?.cursor else { return Answer() }
        // What the journal does not have it will not have the next time, and the token says nothing about it.
        let metadata = worktree.appending(Name(".git"))
        let ownFiles = asking.database.parent
        guard try snapshot.coversAll(below: worktree, but: metadata, resolution),
            !worktree.contains(ownFiles) || metadata.contains(ownFiles)
        else { return Answer() }

        let everything = Answer(cursor: cursor, paths: nil)
        guard let since, verdict.isVouched, let span = verdict.resolution.span,
            try !snapshot.wasUnwatched(since: span.since, now)
        else { return everything }
        var paths = GitPaths(worktree)
        guard let touched = try snapshot.touched(span, where: paths.wants) else {
            return everything
        }
        for directory in touched { paths.add(directory) }
        if since.doubtsUntracked {
            for directory in try snapshot.directories(below: worktree) { paths.doubt(directory) }
        }
        return paths.isAboutTheTop ? everything : Answer(cursor: cursor, paths: paths.sorted)
    }
}
