import ArgumentParser
import Changes
import Kernel
import Query

/// `journal git-fsmonitor`: what git runs, ``GitHook``, and how it comes to.
struct GitFsmonitorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: GitHook.commandName, abstract: "Tell git what changed: its fsmonitor hook, version 2.",
        usage: """
            journal git-fsmonitor [--db <path>] 2 <token>
            journal git-fsmonitor [--db <path>] --install
            journal git-fsmonitor --uninstall
            """,
        discussion: """
            git runs this itself, in a repository that was set up by --install: `git status` then looks only at what the \
            journal tells of. Where the journal cannot vouch, git looks at everything, as it did before.
            """)

    @OptionGroup var database: DatabaseOption
    @Flag(help: "Set up the repository of this directory.")
    var install = false
    @Flag(help: "Put back what --install has replaced.")
    var uninstall = false
    // A token that begins like an option is a wrong token, and no wrong option.
    @Argument(
        parsing: .allUnrecognized, help: "What git says: the version of the hook, and the token of its last question.")
    var said: [String] = []

    func validate() throws {
        if install && uninstall { throw ValidationError("--install and --uninstall contradict each other") }
        if (install || uninstall) && !said.isEmpty {
            throw ValidationError("nothing goes with --install or --uninstall")
        }
    }

    func run() throws {
        if install { return try GitInstallation(database: database).install() }
        if uninstall { return try GitInstallation(database: database).uninstall() }
        // Version 1 has times for tokens, which a clock that is set back makes wrong. git asks for it where version 2 has failed
        // and core.fsmonitorHookVersion is unset.
        if said.first == "1" {
            throw Failure(
                .differs, "version 1 of the hook is not spoken here",
                hint: "git config core.fsmonitorHookVersion 2")
        }
        guard said.count == 2, said[0] == "2" else {
            throw Failure(
                .usage, "git-fsmonitor takes the version, 2, and a token",
                hint: "`journal git-fsmonitor --install` makes git run it")
        }
        try GitHook(database: database, token: said[1]).run()
    }
}
