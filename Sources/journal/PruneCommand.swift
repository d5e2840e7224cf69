import ArgumentParser
import Changes
import Kernel
import Query
import Store

/// `journal prune`: forgets old log rows now.
struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Forget what changed before a time.",
        discussion: """
            What is there now, roots, open gaps and audits stay. What a consumer needs is kept, unless the consumer has not \
            moved for --keep-consumer: then as much goes as can, and the status is 75.

            WHEN: \(When.forms)
            """)

    @OptionGroup var database: DatabaseOption
    @Option(help: ArgumentHelp("Questions from then on are still answered.", valueName: "when"))
    var before: String

    func run() throws {
        let path = try database.path
        let target = try position(path)
        let outcome = try prune(path, upTo: target)
        var output = Output.standardError()
        let horizon = try DatabaseOption.open(path).snapshotOrFailure(path) { try $0.overview().horizonNS }
        let since = horizon.map { "; the log begins \(Timestamp.local($0))" } ?? ""
        try output.write(
            "journal: \(Grouped.text(outcome.changes)) \(outcome.changes == 1 ? "change" : "changes") forgotten, "
                + "\(ByteCount.text(outcome.bytes)) given back\(since)\n")
        try output.flush()
        guard let holder = outcome.holder else { return }
        let name = ShellQuote.text(Array(holder.name.utf8))
        throw Failure(
            .held,
            "\(ShellQuote.text(path.shown)): not all was forgotten: consumer \(name), which moved last \(Timestamp.local(holder.updated)), needs what changed since",
            hint: "journal consumers drop \(name)")
    }

    /// Where WHEN is. The file is closed before anybody writes to it here.
    private func position(_ path: Path) throws -> Int64 {
        let now = try Now.current()
        let when = try QuestionArguments.when(before, option: "--before", now: now)
        switch try DatabaseOption.open(path).snapshotOrFailure(path, { try $0.position(of: when, now: now) }) {
        case .batch(let seq): return seq
        case .refused(let reason):
            throw Failure(.cannotVouch, "\(ShellQuote.text(path.shown)): --before: \(RefusalReport.line(reason, nil))")
        }
    }

    private func prune(_ path: Path, upTo seq: Int64) throws -> Pruner.Outcome {
        try Writing.byWhoeverCan(.prune(upTo: seq), path, timeout: .seconds(600)) {
            Pruner.Outcome($0)
        } writing: {
            try Pruner($0, reporter: Reporter()).run(upTo: seq)
        }
    }
}
