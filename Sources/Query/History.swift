internal import Changes
internal import GRDB

/// The log as it stands, row by row in `seq` order.
struct History {
    let db: Database
    let span: Span
    let subjects: Subjects

    /// Spools the rows of the selection, at most `limit` of them, and returns the span they cover.
    ///
    /// A cursor names a batch, so a page ends with one: at the last that fits whole, or with the first if not even
    /// that does. Pages then have no holes and no repeats.
    ///
    /// A page of a hundred rows must not read ten million to find the renames among them: the range grows until it
    /// holds enough.
    func page(_ selection: Selection, cursor: (Batches.Batch) -> Changes.Cursor) throws -> Span {
        guard let limit = selection.limit else {
            try spool(selection, until: span.until, limit: -1)
            return span
        }
        var reach = Int64(max(10_000, limit * 8))
        var last: Int64
        while true {
            let end = span.until - span.since > reach ? span.since + reach : span.until
            try spool(selection, until: end, limit: limit + 1)
            let row = try Row.fetchOne(db, sql: "SELECT count(*), max(seq) FROM temp.answer")
            if let row, (row[0] as Int) > limit {
                last = row[1]
                break
            }
            if end == span.until { return span }
            reach *= 8
        }

        let batches = Batches(db: db)
        guard let overflowing = try batches.from(last) else {
            throw JournalError.corrupt("log row \(last) belongs to no batch")
        }
        var end = try batches.before(overflowing)
        try db.execute(sql: "DELETE FROM temp.answer WHERE seq > ?", arguments: [end])
        if try Int.fetchOne(db, sql: "SELECT count(*) FROM temp.answer") == 0 {
            end = overflowing.seq
            try spool(selection, until: end, limit: -1)
        }
        guard let batch = try batches.at(end) else { throw JournalError.corrupt("batch \(end) is not there") }
        return Span(since: span.since, until: end, cursor: cursor(batch))
    }

    private func spool(_ selection: Selection, until: Int64, limit: Int) throws {
        try Spool.create(db)
        let scope = try Scope(db, Span(since: span.since, until: until, cursor: span.cursor), subjects)
        try db.execute(
            sql: History.rows,
            arguments: [
                "since": span.since, "until": until, "everything": scope.isEverything,
                "follow": selection.followsRenames, "kinds": selection.kindBits, "types": selection.typeBits,
                "presence": selection.presence?.rawValue, "limit": limit,
            ])
    }

    /// A renamed row is one row where both of its paths lie in the question and renames are followed; else what it
    /// means for each of them: deleted there, created here.
    ///
    /// The inner LIMIT is what keeps the inner ORDER BY: SQLite drops that of a subquery in a join otherwise. So the
    /// two halves are merged as they are read, and no row past the outer LIMIT is touched.
    private static let rows = """
        INSERT INTO temp.answer(directory, name, old_directory, old_name, kind, flags, ino, mode, size, mtime_ns, uid,
                                gid, seq, moved_with, time_ns, not_before_ns, source)
        SELECT directory, name, old_directory, old_name, row.kind, flags, ino, mode, size, mtime_ns, uid, gid, row.seq,
               moved_with, batch.committed_ns, batch.not_before_ns, batch.source
        FROM (SELECT seq, old_directory AS directory, old_name AS name, NULL AS old_directory, NULL AS old_name,
                     4 AS kind, 3 AS flags, \(rest)
              FROM \(Scope.log)
              WHERE \(Scope.range) AND NOT (:follow AND :everything)
                AND kind = 5 AND \(Scope.old) AND (NOT :follow OR NOT \(Scope.own))
              UNION ALL
              SELECT seq, directory, name, CASE WHEN \(split) THEN NULL ELSE old_directory END,
                     CASE WHEN \(split) THEN NULL ELSE old_name END,
                     CASE WHEN \(split) THEN 1 ELSE kind END, CASE WHEN \(split) THEN 3 ELSE flags END, \(rest)
              FROM \(Scope.log)
              WHERE \(Scope.range) AND \(Scope.own)
              ORDER BY seq LIMIT -1) AS row
        CROSS JOIN main.batch ON batch.seq = (SELECT min(seq) FROM main.batch WHERE seq >= row.seq)
        WHERE :kinds >> row.kind & 1 AND :types >> (mode >> 12 & 15) & 1
          AND (:presence IS NULL OR (row.kind <> 4) = :presence)
        LIMIT :limit
        """

    private static let rest = "ino, mode, size, mtime_ns, uid, gid, moved_with"
    private static let split = "kind = 5 AND (NOT :follow OR NOT \(Scope.old))"
}
