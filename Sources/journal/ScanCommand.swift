import ArgumentParser
import Capture
import Changes
import Kernel
import Query
import Store

/// `journal scan`: a crawl now.
struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Crawl and reconcile now; without a watcher, by itself.",
        discussion: """
            Without PATH it is about all roots. Where no watcher runs, a PATH that is a directory outside every root \
            becomes one: the journal without a daemon, for cron.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var coverage: CoverageOptions
    @OptionGroup var retention: RetentionOptions
    @Flag(
        help: """
            PATH is an offline root, or an offline mount point below one: take what is there now for it, though it is \
            another file system.
            """)
    var adopt = false
    @Option(help: ArgumentHelp("How long to wait for a live watcher's crawl.", valueName: "duration"))
    var timeout = Timeout(.seconds(24 * 3600))
    @Argument(help: "What to crawl.")
    var paths: [String] = []

    func run() throws {
        let path = try database.path
        let paths = try paths.map { try PathArgument.canonical(ArgumentText.bytes($0)) }
        if adopt && paths.count != 1 { throw Failure(.usage, "--adopt takes one ROOT") }
        if try isWatched(path) {
            if !coverage.exclude.isEmpty || coverage.noExclude || coverage.crossMounts {
                throw Failure(.held, "a watcher is live: what a root covers is set when it starts")
            }
            guard retention.isEmpty else {
                throw Failure(.held, "a watcher is live: how much is kept is set when it starts")
            }
            let roots = try QuestionArguments.roots(DatabaseOption.open(path), path)
            let paths = paths.map { QuestionArguments.resolved($0, among: roots) }
            try askWatcher(path, paths)
            return try checkSeen(paths, path)
        }
        try checkSeen(crawl(path, paths), path)
    }

    /// A crawl that could not look is none.
    private func checkSeen(_ paths: [Path], _ database: Path) throws {
        let now = try Now.current()
        let resolution = try DatabaseOption.open(database).snapshotOrFailure(database) {
            try $0.resolve(Question(since: .now, paths: paths), now: now, synced: true)
        }
        let unseen = (resolution.refusal?.reasons ?? []).filter { reason in
            switch reason {
            case .openGap(_, let cause, _): ["offline", "unreadable", "hidden"].contains(cause)
            case .notWatched, .uncovered, .excluded: true
            default: false
            }
        }
        guard !unseen.isEmpty else { return }
        var refused = resolution
        refused.refusal?.reasons = unseen
        throw RefusalReport.failure(Asking.Verdict(resolution: refused))
    }

    private func isWatched(_ path: Path) throws -> Bool {
        try Client.ask(.status, database: path, timeout: .seconds(10)) != nil
    }

    private func askWatcher(_ path: Path, _ paths: [Path]) throws {
        let request: Request = adopt ? .adopt(paths[0]) : .scan(paths)
        guard let reply = try Client.ask(request, database: path, timeout: timeout.duration) else {
            throw Failure(.unavailable, "\(ShellQuote.text(path.shown)): the watcher did not answer in time")
        }
        if let missing = reply["missing"] {
            let shown = ShellQuote.text(Hex.decode(Array(missing.utf8)) ?? [])
            throw Failure(.cannotVouch, "\(shown): not covered: it lies in no live root")
        }
    }

    /// Crawls with a watcher of its own that lives as long as the crawl: what changes meanwhile is seen too.
    /// Returns what it was about.
    private func crawl(_ path: Path, _ paths: [Path]) throws -> [Path] {
        let stop = try StopFlag()
        return try Writing.with(path, creates: !paths.isEmpty) { store, files in
            let stored = try store.roots()
            let paths = paths.map { given in
                let path = QuestionArguments.resolved(given, among: stored.map(\.path))
                // What becomes a root has all links resolved.
                return stored.contains { $0.path.contains(path) } ? path : PathArgument.target(path) ?? path
            }
            let selection = RootSelection(store: store, coverage: coverage)
            var taken: [RootSelection.Taken] = []
            for root in stored where paths.isEmpty || paths.contains(where: { root.path.contains($0) }) {
                taken.append(try selection.taken(root))
            }
            for path in paths where !stored.contains(where: { $0.path.contains(path) }) {
                try selection.check(path, among: stored.map(\.path) + taken.map(\.root.path))
                taken.append(try selection.join(path))
            }
            guard !taken.isEmpty else {
                throw Failure(.noInput, "no root is stored", hint: "`journal scan DIRECTORY` begins one")
            }
            try retention.keep(in: store)
            let watcher = try Watcher(store, files, database: path, pace: .oneCrawl, stop: stop)
            for (root, formerExcludes) in taken {
                try watcher.add(root, formerExcludes: formerExcludes, adopting: adopt ? paths[0] : nil)
            }
            try watcher.run(until: .crawled)
            return paths.isEmpty ? taken.map(\.root.path) : paths
        }
    }
}
