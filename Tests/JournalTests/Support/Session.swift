import Foundation
import Testing

/// A scratch directory with a tree to watch, a place outside of it on the same file system, and a journal beside both.
final class Session {
    let scratch: Scratch
    let base: Bytes
    /// The root.
    let tree: Bytes
    /// Where things come from and go to that the journal does not watch.
    let outside: Bytes
    var database: Bytes
    /// What stands before `journal` on every command line, to run it as somebody else.
    var wrapper: [Bytes] = []
    /// The `journal` to run.
    var binary = Program.journal
    private(set) var watcher: Watcher?

    enum Place { case memory, ext4 }

    struct Skip: Error {}

    /// Makes the directories; nothing is watched yet.
    convenience init(on place: Place = .memory) throws {
        let scratch = try Scratch()
        switch place {
        case .memory: try self.init(in: scratch, base: scratch.path, state: scratch.path / "state")
        case .ext4:
            guard let base = try scratch.mount("ext4", name: "disk", megabytes: 256) else { throw Skip() }
            try self.init(in: scratch, base: base, state: scratch.path / "state")
        }
    }

    /// Likewise with the tree in `base`, and the journal in `state`.
    init(in scratch: Scratch, base: Bytes, state: Bytes) throws {
        self.scratch = scratch
        self.base = base
        tree = base / "tree"
        outside = base / "outside"
        database = state / "journal.db"
        try Sys.mkdir(tree)
        try Sys.mkdir(outside)
        try Sys.mkdir(state)
    }

    deinit { watcher?.kill() }

    /// Watches the tree, or `roots`, and waits until that is live.
    @discardableResult
    func start(
        _ roots: [Bytes]? = nil, options: [Bytes] = [], environment: [String: String] = [:], queue: Int? = nil,
        live: Bool = true
    ) throws -> Watcher {
        let started = try Watcher(
            roots ?? [tree], database: database, options: options, environment: environment,
            command: wrapper + [binary], live: live, queue: queue)
        watcher = started
        return started
    }

    /// Runs `journal COMMAND --db …`.
    @discardableResult
    func run(_ arguments: Bytes..., timeout: Duration = .seconds(60)) throws -> Program.Output {
        try run(arguments, timeout: timeout)
    }

    func run(_ arguments: [Bytes], timeout: Duration = .seconds(60)) throws -> Program.Output {
        let command = wrapper + [binary] + arguments + ["--db", database]
        return try Program.run(command[0], Array(command.dropFirst()), timeout: timeout)
    }

    struct Refused: Error, CustomStringConvertible {
        var description: String
    }

    /// `query --format json --cursor`, which has to be answered.
    func query(since: String? = nil, _ options: Bytes...) throws -> Answer {
        let when: [Bytes] = since.map { ["--since", Bytes($0)] } ?? []
        let output = try run(["query", "--format", "json", "--cursor"] + when + options)
        guard output.status == 0 else {
            throw Refused(description: "\(output)\nwatcher: \(watcher?.said.errors ?? "none")")
        }
        return try Answer(output)
    }

    /// The cursor by which all that has happened so far is committed.
    @discardableResult
    func sync() throws -> String {
        let output = try run("sync")
        guard output.status == 0 else {
            throw Refused(description: "\(output)\nwatcher: \(watcher?.said.errors ?? "none")")
        }
        return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The views of the database.
    var views: Views { Views(database: database) }
}

extension Session {
    /// Asks what nobody can vouch for, and expects to be told so, with no row.
    func expectRefusal(since cursor: String, _ paths: Bytes...) throws {
        let output = try run(["query", "--since", Bytes(cursor), "--format", "json", "--timeout", "2s"] + paths)
        #expect(output.status == 3 && output.bytes.isEmpty && !output.errors.isEmpty, "\(output)")
    }

    /// What is wrong with the state and with every form of answer since `cursor`, when the tree was `before`; `remounted` since,
    /// when its device number may be another one.
    func judge(since cursor: String, _ before: Tree, remounted: Bool = false) throws -> [String] {
        let split = try query(since: cursor, "--renames", "split")
        let follow = try query(since: cursor)
        let log = try query(since: cursor, "--log")
        var (before, after) = (before, try Tree(walking: tree, contents: true))
        if remounted {
            before.forgetDevices()
            after.forgetDevices()
        }
        return Comparison.state(try views.files(), after)
            + Comparison.net(split.rows, before, after) { _ in true }
            + Comparison.follow(follow.rows, before, after)
            + Comparison.replay(log.rows, batches: try views.batches(after: 0), before, after)
    }
}
