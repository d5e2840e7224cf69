internal import Changes
internal import GRDB

/// The temporary tables that a page of the log is kept in. They outlive the snapshot, so that a pager never holds the WAL, and
/// spill to disk, so that memory does not follow rows.
enum Spool {
    /// Makes the tables, or empties them.
    static func create(_ db: Database) throws {
        try db.execute(sql: tables)
        for table in ["touched", "inside", "leaf", "answer", "place"] {
            try db.execute(sql: "DELETE FROM temp.\(table)")
        }
    }

    private static let tables = """
        -- The directories that occur in the rows asked about.
        CREATE TEMP TABLE IF NOT EXISTS touched(directory INTEGER PRIMARY KEY) STRICT;
        -- Those of them that lie in the question with all their entries, and single entries that do.
        CREATE TEMP TABLE IF NOT EXISTS inside(directory INTEGER PRIMARY KEY) STRICT;
        CREATE TEMP TABLE IF NOT EXISTS leaf(
          directory INTEGER NOT NULL, name ANY NOT NULL, PRIMARY KEY (directory, name)) STRICT, WITHOUT ROWID;
        CREATE TEMP TABLE IF NOT EXISTS answer(
          id INTEGER PRIMARY KEY,
          directory INTEGER NOT NULL, name ANY NOT NULL, old_directory INTEGER, old_name ANY,
          kind INTEGER NOT NULL, flags INTEGER NOT NULL, ino INTEGER NOT NULL,
          mode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
          uid INTEGER NOT NULL, gid INTEGER NOT NULL,
          seq INTEGER NOT NULL, moved_with INTEGER,
          time_ns INTEGER NOT NULL, not_before_ns INTEGER, source INTEGER NOT NULL) STRICT;
        -- The paths of the directories of the answer.
        CREATE TEMP TABLE IF NOT EXISTS place(directory INTEGER PRIMARY KEY, path ANY NOT NULL) STRICT;
        """

    /// Copies the paths the answer needs out of the snapshot.
    static func keepPlaces(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO temp.place SELECT id, path FROM main.directory WHERE id IN (
                  SELECT directory FROM temp.answer UNION SELECT old_directory FROM temp.answer)
                """)
    }

    /// Only of directories whose own row is there to stand for them.
    static func folded(_ db: Database) throws -> [Int64: Int] {
        var counts: [Int64: Int] = [:]
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT moved_with, count(*) FROM temp.answer
                WHERE moved_with IN (SELECT seq FROM temp.answer WHERE kind = 5 AND mode & 61440 = 16384) AND flags = 0
                  AND kind = 5
                GROUP BY moved_with
                """)
        while let row = try rows.next() { counts[row[0]] = row[1] }
        return counts
    }

    static func read(_ db: Database, _ body: (Change) throws -> Void) throws {
        // `||` makes TEXT of its operands byte by byte.
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT CAST(CAST(p.path AS TEXT) || '/' || CAST(a.name AS TEXT) AS BLOB),
                       CAST(CAST(o.path AS TEXT) || '/' || CAST(a.old_name AS TEXT) AS BLOB),
                       a.seq, a.kind, a.flags, a.mode, a.size, a.mtime_ns, a.uid, a.gid, a.ino,
                       a.time_ns, a.not_before_ns, a.source, a.moved_with
                FROM temp.answer AS a
                CROSS JOIN temp.place AS p ON p.directory = a.directory
                LEFT JOIN temp.place AS o ON o.directory = a.old_directory
                ORDER BY a.id
                """)
        while let row = try rows.next() { try body(Change(row)) }
    }
}

extension Change {
    fileprivate init(_ row: Row) throws {
        guard let kind = Kind(rawValue: row[3]), let source = Source(rawValue: row[13]) else {
            throw JournalError.corrupt("log row \(row[2] as Int64) has an unknown kind or source")
        }
        self.init(
            seq: row[2], kind: kind, path: try row.bytes(0) ?? [], oldPath: try row.bytes(1),
            difference: Difference(rawValue: row[4]), mode: row[5], size: row[6], mtime: row[7],
            uid: row[8], gid: row[9], ino: UInt64(bitPattern: row[10]), time: row[11], notBefore: row[12],
            source: source, movedWith: row[14])
    }
}
