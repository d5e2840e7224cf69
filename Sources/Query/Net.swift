internal import GRDB

/// The net difference: what each path was before the first of its rows, and what it is after the last.
///
/// Every step is one SQL statement over temporary tables, so that a million rows cost SQLite's sorter and no call of
/// ours, and memory is bounded by SQLite's cache.
struct Net {
    let db: Database
    let scope: Scope

    func fold(followingRenames: Bool) throws {
        try db.execute(sql: Net.compare, arguments: scope.arguments)
        try Renames(db: db, scope: scope).match(following: followingRenames)
    }

    /// One row a path. A renamed row tells of two paths: at the old one something was, at the new one something is.
    /// `flags` of a path where files came and went count as content: it may be another file.
    private static let perPath = """
        SELECT directory, name, min(before) AS first_before, min(after) AS first_after, max(before) AS last_before,
               max(after) AS last_after, max(flags & 1) | max(flags & 2) AS flags
        FROM (SELECT directory, name,
                     CASE WHEN kind IN (2, 3, 4) THEN seq END AS before,
                     CASE WHEN kind <> 4 THEN seq END AS after,
                     CASE WHEN kind IN (1, 4) THEN 3 ELSE flags END AS flags
              FROM main.log WHERE \(Scope.range) AND \(Scope.own)
              UNION ALL
              SELECT old_directory, old_name, seq, NULL, 0
              FROM main.log WHERE \(Scope.range) AND kind = 5 AND \(Scope.old))
        GROUP BY directory, name
        """

    /// Rows of one batch are simultaneous. A path has at most one of them for what was there before and one for what
    /// is there after, in any order; so of two rows whose seq says otherwise, the batch decides:
    ///
    ///     first_after < first_before    the path existed before, if both are of one batch
    ///     last_after < last_before      it exists after, if both are of one batch
    ///
    /// Two rows are of one batch if the batch that follows the first follows the second as well.
    private static let compare = """
        INSERT INTO temp.answer(directory, name, kind, flags, was, is_there, was_filesystem, was_ino, was_btime_ns,
                                filesystem, ino, btime_ns, mode, size, mtime_ns, uid, gid, seq,
                                time_ns, not_before_ns, source)
        SELECT f.directory, f.name,
               CASE WHEN NOT was THEN 1 WHEN NOT is_there THEN 4
                    WHEN f.flags & 1 OR (\(wasIno), \(wasBirth)) IS NOT (l.ino, l.btime_ns) THEN 2 ELSE 3 END,
               CASE WHEN NOT was OR NOT is_there THEN 3
                    WHEN (\(wasIno), \(wasBirth)) IS NOT (l.ino, l.btime_ns) THEN f.flags | 1 ELSE f.flags END,
               was, is_there, b.filesystem, \(wasIno), \(wasBirth),
               l.filesystem, l.ino, l.btime_ns, l.mode, l.size, l.mtime_ns, l.uid, l.gid, f.newest,
               batch.committed_ns, batch.not_before_ns, batch.source
        FROM (SELECT *,
                     CASE WHEN first_before IS NULL THEN 0
                          WHEN first_after IS NULL OR first_before <= first_after THEN 1
                          ELSE (SELECT min(seq) FROM main.batch WHERE seq >= first_after) >= first_before END AS was,
                     CASE WHEN last_after IS NULL THEN 0
                          WHEN last_before IS NULL OR last_before <= last_after THEN 1
                          ELSE (SELECT min(seq) FROM main.batch WHERE seq >= last_after) >= last_before END AS is_there,
                     max(ifnull(last_before, 0), ifnull(last_after, 0)) AS newest
              FROM (\(perPath))) AS f
        CROSS JOIN main.log AS l ON l.seq = CASE WHEN is_there THEN last_after ELSE last_before END
        CROSS JOIN main.batch ON batch.seq = (SELECT min(seq) FROM main.batch WHERE seq >= f.newest)
        LEFT JOIN main.log AS b ON b.seq = CASE WHEN was THEN first_before END
        WHERE was OR is_there
        """

    /// Which file was there before row `b`: a modified row has it apart where it was another.
    private static let wasIno = "CASE WHEN b.kind = 2 THEN ifnull(b.prior_ino, b.ino) ELSE b.ino END"
    private static let wasBirth =
        "CASE WHEN b.kind = 2 AND b.prior_ino IS NOT NULL THEN b.prior_btime_ns ELSE b.btime_ns END"
}
