internal import Changes

/// Whether the journal vouches for a question: its start, its end, its roots and the gaps that touch it.
struct CoverageCheck {
    /// Why not; empty where it does.
    var reasons: [Reason] = []
    /// The earliest position that can be vouched for.
    var earliest: Int64
    /// Where the question starts; nil where it names no place in this journal.
    var since: Int64?
    var scan: [Path] = []
    var openGaps: [Int64: Int64] = [:]
    /// Whether the same question with a later start would be answered.
    var laterStartWouldDo: Bool

    init(subjects: Subjects, gaps: [Gap], horizon: Int64, start: Start, end: End) {
        reasons = subjects.reasons
        earliest = subjects.subjects.reduce(horizon) { max($0, $1.root.since ?? $1.root.joined) }
        // A subtree without stored state is covered from its baseline on only.
        earliest = gaps.reduce(earliest) { max($0, $1.baselineSeq ?? 0) }
        for gap in gaps.sorted(by: { $0.openedSeq < $1.openedSeq }) where gap.hid(earliest) {
            earliest = gap.closedSeq ?? earliest
        }

        switch start {
        case .earliest: since = earliest
        case .position(let seq): since = seq
        case .refused(let reason):
            reasons.append(reason)
            // What is left of the log can be shown all the same.
            since = reason.isOfTheHorizon ? horizon : nil
        }
        // Both ends may lie below the horizon, which is one reason.
        if case .refused(let reason) = end, !reasons.contains(reason) { reasons.append(reason) }

        for gap in gaps {
            guard let reason = gap.objection(to: end) else { continue }
            reasons.append(reason)
            guard gap.isOpen else { continue }
            openGaps[gap.id] = gap.openedSeq
            if gap.isForAScan { scan.append(gap.path) }
        }
        for root in subjects.roots {
            if root.since == nil { reasons.append(.beginning(root: root.path)) }
            // Such a root has an open gap as well. Where the file does not say so, it is not to be trusted either.
            if root.state != .live, !gaps.contains(where: { $0.isOpen && $0.path.contains(root.path) }) {
                reasons.append(.notWatched(root: root.path, root.state))
            }
        }
        laterStartWouldDo = reasons.allSatisfy(\.isAboutTheStart)
        if case .earliest = start { return }
        guard let since else { return }
        reasons += CoverageCheck.tooEarly(since, subjects, gaps, horizon, end).filter { !reasons.contains($0) }
    }

    /// What of the question was not covered yet when it starts.
    private static func tooEarly(
        _ since: Int64, _ subjects: Subjects, _ gaps: [Gap], _ horizon: Int64, _ end: End
    ) -> [Reason] {
        var reasons: [Reason] = since < horizon ? [.forgotten] : []
        for root in subjects.roots {
            if root.joined > since {
                reasons.append(.joinedLater(root: root.path))
            } else if root.since ?? .max > since {
                // A first crawl that is running ends after every position there is: waiting for it would not help.
                reasons.append(.beforeCoverage(root.path))
            }
        }
        for gap in gaps where gap.hid(since) { reasons.append(.beforeCoverage(gap.path)) }
        for gap in gaps {
            guard let baseline = gap.baselineSeq, baseline > since else { continue }
            // The first crawl of a root is a gap too, and has been told of.
            if subjects.roots.contains(where: { $0.path == gap.path && $0.since ?? .max > since }) { continue }
            // Where the gap opened after the end and is only a part of the question, the question never met it.
            if let until = end.position, until < gap.openedSeq, !subjects.lie(in: gap.path) { continue }
            reasons.append(.beforeCoverage(gap.path))
        }
        return reasons
    }
}

extension Subjects {
    /// The roots of the subjects, each once.
    var roots: [Root] {
        subjects.reduce(into: []) { roots, subject in
            if !roots.contains(where: { $0.id == subject.root.id }) { roots.append(subject.root) }
        }
    }
}

extension Reason {
    /// Whether the log does not reach back so far.
    fileprivate var isOfTheHorizon: Bool {
        switch self {
        case .forgotten, .droppedConsumer: true
        case .otherJournal, .aheadOfHead, .unknownBatch, .noRoots, .outside, .ledElsewhere, .uncovered, .excluded,
            .beginning, .joinedLater, .beforeCoverage, .notWatched, .openGap, .endsInGap, .notLookedYet:
            false
        }
    }

    /// Whether another `--since` would help.
    fileprivate var isAboutTheStart: Bool {
        switch self {
        case .otherJournal, .aheadOfHead, .unknownBatch, .forgotten, .droppedConsumer, .joinedLater, .beforeCoverage:
            true
        case .noRoots, .outside, .ledElsewhere, .uncovered, .excluded, .beginning, .notWatched, .openGap, .endsInGap,
            .notLookedYet:
            false
        }
    }
}
