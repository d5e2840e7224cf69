internal import GRDB
internal import RawSQL

/// The statements of the hot path, each prepared once.
final class Statements {
    let selectRow, selectRows, selectRowsBehind, selectLinked, selectLinkedOfNode, hasLinked: BulkStatement
    let upsertState, deleteState, deleteStateOfNode: BulkStatement
    let insertLog, insertOrigin, insertLogOfRelocated, insertOriginOfRelocated, insertLogOfGone: BulkStatement
    let insertArrivals, insertLogOfArrivals, insertLogStart, deleteLogStart: BulkStatement
    let findDirectory, insertDirectory, holdDirectory, leaveDirectory: BulkStatement
    let insertNode, moveNode, deleteNode, alterNode: BulkStatement
    let insertBatch, insertPassing, deletePassing: BulkStatement
    let begin, end: BulkStatement

    /// The columns of a state row, in the order in which rows are read.
    static let rowColumns =
        "name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, child, node"

    init(_ db: Database) throws {
        let from = "SELECT \(Self.rowColumns) FROM state"
        begin = try BulkStatement(db, "BEGIN")
        end = try BulkStatement(db, "COMMIT")
        selectRow = try BulkStatement(db, "\(from) WHERE node = ?1 AND name = ?2")
        selectRows = try BulkStatement(db, "\(from) WHERE node = ?1 ORDER BY name LIMIT ?2")
        selectRowsBehind = try BulkStatement(
            db, "\(from) WHERE node = ?1 AND name > ?3 ORDER BY name LIMIT ?2")
        selectLinked = try BulkStatement(db, "\(from) WHERE ino = ?1 AND nlink > 1 AND child IS NULL")
        hasLinked = try BulkStatement(
            db, "SELECT 1 FROM state INDEXED BY state_linked WHERE nlink > 1 AND child IS NULL LIMIT 1")
        selectLinkedOfNode = try BulkStatement(
            db, "\(from) WHERE node = ?1 AND nlink > 1 AND child IS NULL")

        upsertState = try BulkStatement(
            db,
            """
            INSERT INTO state(node, name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, child, seq)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, coalesce(?13, ?14))
            ON CONFLICT DO UPDATE SET mode = ?3, size = ?4, mtime_ns = ?5, ctime_ns = ?6, btime_ns = ?7, ino = ?8,
              nlink = ?9, uid = ?10, gid = ?11, child = ?12, seq = coalesce(?13, seq)
            """)
        deleteState = try BulkStatement(db, "DELETE FROM state WHERE node = ?1 AND name = ?2")
        deleteStateOfNode = try BulkStatement(db, "DELETE FROM state WHERE node = ?1")

        insertLog = try BulkStatement(
            db,
            """
            INSERT INTO log(seq, kind, flags, directory, name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """)
        insertOrigin = try BulkStatement(
            db,
            """
            INSERT INTO log_origin(seq, old_directory, old_name, moved_with, prior_ino, prior_btime_ns)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        insertLogStart = try BulkStatement(db, "INSERT INTO log VALUES (?1, 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0)")
        deleteLogStart = try BulkStatement(db, "DELETE FROM log WHERE seq = ?1")
        // The rows of a directory whose path changed, or that is gone, in one statement; where ?3 is set, `except` are the names
        // that stand in the log already. ?2 is the directory's file system, which is that of the files in it.
        let columns = "name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns"
        let bulk = """
            state.name, state.mode, state.size, state.mtime_ns, state.uid, state.gid,
              CASE WHEN state.child IS NULL THEN ?2 ELSE (SELECT filesystem FROM node WHERE id = state.child) END,
              state.ino, state.btime_ns
            FROM state
            WHERE state.node = ?1 AND (NOT ?3 OR state.name NOT IN (SELECT name FROM temp.except_name))
            """
        insertLogOfRelocated = try BulkStatement(
            db, "INSERT INTO log(kind, flags, directory, \(columns)) SELECT 5, 0, ?4, \(bulk)")
        insertOriginOfRelocated = try BulkStatement(
            db,
            """
            INSERT INTO log_origin(seq, old_directory, old_name, moved_with)
            SELECT seq, ?3, name, ?4 FROM log WHERE seq > ?1 AND seq <= ?2
            """)
        insertLogOfGone = try BulkStatement(
            db, "INSERT INTO log(kind, flags, directory, \(columns)) SELECT 4, 3, ?4, \(bulk)")

        // There is no row where they go: an insert, and no upsert.
        insertArrivals = try BulkStatement(
            db,
            """
            INSERT INTO state(node, name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, seq)
            SELECT node, name, mode, size, mtime_ns, ctime_ns, btime_ns, ino, nlink, uid, gid, seq
            FROM arrival
            """)
        insertLogOfArrivals = try BulkStatement(
            db,
            """
            INSERT INTO log(kind, flags, directory, name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns)
            SELECT 1, 3, directory, name, mode, size, mtime_ns, uid, gid, filesystem, ino, btime_ns
            FROM arrival WHERE logged
            """)

        findDirectory = try BulkStatement(db, "SELECT id FROM directory WHERE path = ?1")
        // (Not RETURNING, for which SQLite makes a temporary table each time: 5 µs a directory.)
        insertDirectory = try BulkStatement(db, "INSERT INTO directory(path) VALUES (?1) ON CONFLICT DO NOTHING")
        holdDirectory = try BulkStatement(
            db, "UPDATE directory SET left_seq = NULL WHERE id = ?1 AND left_seq IS NOT NULL")
        leaveDirectory = try BulkStatement(db, "UPDATE directory SET left_seq = ?2 WHERE id = ?1")
        insertNode = try BulkStatement(
            db,
            """
            INSERT INTO node(id, parent, directory, root, filesystem, ino, btime_ns, coverage)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        moveNode = try BulkStatement(db, "UPDATE node SET parent = ?2, directory = ?3 WHERE id = ?1")
        deleteNode = try BulkStatement(db, "DELETE FROM node WHERE id = ?1")
        alterNode = try BulkStatement(
            db, "UPDATE node SET filesystem = ?2, ino = ?3, btime_ns = ?4, coverage = ?5 WHERE id = ?1")
        insertBatch = try BulkStatement(
            db,
            """
            INSERT INTO batch(seq, check_bits, source, began_ns, committed_ns, not_before_ns, boot, began_boot_ns,
              committed_boot_ns)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        insertPassing = try BulkStatement(
            db, "INSERT INTO passing(seq, directory, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        deletePassing = try BulkStatement(db, "DELETE FROM passing WHERE seq < ?1")
    }
}
