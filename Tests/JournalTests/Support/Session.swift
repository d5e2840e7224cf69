import Foundation

/// A scratch directory with a tree to watch, a place outside of it on the same file system, and a journal beside both.
final class Session {
    let scratch: Scratch
    let base: Bytes
    /// The root.
    let tree: Bytes
    /// Where things come from and go to that the journal does not watch.
    let outside: Bytes
    var database: Bytes
    private(set) var watcher: Watcher?

    enum Place { case memory, ext4 }

    struct Skip: Error {}

    /// Makes the directories; nothing is watched yet.
    init(on place: Place = .memory) throws {
        scratch = try Scratch()
        switch place {
        case .memory: base = scratch.path
        case .ext4:
            guard let mounted = try scratch.mount("ext4", name: "disk", megabytes: 256) else { throw Skip() }
            base = mounted
        }
        tree = base / "tree"
        outside = base / "outside"
        database = scratch.path / "state" / "journal.db"
        try Sys.mkdir(tree)
        try Sys.mkdir(outside)
        try Sys.mkdir(scratch.path / "state")
    }

    deinit { watcher?.kill() }

    /// Watches the tree, or `roots`, and waits until that is live.
    @discardableResult
    func start(
        _ roots: [Bytes]? = nil, options: [Bytes] = [], environment: [String: String] = [:], wrapper: [Bytes] = [],
        queue: Int? = nil, live: Bool = true
    ) throws -> Watcher {
        let started = try Watcher(
            roots ?? [tree], database: database, options: options, environment: environment, wrapper: wrapper,
            live: live, queue: queue)
        watcher = started
        return started
    }

    /// Runs `journal COMMAND --db …`.
    func run(_ arguments: Bytes..., timeout: Duration = .seconds(60)) throws -> Program.Output {
        try Program.run(Program.journal, arguments + ["--db", database], timeout: timeout)
    }

    struct Refused: Error, CustomStringConvertible {
        var description: String
    }

    /// `query --format json --cursor`, which has to be answered.
    func query(since: String? = nil, _ options: Bytes...) throws -> Answer {
        let when: [Bytes] = since.map { ["--since", Bytes($0)] } ?? []
        let output = try Program.run(
            Program.journal, ["query", "--format", "json", "--cursor", "--db", database] + when + options)
        guard output.status == 0 else { throw Refused(description: "\(output)\nwatcher: \(watcher?.said.errors ?? "none")") }
        return try Answer(output)
    }

    /// The cursor by which all that has happened so far is committed.
    @discardableResult
    func sync() throws -> String {
        let output = try run("sync")
        guard output.status == 0 else { throw Refused(description: "\(output)\nwatcher: \(watcher?.said.errors ?? "none")") }
        return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The views of the database.
    var views: Views { Views(database: database) }
}
