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
        let file = try DatabaseOption.open(path)
        let watcher = try Client.ask(.status, database: path, timeout: .seconds(5)).map(WatcherStatus.init)
        let overview = try file.snapshotOrFailure(path) { try $0.overview() }
        let logSize = try size(path.shown + Array("-wal".utf8))
        let report = StatusReport(
            database: path, overview: overview, watcher: watcher, size: try size(path.shown), logSize: logSize,
            logReaders: logSize > Watcher.logBound ? try LogReader.all(of: path) : [])
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

/// Who keeps the WAL from being brought back: a process that reads a snapshot.
struct LogReader {
    var pid: Int
    var program: [UInt8]

    /// All but the watcher, which locks only while it works. A reader holds one of the five bytes WAL_READ_LOCK(0…4) of the
    /// -shm file, the first of which is 123 (https://sqlite.org/walformat.html, 2.3).
    static func all(of database: Path) throws -> [LogReader] {
        let files = DatabaseFiles(database: database)
        do throws(SystemError) {
            let watcher = try LockFile.holder(of: files.path(.lock))
            return try FileLocks.holders(of: files.path(.index), .posix, bytes: 123...127).filter { $0 != watcher }.map
            {
                LogReader(pid: $0, program: FileLocks.program(of: $0) ?? [])
            }
        } catch {
            guard error.isMissing || error.isForbidden else { throw error }
            return []
        }
    }
}

/// What a live watcher says of itself.
struct WatcherStatus {
    var pid: Int
    var isLive: Bool
    /// Why it cannot commit.
    var obstacle: Obstacle?
    var watches: Int
    var watchLimit: Int?
    var directories: Int
    /// Directories for which the kernel had no watch.
    var unwatched: Int
    var overflows: Int
    /// Bytes in the kernel's queue: how far it is behind.
    var queued: Int
    var closing: Set<Int64>
    /// The consumer for which it keeps what is too old, or too much.
    var holder: Holder?
    /// Whether the database is larger than it is to be, and nothing more can be forgotten.
    var isTooLarge: Bool
    var crawl: (path: Path, entries: Int, nanoseconds: Int64)?

    init(_ reply: Reply) {
        func number(_ key: String) -> Int { reply[key].flatMap { Int($0) } ?? 0 }
        pid = number("pid")
        isLive = reply["live"] == "yes"
        obstacle = reply.obstacle
        watches = number("watches")
        watchLimit = reply["watch-limit"].flatMap { Int($0) }
        directories = number("directories")
        unwatched = number("unwatched")
        overflows = number("overflows")
        queued = number("queued")
        closing = Set(reply.all("closing").compactMap { Int64($0) })
        holder = reply["holder"].flatMap { Holder(words: $0) }
        isTooLarge = reply["too-large"] != nil
        let words = (reply["crawl"] ?? "").split(separator: " ")
        if words.count == 3, let path = Hex.decode(Array(words[0].utf8)), let entries = Int(words[1]),
            let nanoseconds = Int64(words[2])
        {
            crawl = (Path(path), entries, nanoseconds)
        }
    }
}
