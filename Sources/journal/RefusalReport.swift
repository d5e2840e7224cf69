import Changes
import Query

/// What a person reads where the journal cannot vouch: why, since when it can, and what to do.
enum RefusalReport {
    /// `instead` is what this command does without a watcher; `takesSince` whether it can be asked from another time.
    static func failure(_ verdict: Asking.Verdict, instead: String? = nil, takesSince: Bool = false) -> Failure {
        var lines: [String] = []
        if let refusal = verdict.resolution.refusal { lines += refusal.reasons.map { line($0, refusal.horizonNS) } }
        if let until = verdict.withoutWatcher {
            let reason = verdict.obstacle.map { "the watcher \($0.words)" }
            lines.append(
                "\(reason ?? noWatcher(verdict.silent)), so the journal cannot vouch for now, only until \(Timestamp.local(until))"
                    + (instead.map { "; \($0)" } ?? ""))
        }
        if lines.isEmpty { lines.append("nothing was ever committed") }
        var hints: [String] = []
        if takesSince, let since = verdict.resolution.refusal?.answersSince {
            hints.append("it can answer since \(Timestamp.local(since.time)): --since \(since.cursor)")
        }
        if let scan = verdict.resolution.refusal?.scan, !scan.isEmpty {
            hints.append(
                "needs a scan: journal scan \(Set(scan).sorted().map { ShellQuote.text($0.shown) }.joined(separator: " "))"
            )
        }
        for reason in verdict.resolution.refusal?.reasons ?? [] {
            if let remedy = remedy(reason), !hints.contains(remedy) { hints.append(remedy) }
        }
        return Failure(
            .cannotVouch, "cannot vouch: " + lines.joined(separator: "\njournal: cannot vouch: "),
            hint: hints.isEmpty ? nil : hints.joined(separator: "\njournal: hint: "))
    }

    /// `process` has the journal, and does not answer.
    static func noWatcher(_ process: Int?) -> String {
        process.map { "PID \($0), which has the journal, does not answer" } ?? "no live watcher"
    }

    /// What helps where a scan does not.
    private static func remedy(_ reason: Reason) -> String? {
        switch reason {
        case .openGap(let path, "offline", _), .notWatched(let path, .offline):
            "\(shown(path)) is taken up when it is back; journal scan --adopt \(shown(path)) takes what is there now for it"
        case .openGap(_, "stopped", _), .notWatched(_, .stopped):
            "`journal watch` without ROOT takes up what is stopped"
        case .openGap(let path, "unreadable", _): "\(shown(path)) is looked at when the watcher may read it"
        case .openGap(let path, "hidden", _): "\(shown(path)) is looked at when nothing is mounted there"
        case .openGap(_, "watch-limit", _):
            "raise fs.inotify.max_user_watches; journal status says how many watches are missing"
        case .ledElsewhere: "ask about the place itself, and about the link"
        default: nil
        }
    }

    /// Why a question will not be answered later either; nil where all that is missing comes by waiting.
    static func lastingFailure(_ resolution: Resolution) -> Failure? {
        guard var refusal = resolution.refusal else { return nil }
        refusal.reasons.removeAll(where: \.passes)
        guard !refusal.reasons.isEmpty else { return nil }
        var lasting = resolution
        lasting.refusal = refusal
        return failure(Asking.Verdict(resolution: lasting), takesSince: true)
    }

    /// Why, in words; `horizon` is when the log begins, where it has been cut.
    static func line(_ reason: Reason, _ horizon: Int64?) -> String {
        let begins = horizon.map { ": the log begins \(Timestamp.local($0))" } ?? ""
        return switch reason {
        case .otherJournal: "the cursor is of another journal, or of this one before it was restored"
        case .aheadOfHead: "the cursor is ahead of the journal, which was restored or rolled back"
        case .unknownBatch: "the cursor is of a batch this journal does not have: it was restored or rolled back"
        case .forgotten: "what changed then has been forgotten\(begins)"
        case .droppedConsumer(let name, let time):
            "consumer \(ShellQuote.text(Array(name.utf8))) was dropped \(Timestamp.local(time)), as it had not moved for so long\(begins)"
        case .noRoots: "nothing is watched"
        case .outside(let path): "\(shown(path)): not covered: it lies in no root"
        case .ledElsewhere(let link): "\(shown(link)): this link on the way to what is asked about led elsewhere then"
        case .uncovered(let path, let coverage): "\(shown(path)): not covered: \(coverage.word)"
        case .excluded(let path): "\(shown(path)): not covered: it is excluded"
        case .beginning(let root): "\(shown(root)): its first crawl is not done"
        case .joinedLater(let root): "\(shown(root)): it joined after that"
        case .beforeCoverage(let path): "\(shown(path)): its coverage begins after that"
        case .notWatched(let root, let state): "\(shown(root)): it is \(state.word)"
        case .openGap(let path, let cause, let since):
            "\(shown(path)): not looked at since \(Timestamp.local(since)) (\(cause))"
        case .endsInGap(let path, let cause): "\(shown(path)): was not looked at when the question ends (\(cause))"
        case .notLookedYet(let time): "nobody looked after \(Timestamp.local(time))"
        }
    }

    private static func shown(_ path: Path) -> String { ShellQuote.text(path.shown) }
}
