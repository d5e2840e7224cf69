import ArgumentParser
import Changes
import Kernel
import Query

/// One run of a consumer: from its place, by way of its command, to its next place.
///
///     the place of NAME   ──list──▶   COMMAND   ──0──▶   where the list was taken
///                                        └──else──▶   stays; the next list has all of it again
///
/// At least once: the list's end is on the disk before the command hears of the list, and the place moves after it. So
/// nothing is lost, whoever is killed in between.
struct Consumption {
    var name: String
    /// What it asks for, as it is stored.
    var asks: String
    var command: [[UInt8]]
    /// The statuses of the command that are success.
    var accepted: Set<Int32>
    var lock: NameLock
    var asking: Asking
    var printer: Printer

    /// Takes the cursor first, then runs the full command, so that what changes meanwhile is in the first list.
    func begin() throws {
        let (verdict, _) = try asking.ask { _, _ in }
        guard verdict.isVouched, let span = verdict.resolution.span else { throw RefusalReport.failure(verdict) }
        try asking.makeDurable(span.cursor, verdict)
        let status = command.isEmpty ? 0 : try listed(from: nil, to: span.cursor).run(nil)
        try end(status, from: nil, to: span.cursor)
    }

    /// Takes the list since the last time, and runs the command with it unless it is empty.
    func goOn(always: Bool) throws {
        let known = try place()
        var asking = asking
        asking.question.since = .cursor(known)
        let (verdict, answer) = try asking.ask { snapshot, verdict -> Answer? in
            guard verdict.isVouched, let span = verdict.resolution.span else { return nil }
            return try snapshot.answer(span, asking.question, printer.reading)
        }
        guard let answer else {
            var failure = RefusalReport.failure(verdict)
            // What only waiting helps against, a full run does not.
            if verdict.resolution.refusal?.reasons.contains(where: { !$0.passes }) == true {
                failure.hint = [failure.hint, hint].compactMap { $0 }.joined(separator: "\njournal: hint: ")
            }
            throw failure
        }
        let cursor = answer.span.cursor
        let command = listed(from: known, to: cursor)
        let list = try command.file()
        var output = list.output
        let count = try printer.list(answer, to: &output)
        try list.rewind()
        try asking.makeDurable(cursor, verdict)
        let status = count > 0 || always ? try command.run(list) : 0
        try end(status, from: known, to: cursor)
    }

    /// Where it went to the last time.
    private func place() throws -> Cursor {
        let known = try asking.file.snapshotOrFailure(asking.database) {
            try $0.consumers().first { $0.name == name }
        }
        guard let known else { throw refusal("is new") }
        guard known.selection == asks else { throw refusal("was made with another selection: \(known.selection)") }
        return known.cursor
    }

    private func listed(from: Cursor?, to: Cursor) -> ListedCommand {
        var environment = [
            (name: "JOURNAL_DB", value: asking.database.shown), (name: "JOURNAL_CONSUMER", value: Array(name.utf8)),
            (name: "JOURNAL_UNTIL", value: Array(to.description.utf8)),
        ]
        if let from { environment.append((name: "JOURNAL_SINCE", value: Array(from.description.utf8))) }
        return ListedCommand(words: command, lock: lock, environment: environment)
    }

    /// Moves, if the command has succeeded, and ends as it did.
    ///
    /// > `consume` passes COMMAND's status through, but its 3 and 64 to 78 become 1, with the true one on stderr.
    private func end(_ status: Int32, from: Cursor?, to: Cursor) throws {
        // Also to where it is already: it is alive, and what it needs is kept.
        if accepted.contains(status) {
            try ConsumerPlace.move(Consumer.Move(name: name, selection: asks, from: from, to: to), asking.database)
        }
        if status == ExitStatus.cannotVouch.rawValue || (64...78).contains(status) {
            throw Failure(.differs, "\(ShellQuote.text(command[0])): ended with status \(status)")
        }
        if status != 0 { throw ExitCode(status) }
    }

    private func refusal(_ reason: String) -> Failure {
        Failure(.cannotVouch, "cannot vouch: consumer \(ShellQuote.text(Array(name.utf8))) \(reason)", hint: hint)
    }

    private var hint: String {
        "a full run begins it anew: journal consume \(ShellQuote.text(Array(name.utf8))) [options] --initial -- FULL-COMMAND"
    }
}
