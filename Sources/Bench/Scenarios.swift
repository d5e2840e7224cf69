import Glibc

/// What `make perf-guard` counts the instructions of. The real binary does the real thing, so that nothing inside of it has
/// to keep its shape for this; where something else comes before, that is counted apart and taken off.
struct Scenarios {
    let binary: String
    let directory: String
    let callgrind: Callgrind

    private static let directories = 20
    private static let filesADirectory = 100
    /// Of 2,000 files: four events a file of writing twice leave room in a queue of 16,384.
    private static let writes = 2
    private static let decodings = 100
    private static let changes = 200_000

    init(_ binary: String, in directory: String) {
        self.binary = binary
        self.directory = directory
        callgrind = Callgrind(directory: directory)
    }

    /// Each with what it is about, in the order they are told.
    var all: [(name: String, count: () throws -> Int)] {
        [
            ("start", start), ("decode", decode), ("crawl", crawl), ("reconcile", reconcile), ("create", create),
            ("write", write), ("query", query),
        ]
    }

    /// `journal --version`: what every process pays.
    private func start() throws -> Int { try callgrind.least { try callgrind.count([binary, "--version"]) } }

    /// Decoding a buffer of events a hundred times. Making it is taken off.
    private func decode() throws -> Int {
        let none = try callgrind.least { try callgrind.count([Program.own, "decode", "0"]) }
        return try callgrind.least {
            try callgrind.count([Program.own, "decode", String(Scenarios.decodings)])
        } - none
    }

    /// The first crawl of 2,000 files, committed.
    private func crawl() throws -> Int {
        let tree = try makeTree("crawl")
        return try callgrind.least { try callgrind.count(fresh().words("scan", [tree])) }
    }

    /// Another one, which finds nothing.
    private func reconcile() throws -> Int {
        let tree = try makeTree("reconcile")
        let journal = try fresh()
        try Child.run(journal.words("scan", [tree]), errors: .file(journal.errors))
        return try callgrind.least { try callgrind.count(journal.words("scan", [tree])) }
    }

    /// 20 directories with 2,000 files come to be: listed, looked at, and committed.
    private func create() throws -> Int {
        let tree = "\(directory)/create"
        let idle = try callgrind.least {
            try emptied(tree)
            return try watch(tree) {}
        }
        return try callgrind.least {
            try emptied(tree)
            return try watch(tree) { try fill(tree) }
        } - idle
    }

    /// 2,000 files are written, each twice: events that are folded into names, looked at, and committed.
    private func write() throws -> Int {
        let tree = try makeTree("write")
        let idle = try callgrind.least { try watch(tree) {} }
        return try callgrind.least {
            try watch(tree) {
                for path in files(tree) {
                    for _ in 0..<Scenarios.writes { try System.replace(path, Array("written".utf8)) }
                }
            }
        } - idle
    }

    /// The net difference over 20,000 changes of 200,000.
    private func query() throws -> Int {
        let tree = "\(directory)/query"
        try System.makeDirectory(tree)
        let journal = try fresh()
        try Child.run(journal.words("scan", [tree]), errors: .file(journal.errors))
        let content = ManyChanges(changes: Scenarios.changes)
        try content.write(to: journal.database)
        let since = try ManyChanges.beginning(of: content.netChanges, in: journal.database).seconds
        return try callgrind.least {
            try callgrind.count(journal.words("query", ["--since", since, "--format", "paths", "--no-sync"]))
        }
    }

    /// A watcher that sees `body` happen at once. It is stopped meanwhile: how much of it one read finds would otherwise be
    /// a matter of luck, and with that how often everything is done.
    private func watch(_ tree: String, _ body: () throws -> Void) throws -> Int {
        let journal = try fresh()
        let readiness = try Readiness(at: "\(journal.directory)/ready")
        let child = try callgrind.start(
            journal.words("watch", [tree]), environment: ["NOTIFY_SOCKET": readiness.path])
        while !readiness.arrives(within: 1) {
            guard child.end == nil else { return try callgrind.finish(child) }
        }
        _ = try journal.sync()
        child.signal(SIGSTOP)
        while !System.text("/proc/\(child.pid)/stat").contains(") T ") { System.sleep(0.001) }
        try body()
        child.signal(SIGCONT)
        _ = try journal.sync()
        child.signal(SIGTERM)
        return try callgrind.finish(child)
    }

    private func fresh() throws -> Journal {
        let journal = try Journal(binary, in: "\(directory)/journal")
        try journal.clear()
        return journal
    }

    private func emptied(_ tree: String) throws {
        try Child.run(["rm", "-rf", tree])
        try System.makeDirectory(tree)
    }

    private func makeTree(_ name: String) throws -> String {
        let tree = "\(directory)/\(name)"
        try System.makeDirectory(tree)
        try fill(tree)
        return tree
    }

    private func fill(_ tree: String) throws {
        for number in 0..<Scenarios.directories { try System.makeDirectory("\(tree)/directory\(number)") }
        for path in files(tree) { try System.create(path, bytes: 1) }
    }

    private func files(_ tree: String) -> [String] {
        (0..<Scenarios.directories).flatMap { number in
            (0..<Scenarios.filesADirectory).map { "\(tree)/directory\(number)/file\($0)" }
        }
    }
}
