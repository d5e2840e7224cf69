import ArgumentParser
import Glibc

/// Measures `journal` beside what others use: `make bench`.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "Measure journal beside its peers.",
        subcommands: [Run.self, Guard.self, Work.self, WriteFlood.self, Count.self, Decode.self],
        defaultSubcommand: Run.self)

    static func main() {
        // mkfs, mount and updatedb are where the PATH of a user does not go.
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        unsafe setenv("PATH", "\(path):/usr/local/sbin:/usr/sbin:/sbin", 1)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failed {
            Progress.say("\(failure)")
            exit(withError: ExitCode(2))
        } catch {
            exit(withError: error)
        }
    }
}

/// What is measured, and how.
struct RunOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The journal to measure.", valueName: "path"))
    var journal = ".build/release/journal"
    @Option(
        help: ArgumentHelp(
            "Only these workloads: "
                + Workload.allCases.map { "\($0.rawValue) (\($0.summary))" }.joined(separator: ", ") + ".",
            valueName: "letters"))
    var only = Workload.allCases.map(\.rawValue).joined(separator: ",")
    @Option(help: ArgumentHelp("How often each is measured; the median counts.", valueName: "number"))
    var `repeat` = 3
    @Flag(help: "A tenth of the sizes.")
    var quick = false
    @Option(help: ArgumentHelp("Where the figures go as JSON.", valueName: "path"))
    var json = ".build/bench.json"
    @Option(help: ArgumentHelp("Where the trees are made, rather than in /dev/shm.", valueName: "dir"))
    var scratch: String?
    @Flag(help: "Leave the trees and the journals; with --only, for they are large.")
    var keep = false

    var sizes: Sizes { quick ? .quick : .full }

    func workloads() throws -> [Workload] {
        let letters = only.split(separator: ",").map(String.init)
        let chosen = letters.compactMap(Workload.init(rawValue:))
        guard chosen.count == letters.count, !chosen.isEmpty else {
            throw ValidationError("--only takes some of \(Workload.allCases.map(\.rawValue).joined(separator: ","))")
        }
        return Workload.allCases.filter(chosen.contains)
    }

    func validate() throws {
        _ = try workloads()
        guard `repeat` > 0 else { throw ValidationError("--repeat takes a number from 1 on") }
    }

    /// The same as words of a command line.
    var words: [String] {
        ["--journal", journal, "--only", only, "--repeat", String(`repeat`), "--json", json]
            + (quick ? ["--quick"] : []) + (keep ? ["--keep"] : [])
    }
}

/// `Bench run`: makes a place for the workloads, has them run there, and cleans up.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the workloads and print each target.")

    @OptionGroup var options: RunOptions

    func run() throws {
        guard unsafe access(options.journal, X_OK) == 0 else {
            throw Failed("\(options.journal): not there: make build")
        }
        let directory = "\(Scratch.base(options.scratch, options.sizes))/journal-bench.\(getpid())"
        let supervisor = Supervisor(directory: directory, keeps: options.keep)
        let status = try supervisor.run([Program.own, "work", directory] + options.words)
        throw ExitCode(status)
    }
}

/// `Bench work`: the workloads themselves, in a process that can be killed.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Argument var directory: String
    @OptionGroup var options: RunOptions

    func run() throws {
        let scratch = try Scratch(directory)
        if let warning = scratch.warning { Progress.say(warning) }
        let stage = Stage(
            binary: try System.absolute(options.journal), scratch: scratch, sizes: options.sizes,
            repetitions: options.repeat,
            keeps: options.keep)
        var report = Report(
            Machine(scratch: scratch, sizes: options.quick ? "quick" : "full", repetitions: options.repeat))
        for workload in try options.workloads() { workload.run(stage, &report) }
        report.machine.loadAtEnd = Machine.currentLoad
        print(report.text, terminator: "")
        try report.write(to: options.json)
        throw ExitCode(report.status)
    }
}

/// `Bench flood`: one of the writers of workload F.
struct WriteFlood: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "flood", shouldDisplay: false)

    @Argument var directory: String
    @Argument var seconds: Double

    func run() throws { print(try Flood.write(in: directory, seconds: seconds)) }
}
