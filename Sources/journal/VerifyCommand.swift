import ArgumentParser
import Changes
import Kernel
import Query
import Store

/// `5%`: a share of the directories.
struct Sample: ExpressibleByArgument, CustomStringConvertible {
    /// As it was given.
    let description: String
    let percent: Double

    init?(argument: String) {
        guard argument.hasSuffix("%"), let percent = Double(argument.dropLast()), percent > 0, percent <= 100 else {
            return nil
        }
        self.percent = percent
        description = argument
    }
}

/// `journal verify`: the proof. It walks the real tree in a process of its own, and compares.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Walk the real tree and compare it with the journal: 0 identical, 1 with each difference printed.",
        discussion: """
            It runs beside the live watcher, which commits all that has happened first; what differs is looked at again \
            until it can only have been missed. Without a watcher it compares with what was committed last. Contents are \
            not read. What was compared, and what came of it, is kept in the journal: `journal status` adds it up.
            """)

    @OptionGroup var database: DatabaseOption
    @Option(
        help: ArgumentHelp(
            "Compare only this share of the directories: each by itself with that probability, and the topmost always.",
            valueName: "percent%"))
    var sample: Sample?
    @Option(help: ArgumentHelp("How long to wait for the watcher, and for gaps to close.", valueName: "duration"))
    var timeout = Timeout(.seconds(30))
    @Argument(help: "What to compare; all roots without one.")
    var paths: [String] = []

    func run() throws {
        let path = try database.path
        let file = try DatabaseOption.open(path)
        let (trees, isLive) = try trees(path, file)
        var output = Output.standardOutput()
        var (audits, leftOut): ([Audit], [LeftOut]) = ([], [])
        let ownFiles = try DatabaseFiles(database: path).inodes()
        for tree in trees {
            let verification = try Verification(
                tree, file: file, ownFiles: ownFiles, sample: sample?.percent,
                barrier: isLive ? { try barrier(path) } : nil, report: { try output.write($0.line + "\n") })
            do {
                try verification.run()
            } catch {
                // What was found until then is true.
                try output.flush()
                throw (error as? JournalError).map { DatabaseOption.failure($0, path) } ?? error
            }
            audits.append(verification.audit)
            leftOut.append(verification.leftOut)
        }
        try output.flush()
        var lines = leftOut.flatMap(\.lines)
        if isLive && audits.contains(where: { $0.differences > 0 }) {
            lines.append("hint: `journal scan` looks at them, and writes them down as changes")
        }
        for audit in audits { if let reason = record(audit, path) { lines.append("not recorded: \(reason)") } }
        try say(lines.map { "journal: \($0)" } + [summary(audits)])
        if audits.contains(where: { $0.differences > 0 }) { throw ExitCode(ExitStatus.differs.rawValue) }
        if let status = leftOut.lazy.compactMap(\.failure).first { throw ExitCode(status.rawValue) }
    }

    /// What there is to compare, and whether a watcher is live; refused where the journal says nothing of it.
    private func trees(_ path: Path, _ file: JournalFile) throws -> ([ComparedTree], isLive: Bool) {
        var asking = Asking(
            database: path, file: file, question: Question(since: .now), now: try .current(), noSync: false,
            timeout: timeout.duration)
        try QuestionArguments.ask(&asking.question, about: paths, file, path)
        let (verdict, trees) = try asking.ask { snapshot, _ in try snapshot.trees(asking.question) }
        let reasons = verdict.resolution.refusal?.reasons ?? []
        let isRefused = reasons.contains { reason in
            // A gap in a part of the tree leaves the rest to be compared.
            guard case .openGap(let gap, _, _) = reason else { return true }
            return trees.contains { gap.contains($0.path) }
        }
        if isRefused || trees.isEmpty { throw RefusalReport.failure(verdict) }
        if let until = verdict.withoutWatcher {
            try say([
                "journal: no live watcher: comparing with the last commit; the last watcher looked until \(Timestamp.local(until))"
            ])
        }
        return (trees, verdict.withoutWatcher == nil)
    }

    private func barrier(_ path: Path) throws {
        switch try Client.barrier(database: path, timeout: timeout.duration) {
        case .done: return
        case .waiting(let obstacle): throw obstacle.failure(path)
        case .silence:
            throw Failure(
                .unavailable, "\(ShellQuote.text(path.shown)): the watcher is gone, or did not answer in time",
                hint: "run verify again: without a watcher it compares with the last commit")
        }
    }

    /// Keeps the result: only the watcher writes, and where none is live, whoever has the lock. Returns why that failed, which
    /// takes nothing from the result.
    private func record(_ audit: Audit, _ path: Path) -> String? {
        do {
            if audit.isLive {
                return try Client.ask(.verified(audit), database: path, timeout: timeout.duration) == nil
                    ? "the watcher is gone" : nil
            }
            try Writing.with(path, creates: false) { store, _ in try store.record(audit) }
            return nil
        } catch let failure as Failure {
            return failure.message
        } catch {
            return String(describing: error)
        }
    }

    private func summary(_ audits: [Audit]) -> String {
        func sum(_ value: (Audit) -> Int64) -> Int64 { audits.reduce(0) { $0 + value($1) } }
        func plural(_ count: Int64, _ one: String, _ many: String) -> String {
            "\(Grouped.text(count)) \(count == 1 ? one : many)"
        }
        let tenths = sum { $0.ended.boot - $0.began.boot } / 100_000_000
        let sample = sample.map { " (a sample of \($0) of the directories)" } ?? ""
        return
            "\(plural(sum(\.entries), "entry", "entries")) in \(plural(sum(\.directories), "directory", "directories"))\(sample) compared in \(tenths / 10).\(tenths % 10) s, \(plural(sum(\.differences), "difference", "differences"))"
    }

    private func say(_ lines: [String]) throws {
        var output = Output.standardError()
        for line in lines { try output.write(line + "\n") }
        try output.flush()
    }
}
