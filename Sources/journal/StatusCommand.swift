import ArgumentParser
import Changes
import Kernel
import Query

/// `journal status`: how the journal and its watcher are. 0 only when every root is live and vouched for.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show roots, coverage, gaps and the watcher; 0 only when all is well.")

    @OptionGroup var database: DatabaseOption
    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let path = try database.path
        let file = try database.open()
        let watcher = try Client.ask(.status, database: path, timeout: .seconds(5)).map(WatcherStatus.init)
        let overview: Overview
        do {
            overview = try file.snapshot { try $0.overview() }
        } catch {
            throw DatabaseOption.failure(error, path)
        }
        let report = StatusReport(
            database: path, overview: overview, watcher: watcher, size: try size(path.shown),
            logSize: try size(path.shown + Array("-wal".utf8)))
        var output = Output.standardOutput()
        try output.write(json ? report.json : report.text)
        try output.flush()
        if !report.isWell { throw ExitCode(ExitStatus.differs.rawValue) }
    }

    private func size(_ path: [UInt8]) throws(SystemError) -> Int64 {
        do throws(SystemError) {
            return try FileStatus(at: path, follow: true).size
        } catch {
            guard error.isMissing else { throw error }
            return 0
        }
    }
}

/// What a live watcher says of itself.
struct WatcherStatus {
    var pid: Int
    var isLive: Bool
    /// Since when it cannot commit, because the disk is full; nanoseconds since 1970.
    var fullSince: Int64?
    var watches: Int
    var watchLimit: Int?
    var directories: Int
    var overflows: Int
    /// Bytes in the kernel's queue: how far it is behind.
    var queued: Int
    var closing: Set<Int64>
    var crawl: (path: Path, entries: Int, nanoseconds: Int64)?

    init(_ reply: Reply) {
        func number(_ key: String) -> Int { reply[key].flatMap { Int($0) } ?? 0 }
        pid = number("pid")
        isLive = reply["live"] == "yes"
        fullSince = reply.fullSince
        watches = number("watches")
        watchLimit = reply["watch-limit"].flatMap { Int($0) }
        directories = number("directories")
        overflows = number("overflows")
        queued = number("queued")
        closing = Set(reply.all("closing").compactMap { Int64($0) })
        let words = (reply["crawl"] ?? "").split(separator: " ")
        if words.count == 3, let path = Hex.decode(Array(words[0].utf8)), let entries = Int(words[1]),
            let nanoseconds = Int64(words[2])
        {
            crawl = (Path(path), entries, nanoseconds)
        }
    }
}
