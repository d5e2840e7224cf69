import ArgumentParser

/// The command line: one file a subcommand.
@main
struct Journal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "The change journal of Linux: what changed since.",
        version: "0.1.0",
        subcommands: [])
}
