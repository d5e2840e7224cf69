internal import Changes
internal import GRDB

/// A gap that touches a question: where the journal could not look, from when to when.
struct Gap {
    var id: Int64
    var path: Path
    var cause: String
    var openedSeq: Int64
    var openedNS: Int64
    var closedSeq: Int64?
    var closedNS: Int64?
    var baselineSeq: Int64?

    var isOpen: Bool { closedSeq == nil }

    /// Whether a position lies where this subtree was hidden by a mount, or its root was stopped: no part of a question above
    /// it then, so that an answer up to there said nothing of it, and one from there on cannot begin with it.
    func hid(_ seq: Int64) -> Bool {
        [GapCause.hidden.rawValue, GapCause.stopped.rawValue].contains(cause) && holds(seq: seq)
    }

    /// The gaps that touch `subjects`. An open gap is where its node is now, a closed one where it was. What is open in a
    /// directory that is not covered is no part of the question.
    static func touching(_ subjects: Subjects, uncovered: [Resolution.Uncovered], _ db: Database) throws -> [Gap] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT gap.id, CAST(d.path AS BLOB), gap.cause, gap.opened_seq, gap.opened_ns, gap.closed_seq,
                       gap.closed_ns, gap.baseline_seq
                FROM main.gap LEFT JOIN main.node ON node.id = gap.node
                JOIN main.directory AS d ON d.id = coalesce(node.directory, gap.directory)
                ORDER BY gap.id
                """)
        var gaps: [Gap] = []
        while let row = try rows.next() {
            let path = Path(try row.bytes(1) ?? [])
            guard subjects.touch(path) else { continue }
            let gap = Gap(
                id: row[0], path: path, cause: row[2], openedSeq: row[3], openedNS: row[4], closedSeq: row[5],
                closedNS: row[6], baselineSeq: row[7])
            if gap.isOpen, uncovered.contains(where: { $0.path.contains(path) }) { continue }
            gaps.append(gap)
        }
        return gaps
    }

    /// Why a question that ends there cannot be answered; nil where this gap does not matter to it.
    ///
    /// What happened in a gap is logged at its end, so an end within it would leave out what came before that end.
    /// Nothing from before `opened_ns` was missed, hence an end up to there is good.
    func objection(to end: End) -> Reason? {
        switch end {
        case .head:
            isOpen ? .openGap(path, cause: cause, since: openedNS) : nil
        case .position(let seq):
            holds(seq: seq) ? .endsInGap(path, cause: cause) : nil
        case .time(let time, position: _):
            holds(time: time) ? .endsInGap(path, cause: cause) : nil
        case .bootTime(let time, let seq):
            // Neither is known for certain: the wall clock may have been set, and the batch may be a later one.
            holds(time: time) || holds(seq: seq) ? .endsInGap(path, cause: cause) : nil
        case .refused:
            nil
        }
    }

    /// Whether to look again is all that it takes to close it.
    var isForAScan: Bool {
        switch GapCause(rawValue: cause) {
        case .offline, .stopped, .unreadable, .hidden, .watchLimit: false
        default: true
        }
    }

    private func holds(seq: Int64) -> Bool { openedSeq <= seq && seq < closedSeq ?? .max }
    private func holds(time: Int64) -> Bool { openedNS < time && time <= closedNS ?? .max }
}
