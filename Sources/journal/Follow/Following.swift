import Changes
import Kernel
import Query

/// `journal query --follow`: batches as they are committed, until someone has had enough.
///
/// While a watcher is live it says when there is a batch more, and nobody asks the file in vain. Without one the file is looked
/// at now and then: a `journal scan` may write into it, and another watcher will come.
struct Following {
    var asking: Asking
    var printer: Printer
    /// `--cursor`.
    var marksCursors: Bool
    /// `--cursor-out`.
    var cursorFile: String?
    /// `--settle`, nanoseconds.
    var quiet: Int64?

    /// Between two looks at the file while no watcher is live, nanoseconds.
    private static let shortestPause: Int64 = 50_000_000
    private static let longestPause: Int64 = 1_000_000_000

    func run() throws {
        let stopping = try Stopping()
        if !asking.noSync { _ = try Client.barrier(database: asking.database, timeout: .seconds(1)) }
        do {
            try follow(stopping)
        } catch let error as SystemError where error.isBrokenPipe {
            // Whoever read has had enough.
        }
    }

    private func follow(_ stopping: Stopping) throws {
        var stream = try printer.stream()
        var news = News(database: asking.database)
        var settling = quiet.map { Settling(quiet: $0, byDirectory: printer.options.byDirectory) }
        var position: Cursor?
        var marked: Cursor?
        var pause = Self.shortestPause
        while true {
            if let (answer, since) = try next(&position) {
                if settling == nil {
                    try stream.print(answer)
                } else {
                    let now = Instant(wall: Clock.wall(), boot: Clock.boot())
                    try answer.forEach { settling?.take($0, since: since, now: now) }
                }
            }
            if var changes = settling?.settled(by: Clock.boot()) {
                if !printer.options.byDirectory { changes = changes.filter(printer.selection.contains) }
                if !changes.isEmpty { try stream.print(changes) }
            }
            let cursor = settling.map { $0.cursor(position) } ?? position
            if let cursor, cursor != marked, marksCursors || cursorFile != nil {
                try mark(cursor, &stream)
                marked = cursor
            }
            switch try wait(for: &news, behind: position, due: settling?.nextDue, stopping, pause) {
            case .head: pause = Self.shortestPause
            case .silence: pause = min(pause * 2, Self.longestPause)
            case .other(.stopped):
                let isTold = marksCursors ? cursor == marked : printer.options.format != .text
                return try stream.end(cursor: isTold ? nil : cursor.map(durable))
            case .other(.readerIsGone): return
            case .other(.readable), .other(.timeout): break
            }
        }
    }

    /// What was committed behind `position`, which goes to the end of it, and a cursor from before that, where there is one.
    private func next(_ position: inout Cursor?) throws -> (answer: Answer, since: Cursor?)? {
        var question = asking.question
        if let position { question.since = .cursor(position) }
        // What a path has settled as is for those who print it to choose.
        let reading = quiet == nil ? printer.reading : printer.selection.unfiltered
        let (resolution, answer, since) = try asking.file.snapshotOrFailure(asking.database) {
            snapshot -> (Resolution, Answer?, Cursor?) in
            let resolution = try snapshot.resolve(question, now: asking.now, synced: true)
            // Until the first crawl is done there is nothing to begin with.
            guard let span = resolution.span, resolution.refusal?.isBeginning != true, span.until > span.since
            else { return (resolution, nil, nil) }
            return (resolution, try snapshot.answer(span, question, reading), try snapshot.cursor(at: span.since))
        }
        if let failure = RefusalReport.lastingFailure(resolution) { throw failure }
        if resolution.refusal?.isBeginning != true, let span = resolution.span { position = span.cursor }
        return answer.map { ($0, since) }
    }

    /// Waits until there is a batch behind `position`, or what is held may have settled.
    private func wait(
        for news: inout News, behind position: Cursor?, due: Int64?, _ stopping: Stopping, _ pause: Int64
    ) throws -> News.Event {
        let left = max(0, due.map { $0 - Clock.boot() } ?? .max / 2)
        let event = try news.wait(
            after: position?.seq ?? 0, stopping, timeout: min(left, Followers.patience * 2))
        switch event {
        case .other: return event
        case .head(let head):
            guard position == nil else {
                // A watcher of another file than this one, which has its name now, has no news of it.
                if try asking.file.snapshotOrFailure(asking.database, { try $0.has(head) }) { return event }
                throw Failure(.cannotVouch, "cannot vouch: another journal has taken the name of this one")
            }
        case .silence: break
        }
        let other = try stopping.wait(timeout: min(left, pause))
        if case .timeout = other { return .silence }
        return .other(other)
    }

    /// Tells by which cursor to continue behind what is printed.
    private func mark(_ cursor: Cursor, _ stream: inout AnswerStream) throws {
        try asking.makeDurable(cursor, durable: nil)
        if marksCursors { try stream.mark(cursor) }
        if let cursorFile { try CursorFile.write(cursor, to: cursorFile) }
    }

    private func durable(_ cursor: Cursor) throws -> Cursor {
        try asking.makeDurable(cursor, durable: nil)
        return cursor
    }
}
