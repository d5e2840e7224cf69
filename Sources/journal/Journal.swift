import ArgumentParser
import Kernel

/// The command line: one file a subcommand.
@main
struct Journal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "The change journal of Linux: what changed since.",
        version: "0.1.0",
        subcommands: [
            WatchCommand.self, ScanCommand.self, SyncCommand.self, QueryCommand.self, UnchangedCommand.self,
            ConsumeCommand.self, ConsumersCommand.self, StatusCommand.self, VerifyCommand.self, PruneCommand.self,
            ForgetCommand.self, GitFsmonitorCommand.self,
        ])

    /// ArgumentParser prints usage errors and help and ends with 64 or 0; how everything else ends is ours to say.
    static func main() {
        ThisProcess.holdStandardDescriptors()
        Output.ignoreBrokenPipe()
        let arguments = ArgumentText.all
        do {
            if let hook = GitHook(arguments) { return try hook.run() }
            var command = try parseAsRoot(Array(arguments.dropFirst()))
            try command.run()
        } catch let failure as Failure {
            failure.report()
            exit(withError: ExitCode(failure.status.rawValue))
        } catch let error as SystemError where error.isBrokenPipe {
            // Whoever read from us has what it wanted, or said itself why not.
            exit(withError: ExitCode(ExitStatus.inputOutput.rawValue))
        } catch let error as SystemError {
            Failure(.inputOutput, error.shown).report()
            exit(withError: ExitCode(ExitStatus.inputOutput.rawValue))
        } catch {
            // Help goes to stdout and has nothing of the command line in it; what is wrong with that is told with it.
            guard !exitCode(for: error).isSuccess else { exit(withError: error) }
            // In one line, also an argument of several. Where there is more to say, ArgumentParser says at the end: See '… --help'.
            let hint = fullMessage(for: error).split(separator: "\n").last?.drop { $0 == " " }
            let odd = arguments.filter { $0.contains("\n") || ArgumentText.isSpelled($0) }
            let message = odd.reduce(Self.message(for: error)) { $0.replacing($1, with: ArgumentText.shown($1)) }
            if !message.isEmpty {
                let line = message.replacing("\n", with: " ")
                Failure(.usage, line, hint: hint?.hasPrefix("See ") == true ? "s\(hint!.dropFirst())" : nil).report()
            }
            exit(withError: exitCode(for: error))
        }
    }
}

extension Failure {
    /// Says it on stderr.
    func report() { Failure.write("journal: \(description)\n") }

    /// Names are quoted where they become text. What else was on the command line may hold anything too, and is here kept
    /// from doing something to a terminal. Where writing fails there is nobody left to tell.
    fileprivate static func write(_ text: String) {
        var output = Output.standardError()
        do {
            try output.write(ShellQuote.harmless(text))
            try output.flush()
        } catch {}
    }
}

extension SystemError {
    /// `PATH: what: why`.
    var shown: String {
        let what = "\(operation): \(reason)"
        return path.map { "\(ShellQuote.text($0)): \(what)" } ?? what
    }
}
