import Capture
import Changes
import Kernel

/// What the watcher says on stderr: plain lines for a log, and on a terminal a line of progress that goes away.
final class Reporter {
    private let isTerminal = ThisProcess.standardErrorIsTerminal
    private var lastProgress: Int64 = 0
    private var hasProgressLine = false
    private var socketError: SystemError?
    /// Messages that could not be written.
    private var lost = 0

    /// How often the line of progress is written, nanoseconds.
    private static let progressInterval: Int64 = 200_000_000

    func report(_ notice: Capture.Notice) {
        switch notice {
        case .overflow: line("the kernel's queue overflowed: changes were lost, so everything is crawled again")
        case .watchLimit(let path, let limit):
            line(
                "\(ShellQuote.text(path.shown)): inotify_add_watch: the limit of \(limit.map(String.init) ?? "all") watches is reached; what lies below is a gap",
                hint: "sysctl fs.inotify.max_user_watches=\((limit ?? 65_536) * 4)")
        case .unreadable(let path, let error):
            line("\(ShellQuote.text(path.shown)): \(error.operation): \(error.reason)")
        case .lost(let path):
            line(
                "\(path.map { ShellQuote.text($0.shown) } ?? "a directory"): not where events left it, so everything is crawled again"
            )
        case .offline(let path):
            line("\(ShellQuote.text(path.shown)): offline: it is not there, or another file system is")
        case .hidden(let path):
            line(
                "\(ShellQuote.text(path.shown)): hidden: another file system is mounted there; what is known of it stays"
            )
        case .back(let path): line("\(ShellQuote.text(path.shown)): back")
        case .crawlBegan(let path, let isFirst):
            if !isTerminal {
                line("\(ShellQuote.text(path.shown)): \(isFirst ? "crawling for the first time" : "reconciling")")
            }
        case .crawlEnded(let path, let entries, let found, let nanoseconds):
            line(
                "\(ShellQuote.text(path.shown)): \(entries) entries crawled in \(seconds(nanoseconds)), \(found) changes found"
            )
        case .audited(let audit):
            line(
                "\(ShellQuote.text(audit.path.shown)): \(audit.entries) entries audited in \(seconds(audit.ended.boot - audit.began.boot)), \(audit.differences) had been missed"
            )
        }
    }

    /// Everything that can be vouched for is, from now on.
    func live(_ capture: Capture, database: Path) {
        line(
            "live: \(plural(capture.directories, "directory", "directories")), \(plural(capture.watches, "watch", "watches"))"
        )
        let option = ShellQuote.text(database.shown)
        line("ask it with: journal query --db \(option)")
        do throws(SystemError) {
            try ServiceManager.notify("READY=1")
        } catch {
            line("cannot tell the service manager: \(error.operation): \(error.reason)")
        }
    }

    func stopped() { line("stopped") }

    /// A commit has to wait.
    func waits(_ reason: String) {
        line(
            "cannot commit: \(reason); nothing is vouched for until it can",
            hint: "what happens meanwhile is kept, or crawled for")
    }

    func commitsAgain() { line("commits again") }

    /// The database is larger than it is to be, and nothing more can be forgotten.
    func isTooLarge(_ used: Int64, _ retention: Retention, _ holder: Holder?) {
        let size = "the database has \(ByteCount.text(used)), more than --keep-size \(ByteCount.text(retention.size))"
        guard let holder else {
            return line(
                "\(size), although nothing of the log is left: so much takes what is there now",
                hint: "a larger --keep-size keeps some of the log; one that is kept asks for a name: journal consume")
        }
        let name = ShellQuote.text(Array(holder.name.utf8))
        line(
            "\(size): consumer \(name) needs what changed since \(Timestamp.local(holder.updated)), when it last moved",
            hint: "journal consumers drop \(name)")
    }

    /// The socket was gone, and there is another one now, or none can be made.
    func socket(_ path: [UInt8], _ error: SystemError?) {
        defer { socketError = error }
        guard let error else { return line("\(ShellQuote.text(path)): was gone, listening anew") }
        if socketError != error { line("\(ShellQuote.text(path)): cannot listen: \(error.reason)") }
    }

    func progress(_ progress: (path: Path, entries: Int, nanoseconds: Int64)?) {
        guard isTerminal, let progress, Clock.boot() - lastProgress >= Self.progressInterval else { return }
        lastProgress = Clock.boot()
        let rate = progress.nanoseconds > 0 ? Int(Double(progress.entries) / (Double(progress.nanoseconds) / 1e9)) : 0
        hasProgressLine = true
        write(
            "\r\u{1B}[K\(ShellQuote.text(progress.path.shown)): \(progress.entries) entries, \(rate)/s, \(seconds(progress.nanoseconds))"
        )
    }

    private func line(_ text: String, hint: String? = nil) {
        if hasProgressLine { write("\r\u{1B}[K") }
        hasProgressLine = false
        write("journal: \(text)\n" + (hint.map { "journal: hint: \($0)\n" } ?? ""))
    }

    /// Nobody waits for an answer because nobody reads this. How much was lost is said when somebody does.
    private func write(_ text: String) {
        if lost > 0 {
            guard Log.write("journal: \(plural(lost, "message", "messages")) lost: nobody read them\n") else {
                return lost += 1
            }
            lost = 0
        }
        if !Log.write(text) { lost += 1 }
    }

    private func plural(_ count: Int, _ one: String, _ many: String) -> String { "\(count) \(count == 1 ? one : many)" }

    private func seconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
