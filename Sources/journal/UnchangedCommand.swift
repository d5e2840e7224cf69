import ArgumentParser
import Changes
import Kernel
import Query

/// `journal unchanged`: the gate. It prints nothing on stdout, and 0 is a proof.
struct UnchangedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unchanged",
        abstract: "0 only if provably nothing changed since then, 1 if something did, else 3.",
        discussion: "WHEN: \(When.forms)")

    @OptionGroup var database: DatabaseOption
    @Option(help: ArgumentHelp("From when on: \(When.forms)", valueName: "when"))
    var since: String
    @Option(help: ArgumentHelp("How long to wait for the watcher, and for gaps to close.", valueName: "duration"))
    var timeout = Timeout(.seconds(30))
    @Argument(help: "What to ask about; all roots without one.")
    var paths: [String] = []

    func run() throws {
        let now = try Now.current()
        let path = try database.path
        let question = Question(since: try QuestionArguments.when(since, option: "--since", now: now))
        let file = try DatabaseOption.open(path)
        var asking = Asking(
            database: path, file: file, question: question, now: now, noSync: false, timeout: timeout.duration)
        try QuestionArguments.ask(&asking.question, about: paths, file, path)

        let (verdict, changed) = try asking.ask { snapshot, verdict -> Bool in
            guard verdict.isVouched, let span = verdict.resolution.span else { return true }
            return try snapshot.hasChanges(span, asking.question)
        }
        guard verdict.isVouched, let span = verdict.resolution.span else {
            throw RefusalReport.failure(verdict, takesSince: true)
        }
        if changed { throw ExitCode(ExitStatus.differs.rawValue) }
        // A 0 lets the asker keep its old cursor, or skip a backup: what it rests on has to survive a power loss.
        try asking.makeDurable(span.cursor, verdict)
    }
}
