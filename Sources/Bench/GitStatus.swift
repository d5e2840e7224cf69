/// G: `git status` in a large worktree of which git has the journal tell it what changed, beside a git that looks for itself.
struct GitStatus {
    let place: Place

    private static let filesADirectory = 100
    /// A hook that vouches for all: it gives back the token it was given, by a builtin of the shell that git starts it with.
    private static let silence = "printf '%s\\0' \"$2\" #"
    private static let status = ["status", "--porcelain", "-z"]

    func run(_ report: inout Report) throws {
        guard Peer.git.isInstalled else { return report.record(.gitStatus, ours: []) }
        try make()
        let journal = try place.journal()
        let watcher = try journal.watch(place.tree)
        try watcher.awaitLive()
        // An index of its own for the git without: neither refreshes the other's.
        try Child.run(["cp", "\(place.tree)/.git/index", ownIndex])
        try Child.run(["env", "-C", place.tree] + journal.words("git-fsmonitor", ["--install"]), errors: .null)
        try checkAnswers()

        var (ours, theirs, least): ([Child.Ended], [Child.Ended], [Child.Ended]) = ([], [], [])
        var hook: [Double] = []
        let token = try journal.sync()
        let question = ["env", "-C", place.tree] + journal.words("git-fsmonitor", ["2", token])
        for _ in 0..<place.sizes.gitRuns {
            ours.append(try withHook(GitStatus.status).ended)
            theirs.append(try without(GitStatus.status).ended)
            least.append(try withHook(["-c", "core.fsmonitor=\(GitStatus.silence)"] + GitStatus.status).ended)
            hook.append(try Child.run(question).wall)
        }
        try checkAnswers()
        try watcher.stop()
        report.record(.gitStatus, ours: ours.map(\.wall), peer: theirs.map(\.wall))
        report.note(.git, "CPU of git and hook", ours.map(\.cpu), .milliseconds)
        report.note(.git, "CPU of git without", theirs.map(\.cpu), .milliseconds)
        report.note(.git, "the hook alone", hook, .milliseconds)
        // No hook can be faster: what is left is git's own.
        report.note(.git, "git with a hook that says nothing", least.map(\.wall), .milliseconds)
        report.note(.git, "git without", theirs.map(\.wall), .milliseconds)
    }

    private var ownIndex: String { "\(place.disk.path)/index" }

    private func make() throws {
        try System.makeDirectory(place.tree)
        for number in 0..<place.sizes.gitDirectories {
            let parent = "\(place.tree)/\(number / 50)"
            try System.makeDirectory(parent)
            try System.makeDirectory("\(parent)/\(number)")
            for file in 0..<GitStatus.filesADirectory {
                try System.create("\(parent)/\(number)/\(file)", bytes: file % 10)
            }
        }
        for words in [["init", "-q"], ["add", "."], ["commit", "-qm", "one"]] {
            _ = try git(["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"] + words)
        }
        // What is as old as the index git reads again each time, whoever tells it of changes.
        _ = try git(["update-index", "--refresh"])
        try System.syncFileSystem(place.disk.path)
    }

    /// An edit, a creation and a deletion have to be in both answers, and nothing else; and nothing at all when they are undone.
    private func checkAnswers() throws {
        let (edited, created, deleted) = ("0/0/1", "0/1/new", "1/50/2")
        try System.replace("\(place.tree)/\(edited)", Array("edited".utf8))
        try System.create("\(place.tree)/\(created)")
        try System.rename("\(place.tree)/\(deleted)", "\(place.disk.path)/aside")
        try check([" M \(edited)", " D \(deleted)", "?? \(created)"])
        try System.replace("\(place.tree)/\(edited)", [UInt8(ascii: "x")])
        try System.remove("\(place.tree)/\(created)")
        try System.rename("\(place.disk.path)/aside", "\(place.tree)/\(deleted)")
        try check([])
    }

    private func check(_ expected: [String]) throws {
        // The second answer rests on what the first has stored.
        for (who, ask) in [("with", withHook), ("with", withHook), ("without", without)] {
            let found = String(decoding: try ask(GitStatus.status).bytes, as: UTF8.self).split(separator: "\0").map(
                String.init)
            guard found == expected else { throw Failed("git status \(who) the hook says \(found), not \(expected)") }
        }
    }

    private func withHook(_ words: [String]) throws -> (bytes: [UInt8], ended: Child.Ended) { try git(words) }

    private func without(_ words: [String]) throws -> (bytes: [UInt8], ended: Child.Ended) {
        try git(
            ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"] + words,
            environment: ["GIT_INDEX_FILE": ownIndex])
    }

    private func git(
        _ words: [String], environment: [String: String] = [:]
    ) throws -> (bytes: [UInt8], ended: Child.Ended) {
        let answer = try Child.output(["git", "-C", place.tree] + words, environment: environment)
        guard answer.ended.status == 0 else {
            throw Failed("git \(words.joined(separator: " ")): ended with status \(answer.ended.status)")
        }
        return answer
    }
}
