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
            StatusCommand.self, VerifyCommand.self, ForgetCommand.self,
        ])

    /// ArgumentParser prints usage errors and help and ends with 64 or 0; how everything else ends is ours to say.
    static func main() {
        Output.ignoreBrokenPipe()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            failure.report()
            exit(withError: ExitCode(failure.status.rawValue))
        } catch let error as SystemError where error.isBrokenPipe {
            // Whoever read from us has what it wanted, or said itself why not.
            exit(withError: ExitCode(ExitStatus.inputOutput.rawValue))
        } catch let error as SystemError {
            Failure(.inputOutput, String(describing: error)).report()
            exit(withError: ExitCode(ExitStatus.inputOutput.rawValue))
        } catch {
            exit(withError: error)
        }
    }
}

extension Failure {
    /// Says it on stderr. Where even that fails there is nobody left to tell.
    func report() {
        var output = Output.standardError()
        do {
            try output.write("journal: \(description)\n")
            try output.flush()
        } catch {}
    }
}
