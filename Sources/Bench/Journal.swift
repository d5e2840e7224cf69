import Glibc

/// The `journal` under measurement, with a database of its own.
struct Journal {
    let binary: String
    /// Where the database is, with its log and the answers' errors.
    let directory: String

    var database: String { "\(directory)/journal.db" }
    var errors: String { "\(directory)/errors" }

    /// How long a barrier may take before the run is given up: a crawl of the largest tree fits in.
    private static let patience = "10m"

    init(_ binary: String, in directory: String) throws {
        self.binary = binary
        self.directory = directory
        try System.makeDirectory(directory)
    }

    func words(_ command: String, _ arguments: [String] = []) -> [String] {
        [binary, command, "--db", database] + arguments
    }

    /// Forgets everything.
    func clear() throws {
        try Child.run(["rm", "-rf", directory])
        try System.makeDirectory(directory)
    }

    /// Waits until all that happened is committed, and returns the cursor.
    func sync() throws -> String {
        let (bytes, ended) = try Child.output(words("sync", ["--timeout", Journal.patience]), errors: .file(errors))
        guard ended.status == 0 else { throw refusal("sync", ended.status) }
        return String(decoding: bytes, as: UTF8.self).trimmed
    }

    /// The paths of a net answer.
    func paths(since cursor: String, _ options: [String] = []) throws -> Set<[UInt8]> {
        let question = words(
            "query", ["--since", cursor, "--format", "paths", "-0", "--timeout", Journal.patience] + options)
        let (bytes, ended) = try Child.output(question, errors: .file(errors))
        guard ended.status == 0 else { throw refusal("query", ended.status) }
        return Set(bytes.split(separator: 0).map { Array($0) })
    }

    /// How often the kernel's queue overflowed, as the live watcher counts.
    func overflows() throws -> Int {
        let (bytes, _) = try Child.output(words("status", ["--json"]), errors: .file(errors))
        let text = String(decoding: bytes, as: UTF8.self)
        let count = text.split(separator: "\"overflows\":").dropFirst().first?.prefix { $0.isNumber }
        guard let count = count.flatMap({ Int($0) }) else { throw Failed("journal status --json: no overflows in it") }
        return count
    }

    /// The database with its WAL, bytes.
    var bytesOnDisk: Int { System.size(database) + System.size("\(database)-wal") }

    private func refusal(_ command: String, _ status: Int32) -> Failed {
        let said = System.text(errors).split(separator: "\n").last ?? ""
        return Failed("journal \(command) ended with status \(status): \(said)")
    }

    /// Starts a watcher.
    func watch(_ root: String) throws -> Watcher { try Watcher(self, root) }
}

/// A `journal watch` under measurement.
struct Watcher {
    private let journal: Journal
    private let child: Child
    private let readiness: Readiness
    private let began = System.now

    fileprivate init(_ journal: Journal, _ root: String) throws {
        self.journal = journal
        readiness = try Readiness(at: "\(journal.directory)/ready")
        child = try Child(
            journal.words("watch", [root]), errors: .file(journal.errors),
            environment: ["NOTIFY_SOCKET": readiness.path])
    }

    /// Waits until all of the tree is watched and vouched for. Returns the cursor of that moment, and the seconds since the
    /// watcher was started.
    ///
    /// The watcher says so as it does to a service manager, which costs it nothing; asking it again and again would take
    /// time from it. That a barrier then succeeds is part of what is measured.
    @discardableResult
    func awaitLive() throws -> (cursor: String, seconds: Double) {
        while !readiness.arrives(within: 1) {
            if let ended = child.end {
                throw Failed("journal watch ended with status \(ended.status): \(System.text(journal.errors))")
            }
        }
        let cursor = try journal.sync()
        return (cursor, System.now - began)
    }

    var cpu: Double { Meter.cpu(of: child.pid) }
    /// CPU when nothing is left to do, such as bringing the WAL back into the database.
    var settledCPU: Double { Meter.settled(child.pid) }
    var peakMemory: Double { Double(Meter.peakMemory(of: child.pid)) }

    /// Ends it cleanly.
    func stop() throws {
        child.signal(SIGTERM)
        let ended = try child.wait()
        guard ended.status == 0 else { throw Failed("journal watch ended with status \(ended.status)") }
    }
}
