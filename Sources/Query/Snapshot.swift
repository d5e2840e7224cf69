package import Changes
internal import GRDB

/// The journal at one moment.
package struct Snapshot {
    let db: Database
    /// Where it is from.
    let file: JournalFile

    /// What this journal can say to `question`. `synced`: a watcher has just committed all that had happened.
    package func resolve(_ question: Question, now: Now, synced: Bool) throws -> Resolution {
        let batches = Batches(db: db)
        let meta = try Meta(db)
        let subjects = try Subjects(db, paths: question.paths)
        guard let head = try batches.head() else {
            let reasons = subjects.reasons + subjects.roots.map { .beginning(root: $0.path) }
            return Resolution(
                span: nil, refusal: Refusal(reasons: reasons, scan: [], gaps: [:]), head: nil, uncovered: [],
                patterns: 0)
        }
        let ends = Ends(batches: batches, meta: meta, now: now, synced: synced, head: head)
        let start = try ends.start(question.since)
        let end = try ends.end(question.until)
        let uncovered = try subjects.uncovered(db)
        var check = try CoverageCheck(
            subjects: subjects, gaps: Gap.touching(subjects, uncovered: uncovered, db), horizon: meta.horizon,
            start: start, end: end)
        var resolution = Resolution(
            span: nil, refusal: nil, head: meta.cursor(head), uncovered: uncovered,
            patterns: try subjects.patterns(db))

        if let until = end.position, let since = check.since {
            if since > until {
                // With a start of its own a question that ends too early is the user's mistake, else coverage is short.
                guard case .earliest = start else { throw JournalError.reversed }
                check.reasons += subjects.roots.map { .beforeCoverage($0.path) }
                check.since = nil
            }
            guard let last = try batches.upTo(until) else {
                throw JournalError.corrupt("batch \(until) is not there")
            }
            resolution.span = check.since.map { Span(since: $0, until: until, cursor: meta.cursor(last)) }
            // Also behind the end: the paths were found as of now, which may be later than the last commit.
            let ways = LedElsewhere(db)
            if let span = resolution.span,
                let link = try ways.link(among: question.way, since: span.since, until: head.seq)
                    ?? ways.unknown(among: question.links)
            {
                check.reasons.append(.ledElsewhere(link))
                check.laterStartWouldDo = false
            }
        }
        if !question.links.isEmpty {
            let ofLinks = Question(since: question.since, until: question.until, paths: question.links.map(\.path))
            let refusal = try resolve(ofLinks, now: now, synced: synced).refusal
            check.reasons += (refusal?.reasons ?? []).filter { !check.reasons.contains($0) }
            check.openGaps.merge(refusal?.gaps ?? [:]) { gap, _ in gap }
            check.scan += refusal?.scan ?? []
        }
        if !check.reasons.isEmpty {
            var refusal = Refusal(reasons: check.reasons, scan: check.scan, gaps: check.openGaps)
            if check.laterStartWouldDo, let batch = try batches.from(check.earliest) {
                refusal.answersSince = .init(cursor: meta.cursor(batch), time: batch.committedNS)
            }
            refusal.horizonNS = try batches.at(meta.horizon)?.committedNS
            resolution.refusal = refusal
        }
        return resolution
    }

    /// Where a WHEN is in the log.
    package enum Position: Sendable {
        /// Behind this batch; 0 where that is before all of them.
        case batch(Int64)
        case refused(Reason)
    }

    /// Up to where the log can be forgotten so that a question from `when` on is still answered.
    package func position(of when: When, now: Now) throws -> Position {
        let batches = Batches(db: db)
        let meta = try Meta(db)
        guard let head = try batches.head() else { return .batch(0) }
        switch try Ends(batches: batches, meta: meta, now: now, synced: false, head: head).start(when) {
        case .position(let seq): return .batch(seq)
        case .earliest, .refused(.forgotten), .refused(.droppedConsumer): return .batch(meta.horizon)
        case .refused(let reason): return .refused(reason)
        }
    }

    /// The paths of the roots.
    package func roots(withStopped: Bool) throws -> [Path] {
        try Subjects.roots(db).filter { withStopped || $0.state != .stopped }.map(\.path)
    }

    /// The cursor of the batch at `seq`; nil where there is none.
    package func cursor(at seq: Int64) throws -> Changes.Cursor? {
        try Batches(db: db).at(seq).map(Meta(db).cursor)
    }

    /// Whether this journal has handed out the cursor.
    package func has(_ cursor: Changes.Cursor) throws -> Bool {
        guard let batch = try Batches(db: db).at(cursor.seq) else { return false }
        return try Meta(db).cursor(batch) == cursor
    }

    /// Until when a watcher has looked, in nanoseconds since 1970.
    package func vouchedUntil() throws -> Int64 { try Meta(db).vouchedNS }

    /// What changed in `span`.
    package func answer(_ span: Span, _ question: Question, _ selection: Selection) throws -> Answer {
        try Answer(self, span, question, selection)
    }

    /// Whether anything in the question changed.
    package func hasChanges(_ span: Span, _ question: Question) throws -> Bool {
        try LogAnswer.hasRows(db, span, Subjects(db, paths: question.paths))
    }
}

extension End {
    /// The last batch that is part of the question.
    var position: Int64? {
        switch self {
        case .head(let seq), .position(let seq), .time(_, position: let seq), .bootTime(_, position: let seq): seq
        case .refused: nil
        }
    }
}
