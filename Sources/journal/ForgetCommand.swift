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
        let argument = ArgumentText.bytes(root)
        // Where the root was there may be a link now; it is known by what it was.
        let place = try PathArgument.canonical(PathArgument.withoutSlash(argument))
        let root = try PathArgument.directory(argument)
        if try forget(place, path) { return }
        if try place != root && forget(root, path) { return }
        throw Failure(.noInput, "\(ShellQuote.text(place.shown)): no such root", hint: "`journal status` lists them")
    }

    /// False where there is no such root.
    private func forget(_ root: Path, _ database: Path) throws -> Bool {
        try Writing.byWhoeverCan(.forget(root), database, timeout: .seconds(600)) {
            $0["missing"] == nil
        } writing: { store in
            guard let stored = try store.roots().first(where: { $0.path == root }) else { return false }
            try store.forget(stored)
            try Pruner(store, reporter: Reporter()).giveBackAll()
            return true
        }
    }
}
