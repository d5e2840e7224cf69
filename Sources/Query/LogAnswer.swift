internal import Changes
internal import GRDB

/// What the log says, every change in `seq` order.
///
/// Rows of the log never change, and they go only where the horizon passes them, in one transaction with it. So no snapshot has
/// to be kept while they are printed: they are read piece by piece, each in a snapshot of its own, in which the horizon says
/// whether anything of the piece was forgotten meanwhile.
struct LogAnswer {
    let span: Span
    private let subjects: Subjects
    private let selection: Selection
    private let first: LogPiece

    /// At most `selection.limit` rows.
    init(_ snapshot: Snapshot, _ span: Span, _ subjects: Subjects, _ selection: Selection) throws {
        let db = snapshot.db
        self.subjects = subjects
        self.selection = selection
        let first = try LogPiece(db, since: span.since, until: span.until, subjects, selection)
        self.first = first
        self.span =
            try selection.limit.map { try Self.page(db, span, subjects, selection, first, limit: $0) } ?? span
    }

    /// The span of a page.
    ///
    /// A cursor names a batch, so a page ends with one: at the last that fits whole, or with the first if not even that does.
    /// Pages then have no holes and no repeats.
    private static func page(
        _ db: Database, _ span: Span, _ subjects: Subjects, _ selection: Selection, _ first: LogPiece, limit: Int
    ) throws -> Span {
        var piece = first
        var count = 0
        var fitting = 0
        var batch = span.since
        while true {
            for change in piece.changes {
                if change.batch != batch { (batch, fitting) = (change.batch, count) }
                count += 1
                if count > limit { return try end(db, span, batch: batch, isFirst: fitting == 0) }
            }
            if piece.end == span.until { return span }
            piece = try LogPiece(db, since: piece.end, until: span.until, subjects, selection)
        }
    }

    /// The span that ends before `batch`, or with it where it is the first.
    private static func end(_ db: Database, _ span: Span, batch: Int64, isFirst: Bool) throws -> Span {
        let batches = Batches(db: db)
        guard let last = try isFirst ? batches.at(batch) : batches.upTo(batch - 1) else {
            throw JournalError.corrupt("batch \(batch) is not there")
        }
        return Span(since: span.since, until: last.seq, cursor: try Meta(db).cursor(last))
    }

    func forEach(in file: JournalFile, _ body: (Change) throws -> Void) throws {
        var piece = first
        while true {
            for change in piece.changes where change.seq <= span.until { try body(change) }
            let position = piece.end
            if position >= span.until { return }
            piece = try file.snapshot { snapshot in
                guard try Meta(snapshot.db).horizon <= position else { throw JournalError.forgotten }
                return try LogPiece(snapshot.db, since: position, until: span.until, subjects, selection)
            }
        }
    }

    /// Whether anything in a question changed.
    static func hasRows(_ db: Database, _ span: Span, _ subjects: Subjects) throws -> Bool {
        var position = span.since
        while position < span.until {
            let piece = try LogPiece(db, since: position, until: span.until, subjects, Selection())
            if !piece.changes.isEmpty { return true }
            position = piece.end
        }
        return false
    }
}
