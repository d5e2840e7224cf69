internal import GRDB

/// Finds which arrivals of a net answer are departures from another path: the same file by file system, inode and
/// birth time.
///
/// 1. `departed`: files that were at a path at the start and are not there at the end.
/// 2. `moved`: what else happened to every file that was renamed, wherever it was then.
/// 3. `pair`: an arrival takes a departure of the same file. With hard links there can be several of either; each is
///    taken once, and what is left over stays created or deleted. A link whose other names all stay has no departure.
/// 4. The arrival becomes `renamed`; a departure whose path is empty now is told by it and goes. Where another file
///    took the path, that is a row of its own.
struct Renames {
    let db: Database
    let scope: Scope

    /// Without `following`, arrivals and departures stay what they are; what happened under other names still counts.
    func match(following: Bool) throws {
        try db.execute(sql: Renames.moved, arguments: scope.arguments)
        if following { try db.execute(sql: Renames.departed) }
        let any = "SELECT EXISTS (SELECT 1 FROM temp.departed) OR EXISTS (SELECT 1 FROM temp.moved)"
        guard try Bool.fetchOne(db, sql: any) ?? false else { return }
        try db.execute(sql: Renames.elsewhere, arguments: scope.arguments)
        if following {
            try db.execute(sql: Renames.pair)
            try db.execute(sql: Renames.apply)
        }
        try db.execute(sql: Renames.carry)
        if following { try MovedWith(db: db).mark() }
    }

    private static let differs =
        "(was_filesystem, was_ino, was_btime_ns) IS NOT (filesystem, ino, btime_ns)"

    private static let departed = """
        INSERT INTO temp.departed
        SELECT was_filesystem, was_ino, was_btime_ns,
               row_number() OVER (PARTITION BY was_filesystem, was_ino, was_btime_ns ORDER BY id), id
        FROM temp.answer WHERE was AND (NOT is_there OR \(differs))
        """

    /// The files of renamed rows, inside the question or not; 8 marks them.
    private static let moved = """
        INSERT INTO temp.moved SELECT filesystem, ino, btime_ns, flags | 8 FROM main.log WHERE \(Scope.range) AND kind = 5
        ON CONFLICT DO UPDATE SET flags = flags | excluded.flags
        """

    /// Then what every other row says of these files and of the departed: a file that was created or deleted under
    /// some name was out of sight in between, so that anything may have happened to it.
    private static let elsewhere = """
        INSERT INTO temp.moved
        SELECT l.filesystem, l.ino, l.btime_ns,
               CASE WHEN l.kind IN (1, 4) OR l.prior_ino IS NOT NULL THEN 7 ELSE l.flags END
        FROM main.log AS l
        WHERE \(Scope.range) AND kind <> 5
          AND ((filesystem, ino, btime_ns) IN (SELECT filesystem, ino, btime_ns FROM temp.moved)
               OR (filesystem, ino, btime_ns) IN (SELECT filesystem, ino, btime_ns FROM temp.departed))
        ON CONFLICT DO UPDATE SET flags = flags | excluded.flags;
        """

    /// Inode numbers are reused at once on some file systems. So where there is no birth time, only renamed rows
    /// tell a rename, and only if nothing else of that number came or went.
    private static let pair = """
        INSERT INTO temp.pair
        SELECT a.id, d.answer, ifnull(m.flags & 3, 3), o.directory, o.name
        FROM (SELECT id, filesystem, ino, btime_ns,
                     row_number() OVER (PARTITION BY filesystem, ino, btime_ns ORDER BY id) AS number
              FROM temp.answer
              WHERE is_there AND (NOT was OR \(differs))
                AND (filesystem, ino, btime_ns) IN (SELECT filesystem, ino, btime_ns FROM temp.departed)) AS a
        CROSS JOIN temp.departed AS d USING (filesystem, ino, btime_ns, number)
        CROSS JOIN temp.answer AS o ON o.id = d.answer
        LEFT JOIN temp.moved AS m USING (filesystem, ino, btime_ns)
        WHERE a.btime_ns <> 0 OR m.flags & 4 = 0
        """

    private static let apply = """
        UPDATE temp.answer SET kind = 5, flags = pair.flags, old_directory = pair.old_directory, old_name = pair.old_name
        FROM temp.pair WHERE pair.arrived = answer.id;
        DELETE FROM temp.answer WHERE NOT is_there AND id IN (SELECT departed FROM temp.pair);
        """

    /// A file that went away and came back may have been changed under the other name. One that only lost another of its
    /// names stayed where it was.
    private static let carry = """
        UPDATE temp.answer SET flags = answer.flags | (m.flags & 3),
                               kind = CASE WHEN (answer.flags | m.flags) & 1 THEN 2 ELSE kind END
        FROM temp.moved AS m
        WHERE answer.kind IN (2, 3) AND m.flags & 8 AND m.filesystem = answer.filesystem AND m.ino = answer.ino
          AND m.btime_ns = answer.btime_ns
        """
}
