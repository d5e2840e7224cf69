import ArgumentParser
import Glibc

/// `Bench guard`: counts instructions and compares them with those that are kept, so that what gets slower says so on any
/// machine and under any load.
///
/// The numbers are those of one compiler, one SQLite and one C library: after an update they are counted anew.
struct Guard: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count instructions, and fail where there are more than before.")

    @OptionGroup var options: GuardOptions

    func run() throws {
        guard Callgrind.isInstalled else { throw Failed("no valgrind: make bench-deps installs it") }
        guard unsafe access(options.journal, X_OK) == 0 else {
            throw Failed("\(options.journal): not there: make build")
        }
        let base = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/var/tmp"
        let directory = "\(base)/journal-guard.\(getpid())"
        let worker = [Program.own, "count", directory, "--journal", options.journal, "--kept", options.kept]
        throw ExitCode(
            try Supervisor(directory: directory, keeps: false).run(worker + (options.accept ? ["--accept"] : [])))
    }
}

struct GuardOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The journal to count.", valueName: "path"))
    var journal = ".build/release/journal"
    @Option(help: ArgumentHelp("Where the numbers are kept.", valueName: "path"))
    var kept = "Packaging/perf-guard.tsv"
    @Flag(help: "Keep what is counted now.")
    var accept = false
}

/// `Bench count`: the counting itself, in a process that can be killed.
struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Argument var directory: String
    @OptionGroup var options: GuardOptions

    func run() throws {
        let kept = KeptCounts(System.text(options.kept))
        var counts = KeptCounts("")
        var isWorse = false
        print(KeptCounts.line("scenario", "instructions", "kept", "difference"))
        for (name, count) in Scenarios(options.journal, in: directory).all {
            let found = try count()
            counts[name] = found
            let difference = kept[name].map { Double(found - $0) / Double($0) }
            let verdict = KeptCounts.verdict(difference)
            if verdict.isWorse { isWorse = true }
            let percent = difference.map { ($0 * 100).text(digits: 2) + " %" } ?? ""
            let line = KeptCounts.line(name, String(found), kept[name].map(String.init) ?? "", percent)
            print(verdict.text.isEmpty ? line : "\(line)  \(verdict.text)")
        }
        guard options.accept else { throw ExitCode(isWorse ? 1 : 0) }
        try System.replace(options.kept, Array(counts.text.utf8))
    }
}

/// `Bench decode`: what the scenario of that name counts.
struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Argument var times: Int

    func run() { print(Decoding.sum(times: times)) }
}
