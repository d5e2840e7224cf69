import ArgumentParser
import Changes
import Kernel
import Query

/// `journal consumers`: who takes lists, and how far each is.
struct ConsumersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consumers", abstract: "Show who takes lists, what of, and how far behind they are.",
        subcommands: [ConsumersListCommand.self, ConsumersDropCommand.self],
        defaultSubcommand: ConsumersListCommand.self)
}

struct ConsumersListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show names, selections, cursors and lag.")

    @OptionGroup var database: DatabaseOption
    @Flag(help: "One object a line.")
    var json = false

    func run() throws {
        let path = try database.path
        let file = try DatabaseOption.open(path)
        let consumers = try file.snapshotOrFailure(path) { snapshot in
            try snapshot.consumers().map { ($0, try snapshot.lag(of: $0)) }
        }
        var output = Output.standardOutput()
        for (consumer, lag) in consumers {
            try output.write(json ? Self.json(consumer, lag) : Self.text(consumer, lag))
        }
        try output.flush()
    }

    private static func text(_ consumer: Consumer, _ lag: Lag) -> String {
        """
        \(ShellQuote.harmless(consumer.name))
            takes      \(consumer.selection.isEmpty ? "everything" : ShellQuote.harmless(consumer.selection))
            up to      \(place(lag))
            moved      \(Timestamp.local(consumer.updated))
            cursor     \(consumer.cursor)

        """
    }

    private static func place(_ lag: Lag) -> String {
        switch lag {
        case .behind(changes: 0, let time): "\(Timestamp.local(time)), nothing behind"
        case .behind(let changes, let time):
            "\(Timestamp.local(time)), at most \(Grouped.text(Int(changes))) changes behind"
        case .refused(let reason): "nowhere: \(RefusalReport.line(reason, nil))"
        }
    }

    private static func json(_ consumer: Consumer, _ lag: Lag) -> String {
        var members: [(String, JSON)] = [
            ("name", .string(consumer.name)), ("selection", .string(consumer.selection)),
            ("cursor", .string(consumer.cursor.description)), ("seq", .number(consumer.cursor.seq)),
            ("updated", .time(consumer.updated)),
        ]
        switch lag {
        case .behind(let changes, let time): members += [("up_to", .time(time)), ("behind", .number(changes))]
        case .refused(let reason): members.append(("refused", .string(RefusalReport.line(reason, nil))))
        }
        return JSON.object(members).text + "\n"
    }
}

struct ConsumersDropCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Forget a consumer: nothing is kept for it any more.")

    @OptionGroup var database: DatabaseOption
    @Argument(help: "Its name.")
    var name: String

    func run() throws {
        let path = try database.path
        guard try ConsumerPlace.drop(name, path) else {
            throw Failure(
                .noInput, "\(ShellQuote.text(path.shown)): no consumer is named \(ArgumentText.shown(name))",
                hint: "`journal consumers` lists them")
        }
    }
}
