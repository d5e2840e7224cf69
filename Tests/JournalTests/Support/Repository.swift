import Foundation
import Testing

/// A git repository in the tree of a session, and a git that nothing of this machine's configuration reaches.
struct Repository {
    let session: Session
    let top: Bytes
    private static let environment = [
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b", "LC_ALL": "C",
        // A submodule from a directory beside it.
        "GIT_ALLOW_PROTOCOL": "file",
    ]

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    /// Whether there is a git here, and one that knows version 2 of the hook.
    static let isPossible: Bool = {
        guard let output = try? Program.run("git", ["--version"]), output.status == 0 else { return false }
        let numbers =
            output.text.split(separator: " ").dropFirst(2).first?.split(separator: ".").compactMap { Int($0) } ?? []
        return numbers.count > 1 && (numbers[0], numbers[1]) >= (2, 26)
    }()

    /// A repository in the session's tree, or at `top`, that is there or is made; not watched yet.
    init(_ session: Session, at top: Bytes? = nil, isThere: Bool = false) throws {
        self.session = session
        self.top = top ?? session.tree
        guard !isThere else { return }
        try Sys.mkdirs(self.top)
        try git("init", "-q", "-b", "main")
    }

    /// The same with one commit of `d/f` and `g`, and a live watcher of it.
    static func watched() throws -> Repository {
        let repository = try Repository(Session())
        try repository.commitSomething()
        try repository.session.start()
        return repository
    }

    func commitSomething() throws {
        try Sys.mkdir(top / "d")
        try Sys.write(top / "d/f", "1")
        try Sys.write(top / "g", "1")
        try git("add", ".")
        try git("commit", "-qm", "one")
    }

    @discardableResult
    func git(_ arguments: Bytes...) throws -> Program.Output {
        let output = try attempt(arguments)
        if output.status != 0 { throw Failed(description: "\(output)") }
        return output
    }

    /// Likewise, whatever comes of it.
    @discardableResult
    func attempt(_ arguments: [Bytes], environment: [String: String] = [:]) throws -> Program.Output {
        try Program.run("git", arguments, environment: Self.environment.merging(environment) { $1 }, directory: top)
    }

    func begin(_ arguments: Bytes...) throws -> Child {
        try Child("git", arguments, environment: Self.environment, directory: top)
    }

    /// `journal git-fsmonitor` at the top.
    func fsmonitor(_ arguments: Bytes..., environment: [String: String] = [:]) throws -> Program.Output {
        let command = session.wrapper + [session.binary, "git-fsmonitor", "--db", session.database] + arguments
        return try Program.run(
            command[0], Array(command.dropFirst()), environment: Self.environment.merging(environment) { $1 },
            directory: top)
    }

    /// What the hook answers.
    struct Answer: Equatable {
        var token: Bytes
        var paths: [Bytes]
        var isEverything: Bool { paths == ["/"] }
    }

    /// The answer to a token, which has to be one: exit 0, nothing on stderr, and each record ended by NUL.
    func ask(_ token: Bytes, environment: [String: String] = [:]) throws -> Answer {
        let output = try fsmonitor("2", token, environment: environment)
        guard output.status == 0, output.errorBytes.isEmpty, output.bytes.last == 0 else {
            throw Failed(description: "\(output)")
        }
        let records = output.bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false).map { Bytes($0) }
        guard let token = records.first, !token.raw.isEmpty else { throw Failed(description: "\(output)") }
        return Answer(token: token, paths: Array(records.dropFirst()))
    }

    /// The token of now, by which all is known.
    func token() throws -> Bytes { try ask(ask("").token).token }

    func install() throws {
        let output = try fsmonitor("--install")
        if output.status != 0 { throw Failed(description: "\(output)") }
    }

    /// What is wrong with `git status` through the hook, beside that of a git which knows nothing of it and has an index of its
    /// own, so that neither refreshes the other's.
    ///
    /// Of the two forms git's untracked cache is only for the one that `status.showUntrackedFiles` says, the first if nothing.
    func judge() throws -> [String] {
        let index = try git("rev-parse", "--git-path", "index").text.trimmingCharacters(in: .newlines)
        let copy = session.outside / "index"
        try Sys.write(copy, try Sys.read(index.first == "/" ? Bytes(index) : top / Bytes(index)))
        return try ["normal", "all"].flatMap { mode in
            let status: [Bytes] = ["status", "--porcelain=v2", "-z", Bytes("--untracked-files=\(mode)")]
            let expected = try attempt(
                ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"] + status,
                environment: ["GIT_INDEX_FILE": copy.description])
            // What the first stores is what the second believes.
            return try ["first", "second"].compactMap { which in
                let found = try attempt(status)
                let isSame = found.status == expected.status && found.bytes == expected.bytes
                return isSame ? nil : "the \(which) status\n\(found)\nwithout the hook\n\(expected)"
            }
        }
    }
}
