import ArgumentParser
import Changes
import Kernel
import Query

/// `journal query`: what changed.
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "What changed since then.",
        discussion: "WHEN: \(When.forms)")

    @OptionGroup var database: DatabaseOption
    @Option(help: ArgumentHelp("From when on: \(When.forms)", valueName: "when"))
    var since = "start"
    @Option(help: ArgumentHelp("Until when.", valueName: "when"))
    var until = "now"
    @OptionGroup var options: QueryOptions
    @Flag(help: "End json with a line that has the cursor to continue from.")
    var cursor = false
    @Option(help: ArgumentHelp("Write the cursor to continue from there, after all output.", valueName: "file"))
    var cursorOut: String?
    @Flag(help: "Every change as it is committed, until SIGINT; waits through gaps and restarts.")
    var follow = false
    @Option(
        help: ArgumentHelp(
            "With --follow: hold a path back until nothing happened to it for so long.", valueName: "duration"))
    var settle: Timeout?
    @Flag(help: "Answer as of the last commit; needs no watcher.")
    var noSync = false
    @Flag(help: "Print what is known although the journal cannot vouch for it.")
    var partial = false
    @Option(help: ArgumentHelp("How long to wait for the watcher, and for gaps to close.", valueName: "duration"))
    var timeout = Timeout(.seconds(30))
    @Argument(help: "What to ask about; all roots without one.")
    var paths: [String] = []

    mutating func run() throws {
        if follow { options.log = true }
        var selection = try options.selection()
        try check(selection)
        let now = try Now.current()
        let question = Question(
            since: try QuestionArguments.when(since, option: "--since", now: now),
            until: try QuestionArguments.when(until, option: "--until", now: now))
        let path = try database.path
        let file = try DatabaseOption.open(path)
        var asking = Asking(
            database: path, file: file, question: question, now: now, noSync: noSync, timeout: timeout.duration)
        try QuestionArguments.ask(&asking.question, about: paths, file, path)
        let base = try options.base(of: asking.question.paths, file, path, isNew: true)
        selection.companions = try options.companions(of: base)
        let printer = Printer(
            database: path, options: options, list: try options.list, selection: selection, base: base)
        if follow {
            return try Following(
                asking: asking, printer: printer, marksCursors: cursor, cursorFile: cursorOut,
                quiet: settle?.nanoseconds
            ).run()
        }

        let (verdict, answer) = try asking.ask { snapshot, verdict -> Answer? in
            guard let span = verdict.resolution.span, printsAnything(verdict) else { return nil }
            return try snapshot.answer(span, asking.question, printer.reading)
        }
        guard verdict.isVouched, let answer else {
            if let answer { try printer.print(answer, cursor: nil, verdict) }
            throw RefusalReport.failure(verdict, instead: "--no-sync answers as of then", takesSince: true)
        }
        let handedOut = selection.shape == .net && selection.limit != nil ? nil : answer.span.cursor
        if let handedOut, handsOutCursor { try asking.makeDurable(handedOut, verdict) }
        try printer.print(answer, cursor: printsCursor ? handedOut : nil, verdict)
        if let cursorOut, let handedOut, !partial { try CursorFile.write(handedOut, to: cursorOut) }
    }

    /// > Without `--partial`, json, csv and paths print nothing on status 3; text prints what is known.
    private func printsAnything(_ verdict: Asking.Verdict) -> Bool {
        verdict.isVouched || partial || options.format == .text
    }

    /// Whether a cursor leaves at all, which costs a sync.
    private var handsOutCursor: Bool { printsCursor || (!partial && cursorOut != nil) }
    private var printsCursor: Bool { !partial && (options.format == .text || cursor) }

    private func check(_ selection: Selection) throws(Failure) {
        if cursor, options.format != .json {
            throw Failure(.usage, "--cursor is for --format json; others have --cursor-out")
        }
        if settle != nil, !follow { throw Failure(.usage, "--settle is for --follow") }
        if settle != nil, options.renames == .follow {
            throw Failure(.usage, "--settle looks at each path by itself, and cannot follow renames")
        }
        if follow, partial || until != "now" || options.limit != nil {
            throw Failure(.usage, "--follow has no end: --until, --limit and --partial are not for it")
        }
        if cursorOut != nil, selection.shape == .net, selection.limit != nil {
            throw Failure(.usage, "--limit on a net answer leaves no cursor to continue from; --log has pages")
        }
    }
}

/// `--cursor-out FILE`.
enum CursorFile {
    static func write(_ cursor: Cursor, to file: String) throws(Failure) {
        do {
            try AtomicFile.write(Array("\(cursor)\n".utf8), to: ArgumentText.bytes(file))
        } catch {
            throw Failure(
                error.isForbidden
                    ? .permission : error.isMissing || error.isOfADirectory ? .cannotCreate : .inputOutput,
                "\(ShellQuote.text(ArgumentText.bytes(file))): cannot write the cursor: \(error.reason)")
        }
    }
}
