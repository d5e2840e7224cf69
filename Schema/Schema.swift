/// The SQL of this folder, embedded at build time. The files are the source; see `journal.sql` for the schema
/// and `migrations/` for the steps, which are never edited once released.
package enum SchemaSQL {
    /// The current schema, whole.
    package static var current: String { String(decoding: PackageResources.journal_sql, as: UTF8.self) }

    /// The steps that lead to it: the one at index 0 makes `user_version` 1. (A resource whose name begins with a
    /// digit is embedded with an underscore in its place.)
    package static var migrations: [String] {
        [PackageResources._01_sql].map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Numbers in the header of the SQLite file and its views, stated by the contract.
package enum SchemaVersion {
    /// "jrnl", in `PRAGMA application_id`.
    package static let applicationID: Int32 = 0x6A72_6E6C
    /// `PRAGMA user_version` of the current schema: one a migration.
    package static var current: Int { SchemaSQL.migrations.count }
}
