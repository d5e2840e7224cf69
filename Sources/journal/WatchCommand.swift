import ArgumentParser
import Changes
import Kernel
import Query
import Store

/// Which of the kernel's interfaces tells of changes.
enum Backend: String, ExpressibleByArgument, CaseIterable {
    case auto, inotify, fanotify
}

/// What a root covers, as `watch` and `scan` take it.
struct CoverageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Do not watch this (gitignore syntax, relative to the root); may be given again.", valueName: "glob"))
    var exclude: [String] = []
    @Flag(help: "Drop the excludes that are stored.")
    var noExclude = false
    @Flag(help: "Go into file systems that are mounted below a root.")
    var crossMounts = false

    func validate() throws {
        if noExclude && !exclude.isEmpty { throw ValidationError("--no-exclude and --exclude contradict each other") }
    }
}

/// `journal watch`: the watcher, in the foreground.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch trees and keep the journal, in the foreground.",
        discussion: "Without ROOT it takes up the roots that are stored. SIGTERM and SIGINT end it cleanly.")

    @OptionGroup var database: DatabaseOption
    @OptionGroup var coverage: CoverageOptions
    @OptionGroup var retention: RetentionOptions
    @Option(help: "Where changes come from.")
    var backend = Backend.auto
    @Option(help: ArgumentHelp("How long changes may wait to be read and committed.", valueName: "duration"))
    var latency = Timeout(.milliseconds(100))
    @Option(
        help: ArgumentHelp(
            "How often to crawl what makes no events: network file systems, and what the kernel has no watches for.",
            valueName: "duration"))
    var crawlEvery = Timeout(.seconds(15 * 60))
    @Option(
        help: ArgumentHelp(
            "Compare each root with its state so long after the last time, in the background; never without this.",
            valueName: "duration"))
    var auditEvery: Timeout?
    @Argument(help: "The trees to watch.")
    var roots: [String] = []

    func run() throws {
        if backend == .fanotify { throw Failure(.unavailable, "fanotify: not available yet; inotify is") }
        // Opening a database that was not closed takes its time: a first signal waits for that, a second one does not.
        let stop = try StopFlag()
        let path = try database.path
        let paths = try roots.map { try PathArgument.directory(ArgumentText.bytes($0)) }
        let pace = Watcher.Pace(
            latency: latency.nanoseconds, sweeps: crawlEvery.nanoseconds, audits: auditEvery?.nanoseconds)
        guard (1_000_000...60_000_000_000).contains(pace.latency) else {
            throw Failure(.usage, "--latency takes a duration from 1ms to 60s")
        }
        guard pace.sweeps >= 1_000_000_000, pace.audits ?? .max >= 1_000_000_000 else {
            throw Failure(.usage, "--crawl-every and --audit-every take durations from 1s on")
        }
        try Writing.with(path, creates: !paths.isEmpty) { store, files in
            let taken = try RootSelection(store: store, coverage: coverage).watch(paths)
            try retention.keep(in: store)
            let watcher = try Watcher(store, files, database: path, pace: pace, stop: stop)
            for (root, formerExcludes) in taken { try watcher.add(root, formerExcludes: formerExcludes) }
            try watcher.run(until: .signal)
        }
    }
}
