import ArgumentParser
import Changes
import Kernel

/// `journal sync`: waits until all that happened before is committed.
struct SyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Wait until the watcher is live and has committed all that happened; print the cursor.")

    @OptionGroup var database: DatabaseOption
    @Option(help: ArgumentHelp("How long to wait.", valueName: "duration"))
    var timeout = Timeout(.seconds(30))

    func run() throws {
        let path = try database.path
        let shown = ShellQuote.text(path.shown)
        let deadline = ContinuousClock.now + timeout.duration
        var pause = Duration.milliseconds(5)
        var reason: String?
        repeat {
            let left = max(.milliseconds(1), deadline - ContinuousClock.now)
            let reply = try Client.ask(.barrier, database: path, timeout: left)
            if let obstacle = reply?.obstacle {
                reason = "the watcher \(obstacle.words)"
            } else if let reply, let cursor = reply["cursor"] {
                if reply["live"] == "yes" {
                    var output = Output.standardOutput()
                    try output.write(cursor + "\n")
                    return try output.flush()
                }
                reason = "the watcher is still crawling"
            }
            ThisProcess.sleep(nanoseconds: pause.components.attoseconds / 1_000_000_000)
            pause = min(pause * 2, .milliseconds(200))
        } while ContinuousClock.now < deadline
        let silent = Client.silentWriter(path)
        throw Failure(
            .unavailable, "\(shown): \(reason ?? RefusalReport.noWatcher(silent))",
            hint: "\(silent == nil ? "`journal watch` starts one; " : "")`journal status` shows what it does")
    }
}
