internal import GRDB

/// What came of comparing the journal with the trees, added up.
package struct AuditSummary: Sendable, Equatable {
    /// Comparisons while a watcher was live.
    package var count: Int64
    package var entries: Int64
    /// The differences they found: each had been missed.
    package var missed: Int64
    /// When the last one ended, nanoseconds since 1970.
    package var lastNS: Int64?
    /// Comparisons with what was committed last, by a journal without a watcher: differences are no misses there.
    package var withoutWatcher: Int64

    init(_ db: Database) throws {
        guard
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT count(*) FILTER (WHERE live), coalesce(sum(entries) FILTER (WHERE live), 0),
                           coalesce(sum(differences) FILTER (WHERE live), 0), max(ended_ns) FILTER (WHERE live),
                           count(*) FILTER (WHERE NOT live)
                    FROM main.audit
                    """)
        else { throw JournalError.corrupt("it has no table of audits") }
        count = row[0]
        entries = row[1]
        missed = row[2]
        lastNS = row[3]
        withoutWatcher = row[4]
    }
}
