import ArgumentParser
import Changes
import Kernel
import Query
import Store

/// `journal forget`: drops a root with its rows.
struct ForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Drop a root with its rows. The tree itself is not touched.")

    @OptionGroup var database: DatabaseOption
    @Argument(help: "The root.")
    var root: String

    func run() throws {
        let path = try database.path
        let root = try RootArgument.canonical(ThisProcess.bytes(ofArgument: root))
        let missing = Failure(
            .noInput, "\(ShellQuote.text(root.shown)): no such root", hint: "`journal status` lists them")
        try Writing.byWhoeverCan(.forget(root), path, timeout: .seconds(600)) {
            if $0["missing"] != nil { throw missing }
        } writing: { store in
            guard let stored = try store.roots().first(where: { $0.path == root }) else { throw missing }
            try store.forget(stored)
            try Pruner(store, reporter: Reporter()).giveBackAll()
        }
    }
}
