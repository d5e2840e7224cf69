internal import GRDB

/// Tells the paths that moved by the rename of a directory above them alone: their name is the same, and so is the
/// rename of the directory they are in. They get the `seq` of the topmost directory's row, which tells it all.
struct MovedWith {
    let db: Database

    func mark() throws {
        try collectMoves()
        try db.execute(
            sql: """
                UPDATE temp.answer SET moved_with = (
                  SELECT seq FROM temp.move AS m
                  WHERE m.old_directory = answer.old_directory AND m.directory = answer.directory)
                WHERE kind = 5 AND name = old_name
                """)
    }

    /// The renamed directories, parents first, each by its ids in the dictionary. One that is not in the dictionary
    /// held nothing.
    private func collectMoves() throws {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT o.id, n.id, a.seq, CASE WHEN a.name = a.old_name THEN a.old_directory END, a.directory
                FROM temp.answer AS a
                CROSS JOIN main.directory AS p ON p.id = a.directory
                CROSS JOIN main.directory AS q ON q.id = a.old_directory
                CROSS JOIN main.directory AS n ON n.path = \(MovedWith.entry("p.path", "a.name"))
                CROSS JOIN main.directory AS o ON o.path = \(MovedWith.entry("q.path", "a.old_name"))
                WHERE a.kind = 5 AND a.mode & 61440 = 16384
                ORDER BY CAST(n.path AS BLOB)
                """)
        let above = try db.cachedStatement(
            sql: "SELECT seq FROM temp.move WHERE old_directory = ? AND directory = ?")
        let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO temp.move VALUES (?, ?, ?)")
        for row in rows {
            let top = try Int64.fetchOne(above, arguments: [row[3] as Int64?, row[4] as Int64])
            try insert.execute(arguments: [row[0] as Int64, row[1] as Int64, top ?? row[2]])
        }
    }

    /// The path of an entry as the dictionary has it: TEXT where both parts are, else a BLOB.
    private static func entry(_ directory: String, _ name: String) -> String {
        """
        CASE WHEN typeof(\(directory)) = 'text' AND typeof(\(name)) = 'text' THEN \(directory) || '/' || \(name)
             ELSE CAST(CAST(\(directory) AS TEXT) || '/' || CAST(\(name) AS TEXT) AS BLOB) END
        """
    }
}
