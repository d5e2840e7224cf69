internal import Changes
internal import GRDB

/// The rows of the log a question is about: a range of `seq`, and directories in temporary tables.
///
/// Which directories lie in the question is decided for those that occur in the range, not for all that the journal
/// knows: a question about the last thousand rows must not pay for a million directories.
struct Scope {
    let db: Database
    let span: Span
    /// No row has to be looked at: the question is about all there is.
    let isEverything: Bool

    /// What the conditions below are about.
    var arguments: StatementArguments { ["since": span.since, "until": span.until, "everything": isEverything] }

    /// The rows of the log, each with what was before where there is anything to say of that.
    static let log = "main.log LEFT JOIN main.log_origin USING (seq)"
    /// Those of the range.
    static let range = "seq > :since AND seq <= :until"
    /// That a row's path lies in the question.
    static let own = "(:everything OR directory IN temp.inside OR (directory, name) IN temp.leaf)"
    /// That a renamed row's path before does.
    static let old = "(:everything OR old_directory IN temp.inside OR (old_directory, old_name) IN temp.leaf)"

    init(_ db: Database, _ span: Span, _ subjects: Subjects) throws {
        self.db = db
        self.span = span
        isEverything = subjects.areEverything
        guard !isEverything else { return }
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO temp.touched SELECT directory FROM main.log WHERE \(Scope.range);
                INSERT OR IGNORE INTO temp.touched
                  SELECT old_directory FROM main.log_origin WHERE \(Scope.range) AND old_directory IS NOT NULL;
                """,
            arguments: arguments)
        let paths = subjects.subjects.map(\.path)
        let rows = try Row.fetchCursor(
            db,
            sql:
                "SELECT d.id, CAST(d.path AS BLOB) FROM temp.touched AS t CROSS JOIN main.directory AS d ON d.id = t.directory"
        )
        while let row = try rows.next() {
            let id: Int64 = row[0]
            let directory = Path(try row.bytes(1) ?? [])
            if paths.contains(where: { $0.contains(directory) }) {
                try db.cachedStatement(sql: "INSERT INTO temp.inside VALUES (?)").execute(arguments: [id])
            }
            for path in paths where path.parent == directory && path != directory {
                try db.cachedStatement(sql: "INSERT OR IGNORE INTO temp.leaf VALUES (?, ?)")
                    .execute(arguments: [id, Bytes(path.name.bytes)])
            }
        }
    }

    /// Whether there is any row at all.
    func hasRows() throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM \(Scope.log) WHERE \(Scope.range)
                               AND (\(Scope.own) OR (kind = 5 AND \(Scope.old))))
                """,
            arguments: arguments) ?? false
    }
}
