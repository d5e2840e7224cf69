import ArgumentParser
import Changes
import Kernel
import Query

/// `journal consume`: a list for a command, and a place that moves only when the command has succeeded.
struct ConsumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume", abstract: "Run a command with what changed since its last success.",
        usage: """
            journal consume NAME [<options>] [<paths> ...] -- COMMAND...
            journal consume NAME [<options>] [<paths> ...] --initial [-- FULL-COMMAND...]
            """,
        discussion: """
            COMMAND has the list on stdin, and {} in it becomes the name of a file that holds it. NAME moves on when COMMAND exits 0, \
            so that a list that failed comes again. Where nothing changed COMMAND is not run. Status 3: nothing was run, because \
            NAME is new, was made with other options, or cannot be vouched for; where that does not pass by itself, --initial and a \
            full run begin it anew.

            COMMAND finds JOURNAL_DB, JOURNAL_CONSUMER, and the cursors of the list's ends, JOURNAL_SINCE and JOURNAL_UNTIL, in its \
            environment. Its status is passed on; 3 and 64 to 78, which are the journal's own, become 1.
            """)

    @OptionGroup var database: DatabaseOption
    @Argument(help: "Whose list it is.")
    var name: String
    @Argument(
        help: ArgumentHelp(
            "What to ask about, all roots without one; and after -- the command with its arguments.",
            valueName: "paths"))
    var words: [String] = []
    @OptionGroup var options: QueryOptions
    @Flag(help: "Begin anew: take the cursor, run the full command if there is one, and set NAME there if it exits 0.")
    var initial = false
    @Flag(help: "Run the command also where nothing changed.")
    var always = false
    @Option(help: ArgumentHelp("Statuses of the command that are success too, besides 0.", valueName: "statuses"))
    var accept: String?
    @Option(help: ArgumentHelp("How long to wait for the watcher, and for gaps to close.", valueName: "duration"))
    var timeout = Timeout(.seconds(30))

    /// What stands behind the terminator. ArgumentParser has one list of words, in which it is left out.
    private var command: [[UInt8]] {
        let arguments = ThisProcess.arguments
        return arguments.firstIndex(of: Array("--".utf8)).map { Array(arguments[($0 + 1)...]) } ?? []
    }

    mutating func run() throws {
        // Whoever reads a list from stdin wants paths.
        if options.tool == nil { options.askedFormat = options.askedFormat ?? .paths }
        let accepted = try check()
        let path = try database.path
        let file = try DatabaseOption.open(path)
        var selection = try options.selection()
        var question = Question(since: .now)
        try QuestionArguments.ask(&question, about: words.dropLast(command.count), file, path)
        let base = try options.base(of: question.paths, file, path, isNew: initial)
        selection.companions = try options.companions(of: base)
        let lock = try locked(path)
        defer { lock.release() }
        let consumption = Consumption(
            name: name, asks: options.description(of: selection, paths: question.paths, base: base), command: command,
            accepted: accepted, lock: lock,
            asking: Asking(
                database: path, file: file, question: question, now: try Now.current(), noSync: false,
                timeout: timeout.duration),
            printer: Printer(database: path, options: options, list: try options.list, selection: selection, base: base)
        )
        try initial ? consumption.begin() : consumption.goOn(always: always)
    }

    /// The statuses that count as success.
    private func check() throws(Failure) -> Set<Int32> {
        // Without a NAME the first word of the command is taken for it.
        guard words.count >= command.count else {
            throw Failure(.usage, "NAME is missing: journal consume NAME [options] -- COMMAND")
        }
        guard !name.isEmpty, name.utf8.count <= 200, ShellQuote.harmless(name) == name, !name.contains("\n"),
            !ArgumentText.isSpelled(name)
        else {
            throw Failure(.usage, "a name of 1 to 200 bytes of UTF-8 is needed, without control characters")
        }
        if command.isEmpty, !initial {
            throw Failure(.usage, "no command: journal consume NAME [options] -- COMMAND")
        }
        if initial, always { throw Failure(.usage, "--always is for lists, and --initial takes none") }
        if options.limit != nil, !options.log {
            throw Failure(.usage, "--limit on a net answer leaves no cursor to move to; --log has pages")
        }
        var accepted: Set<Int32> = [0]
        for part in accept?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
            guard let status = Int32(part), (0...255).contains(status) else {
                throw Failure(.usage, "--accept takes exit statuses: --accept 0,24")
            }
            accepted.insert(status)
        }
        return accepted
    }

    private func locked(_ database: Path) throws(Failure) -> NameLock {
        let file = DatabaseFiles(database: database).path(.lock)
        do {
            if let lock = try NameLock(Array(name.utf8), in: file) { return lock }
        } catch {
            throw Failure(
                error.isForbidden ? .permission : .inputOutput,
                "\(ShellQuote.text(file)): cannot lock consumer \(shown): \(error.reason)")
        }
        throw Failure(.held, "consumer \(shown): another run of it has not ended")
    }

    private var shown: String { ShellQuote.text(Array(name.utf8)) }
}
