internal import GRDB

/// Q's journal: ten million changes in a hundred thousand batches, written into a fresh journal by SQL, since no watcher
/// could make that many while somebody waits.
///
/// Twenty passes over half a million names: 20 files in each of 25,000 directories. Pass 0 creates them, the others modify
/// them or change their attributes, and the last three also delete and create, by the number of the file:
///
///     file    pass 17   pass 18   pass 19    net over passes 18 and 19
///     0, 10             deleted   created    modified: another file by that name
///     1, 11                       deleted    deleted
///     2, 12   deleted   created   deleted    nothing
///
/// So of the half million names that the last million changes are about, nine in ten differ.
struct ManyChanges {
    let changes: Int

    static let batchSize = 100
    private static let passes = 20
    private static let filesADirectory = 20

    private var directories: Int { changes / ManyChanges.passes / ManyChanges.filesADirectory }
    /// The last two passes.
    var netChanges: Int { changes / ManyChanges.passes * 2 }

    /// The names of the net difference over them.
    func netPaths(below root: String) -> Set<[UInt8]> {
        var paths: Set<[UInt8]> = []
        for directory in 0..<directories {
            for file in 0..<ManyChanges.filesADirectory where file % 10 != 2 {
                paths.insert(Array("\(root)/d\(directory)/f\(file)".utf8))
            }
        }
        return paths
    }

    /// Fills a journal that has one empty root and no changes. Nobody else may have it open, and it is lost if this fails:
    /// in WAL mode a transaction of this size would double the file.
    func write(to path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        try DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction { database in
            try database.execute(
                sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")
            try database.inTransaction {
                try database.execute(sql: ManyChanges.constants, arguments: [changes, directories])
                for statement in [ManyChanges.places, ManyChanges.log, ManyChanges.batches, ManyChanges.state] {
                    try database.execute(sql: statement)
                }
                return .commit
            }
            try database.execute(sql: "PRAGMA journal_mode = WAL")
        }
    }

    /// When the batches with the last so many changes begin, as `--since` takes it.
    static func beginning(of changes: Int, in path: String) throws -> (seconds: String, nanoseconds: Int) {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read { database in
            let time = try Int.fetchOne(
                database, sql: "SELECT committed_ns FROM batch ORDER BY seq DESC LIMIT 1 OFFSET ?",
                arguments: [changes / batchSize - 1])
            guard let time else { throw Failed("there are no \(changes) changes") }
            let fraction = String(time % 1_000_000_000)
            return ("@\(time / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction, time)
        }
    }

    /// The changes since a time for sqlite3, as we would write it there: from the time to the batch, from that to the rows.
    static func question(since nanoseconds: Int) -> String {
        """
        SELECT log.seq, log.kind, directory.path || '/' || log.name, log.size, log.mtime_ns
        FROM log JOIN directory ON directory.id = log.directory
        WHERE log.seq > (SELECT max(seq) FROM batch WHERE seq < (
          SELECT seq FROM batch WHERE committed_ns >= \(nanoseconds) ORDER BY committed_ns, seq LIMIT 1))
        ORDER BY log.seq
        """
    }
}

/// The SQL. It writes the private tables of Schema/journal.sql, so a change there is one here.
extension ManyChanges {
    /// What the statements below count from: the only root there is, and the newest of everything. Batches follow one
    /// another by 10 µs, so that the last does not lie in the future when all are written.
    private static let constants = """
        CREATE TEMP TABLE given AS
        SELECT ? AS changes, ? AS directories, 10000 AS pace,
               batch.seq AS head, batch.committed_ns AS began_ns, batch.committed_boot_ns AS began_boot_ns, batch.boot,
               root.node AS top, node.filesystem, directory.path,
               (SELECT max(id) FROM directory) AS directory, (SELECT max(id) FROM node) AS node
        FROM root JOIN node ON node.id = root.node JOIN directory ON directory.id = node.directory
        JOIN batch ON batch.seq = (SELECT max(seq) FROM batch)
        """

    private static let places = """
        CREATE TEMP TABLE place AS
        WITH RECURSIVE number(d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM number, given WHERE d + 1 < directories)
        SELECT d FROM number;
        INSERT INTO directory(id, path) SELECT directory + 1 + d, path || '/d' || d FROM place, given;
        INSERT INTO node(id, parent, directory, root, filesystem, ino, btime_ns, coverage)
          SELECT node + 1 + d, top, directory + 1 + d, (SELECT id FROM root), filesystem, 100 + d, began_ns, 0
          FROM place, given;
        INSERT INTO state(node, name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, child, seq)
          SELECT top, 'd' || d, 16877, 4096, began_ns, began_ns, began_ns, 100 + d, 2, 0, 0, node + 1 + d, head
          FROM place, given;
        """

    /// Kinds: 1 created, 2 modified, 3 attrib, 4 deleted. A batch is 100 rows, five directories with all their files, and
    /// its own number is the one after them. The factor is a prime, so that a pass meets every directory once, in no order.
    private static let log = """
        INSERT INTO log(seq, kind, flags, directory, name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns)
        WITH RECURSIVE
          number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number, given WHERE i + 1 < changes),
          touch AS (
            SELECT i, i / (changes / 20) AS pass, i % (changes / 20) / 20 * 7919 % directories AS d, i % 20 AS file
            FROM number, given),
          change AS (
            SELECT *, CASE WHEN pass = 0 THEN 1
                           WHEN file % 10 = 0 AND pass >= 18 THEN CASE pass WHEN 18 THEN 4 ELSE 1 END
                           WHEN file % 10 = 1 AND pass = 19 THEN 4
                           WHEN file % 10 = 2 AND pass >= 17 THEN CASE pass WHEN 18 THEN 1 ELSE 4 END
                           WHEN pass % 3 = 0 THEN 3 ELSE 2 END AS kind,
                   1000000 + d * 20 + file
                     + CASE WHEN file % 10 = 0 AND pass = 19 OR file % 10 = 2 AND pass >= 18 THEN 100000000 ELSE 0 END
                     AS ino
            FROM touch)
        SELECT head + i / 100 * 101 + i % 100 + 1, kind, CASE kind WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE 3 END,
               directory + 1 + d, 'f' || file, 33188, 1000 + pass, began_ns + i / 100 * pace, 0, 0,
               filesystem, ino, began_ns + ino
        FROM change, given ORDER BY i
        """

    private static let batches = """
        INSERT INTO batch(seq, check_bits, source, began_ns, committed_ns, boot, began_boot_ns, committed_boot_ns)
        WITH RECURSIVE number(b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM number, given WHERE b < changes / 100)
        SELECT head + b * 101, b * 2654435761, 1, began_ns + b * pace - pace / 2, began_ns + b * pace, boot,
               began_boot_ns + b * pace - pace / 2, began_boot_ns + b * pace
        FROM number, given;
        UPDATE meta SET vouched_ns = (SELECT max(committed_ns) FROM batch);
        """

    /// A row of the state is what the last row of the log says: all of the last pass that is not a deletion.
    private static let state = """
        INSERT INTO state(node, name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, child, seq)
          SELECT log.directory - given.directory + given.node, log.name, log.mode, log.size, log.mtime_ns, log.mtime_ns,
                 log.btime_ns, log.ino, 1, log.uid, log.gid, NULL, log.seq
          FROM log, given WHERE log.seq > head + changes / 100 * 19 / 20 * 101 AND log.kind <> 4
          ORDER BY log.directory, log.name;
        UPDATE root SET directories = directories + (SELECT count(*) FROM place),
                        files = (SELECT count(*) FROM state WHERE child IS NULL);
        """
}
