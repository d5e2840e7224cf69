internal import Changes
internal import GRDB
internal import RawSQL

/// Whether a path has led elsewhere in a range of the log: an entry on the way to it was or is a symbolic link, and was changed.
///
/// `t/current/f` is asked about as what it leads to now. Where `t/current` led to another directory when the question begins,
/// what is there now is told of, and what was there then is not.
struct LedElsewhere {
    private let db: Database

    init(_ db: Database) { self.db = db }

    /// One of `way` that was such a link; nil where none was.
    func link(among way: [Path], since: Int64, until: Int64) throws -> Path? {
        let directories = DirectoryPaths(db)
        var places: [Place: Path] = [:]
        for entry in way {
            guard let id = try directories.id(of: entry.parent.bytes) else { continue }
            places[Place(directory: id, name: entry.name)] = entry
        }
        if places.isEmpty { return nil }
        let ids = Set(places.keys.map(\.directory))
        let rows = try BulkStatement(db, Self.rows)
        rows.bind(1, since)
        rows.bind(2, until)
        var found: Path?
        try rows.forEachRow {
            for column in [0, 2] as [Int32] where !rows.isNull(column) && ids.contains(rows.int(column)) {
                let place = Place(directory: rows.int(column), name: Name(rows.bytes(column + 1)))
                found = found ?? places[place]
            }
        }
        return found
    }

    /// One of `links` that is not the one that the state has; nil where all are.
    func unknown(among links: [Question.Link]) throws -> Path? {
        if links.isEmpty { return nil }
        let roots = try Subjects.roots(db)
        return try links.first { link in
            guard let root = roots.first(where: { $0.path.contains(link.path) }) else { return true }
            var (node, known): (Int64?, Row?) = (root.node, nil)
            for name in root.path.relative(link.path).split(separator: slash) {
                known = try Row.fetchOne(
                    db, sql: "SELECT child, ino, ctime_ns FROM main.state WHERE node = ? AND name = ?",
                    arguments: [node, Bytes(Array(name))])
                node = known?[0]
            }
            return known.map { UInt64(bitPattern: $0[1] as Int64) != link.inode || $0[2] != link.ctime } ?? true
        }?.path
    }

    private struct Place: Hashable {
        var directory: Int64
        var name: Name
    }

    /// Of what was a link, or has become one: what it led to then was elsewhere, or was not there. The types are bits of S_IFMT, see
    /// ``Difference/replacedType``.
    private static let rows = """
        SELECT directory, name, old_directory, old_name FROM \(LogTable.rows)
        WHERE seq > ?1 AND seq <= ?2 AND (mode & 0xF000 = 0xA000 OR flags >> 4 & 15 = 10)
        """
}
