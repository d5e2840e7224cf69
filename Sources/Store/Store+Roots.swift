package import Changes
internal import GRDB
internal import RawSQL

/// Roots as they are stored. A root that joins or leaves is a batch of its own, so that cursors before and after differ.
extension Store {
    /// What a new number is taken from.
    package struct Counters: Sendable {
        package var nextNode: Int64
        package var nextGap: Int64
        package var filesystems: [[UInt8]: Int32]
    }

    package func counters() throws -> Counters {
        try StoreError.wrap {
            var filesystems: [[UInt8]: Int32] = [:]
            let select = try BulkStatement(database, "SELECT id, key FROM filesystem")
            try select.forEachRow { filesystems[select.bytes(1)] = Int32(select.int(0)) }
            return Counters(
                nextNode: try Int64.fetchOne(
                    database,
                    sql:
                        "SELECT max((SELECT coalesce(max(id), 0) FROM node), (SELECT coalesce(max(node), 0) FROM root)) + 1"
                ) ?? 1,
                nextGap: try Int64.fetchOne(database, sql: "SELECT coalesce(max(id), 0) + 1 FROM gap") ?? 1,
                filesystems: filesystems)
        }
    }

    package func roots() throws -> [Root] {
        try StoreError.wrap {
            var roots: [Root] = []
            let select = try BulkStatement(
                database,
                """
                SELECT id, path, node, container, state, cross_mounts, since_seq, crawled_ns,
                  CASE mount_boot WHEN ?1 THEN mount_id END
                FROM root ORDER BY id
                """)
            select.bind(1, boot)
            try select.forEachRow {
                roots.append(
                    Root(
                        id: RootID(rawValue: select.int(0)), path: Path(select.bytes(1)),
                        node: NodeID(rawValue: select.int(2)), container: NodeID(rawValue: select.int(3)),
                        state: RootState(rawValue: select.int(4)) ?? .stopped, crossesMounts: select.int(5) != 0,
                        excludes: try excludes(of: select.int(0)), since: select.isNull(6) ? nil : select.int(6),
                        crawled: select.isNull(7) ? nil : select.int(7),
                        mount: select.isNull(8) ? nil : UInt64(bitPattern: select.int(8))))
            }
            return roots
        }
    }

    private func excludes(of root: Int64) throws -> [[UInt8]] {
        var patterns: [[UInt8]] = []
        let select = try BulkStatement(database, "SELECT pattern FROM exclude WHERE root = ?1 ORDER BY position")
        select.bind(1, root)
        try select.forEachRow { patterns.append(select.bytes(0)) }
        return patterns
    }

    /// Adds a root, with its container and its own node, in a batch of its own.
    package func join(_ path: Path, crossesMounts: Bool, excludes: [[UInt8]]) throws -> Root {
        let next = try counters().nextNode
        var batch = Batch(source: .crawl, began: clock())
        let root = Root(
            id: RootID(
                rawValue: try StoreError.wrap {
                    try Int64.fetchOne(database, sql: "SELECT coalesce(max(id), 0) + 1 FROM root") ?? 1
                }), path: path, node: NodeID(rawValue: next + 1), container: NodeID(rawValue: next), state: .live,
            crossesMounts: crossesMounts, excludes: excludes, since: nil, crawled: nil)
        batch.nodes.append(
            .born(
                root.container, parent: nil, root: root.id, path: path.parent,
                id: FileID(filesystem: 0, inode: 0, birth: 0), coverage: .covered))
        batch.joining = root
        _ = try commit(batch)
        return root
    }

    func insert(_ root: Root, seq: Int64) throws {
        let insert = try BulkStatement(
            database,
            """
            INSERT INTO root(id, path, node, container, state, backend, cross_mounts, joined_seq, directories, files)
            VALUES (?1, ?2, ?3, ?4, 1, 'inotify', ?5, ?6, 0, 0)
            """)
        insert.bind(1, root.id.rawValue)
        insert.bind(2, Name(root.path.bytes))
        insert.bind(3, root.node.rawValue)
        insert.bind(4, root.container.rawValue)
        insert.bind(5, root.crossesMounts ? 1 : 0)
        insert.bind(6, seq)
        try insert.run()
        try setExcludes(root.excludes, of: root.id)
    }

    /// Stores whether a root crosses mounts and what it excludes from now on; what `stored` excluded is remembered until the
    /// root has been crawled to its end.
    package func setOptions(of stored: Root, crossesMounts: Bool, excludes: [[UInt8]]) throws {
        try StoreError.wrap(database) {
            try database.inTransaction(.immediate) {
                let id = stored.id.rawValue
                try database.execute(
                    sql: "UPDATE root SET cross_mounts = ? WHERE id = ?", arguments: [crossesMounts, id])
                guard excludes != stored.excludes else { return .commit }
                try database.execute(
                    sql: """
                        INSERT INTO former_exclude
                        SELECT root, (SELECT coalesce(max(list), 0) + 1 FROM former_exclude WHERE root = :root), position,
                          pattern
                        FROM exclude WHERE root = :root
                        """, arguments: ["root": id])
                try endCoverageBeforeExcludes(of: stored)
                try setExcludes(excludes, of: stored.id)
                try database.execute(
                    sql: "UPDATE root SET excludes_seq = ? WHERE id = ?", arguments: [head + 1, id])
                return .commit
            }
        }
    }

    /// What was covered before the present excludes were in force may have gone while they were, which nobody knows: where one of
    /// them is dropped, cursors from before them are no start any more. What is there is told by its own gap.
    private func endCoverageBeforeExcludes(of root: Root) throws {
        guard let directory = nodes[root.node]?.directory else { return }
        try database.execute(
            sql: """
                INSERT INTO gap(id, root, directory, cause, opened_seq, opened_ns, closed_seq, closed_ns, baseline_seq, found)
                SELECT :id, id, :directory, 'beginning', excludes_seq, :now, excludes_seq, :now, excludes_seq, 0
                FROM root WHERE id = :root AND excludes_seq > since_seq
                """,
            arguments: [
                "id": try counters().nextGap, "directory": directory, "now": lastCommitted, "root": root.id.rawValue,
            ])
    }

    /// The lists of patterns by which a root was crawled the last time, or looked at since, and that are not those of now.
    package func formerExcludes(of root: RootID) throws -> [[[UInt8]]] {
        try StoreError.wrap {
            var lists: [Int64: [[UInt8]]] = [:]
            let select = try BulkStatement(
                database, "SELECT list, pattern FROM former_exclude WHERE root = ?1 ORDER BY list, position")
            select.bind(1, root.rawValue)
            try select.forEachRow { lists[select.int(0), default: []].append(select.bytes(1)) }
            return lists.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private func setExcludes(_ patterns: [[UInt8]], of root: RootID) throws {
        try StoreError.wrap {
            try database.execute(sql: "DELETE FROM exclude WHERE root = ?", arguments: [root.rawValue])
            for (position, pattern) in patterns.enumerated() {
                let insert = try BulkStatement(
                    database, "INSERT INTO exclude(root, position, pattern) VALUES (?1, ?2, ?3)")
                insert.bind(1, root.rawValue)
                insert.bind(2, Int64(position))
                insert.bind(3, Name(pattern))
                try insert.run()
            }
        }
    }

    /// A root that is stored and not among those to watch: a gap until it is watched again.
    package func stop(_ root: Root) throws {
        var batch = Batch(source: .event, began: clock())
        batch.rootStates = [(root.id, .stopped)]
        // Of a root whose directory nobody has seen yet there is nothing that could be missed.
        if nodes[root.node] != nil, try !openGaps(of: root.id).contains(where: { $0.cause == .stopped }) {
            batch.openedGaps = [
                OpenedGap(
                    id: GapID(rawValue: try counters().nextGap), root: root.id, node: root.node, cause: .stopped,
                    since: try vouchedUntil)
            ]
        }
        _ = try commit(batch)
    }

    /// The directories of a root below its container, parents first.
    package func forEachNode(
        of root: Root, _ body: (_ id: NodeID, _ parent: NodeID, _ path: Path, _ file: FileID, Coverage) -> Void
    ) throws {
        try StoreError.wrap {
            // A directory's path is longer than its parent's, whatever their numbers.
            let select = try BulkStatement(
                database,
                """
                SELECT node.id, node.parent, directory.path, node.filesystem, node.ino, node.btime_ns, node.coverage
                FROM node JOIN directory ON directory.id = node.directory
                WHERE node.root = ?1 AND node.parent IS NOT NULL
                ORDER BY length(CAST(directory.path AS BLOB))
                """)
            select.bind(1, root.id.rawValue)
            try select.forEachRow {
                let parent = NodeID(rawValue: select.int(1))
                guard nodes[parent]?.root == root.id else {
                    throw StoreError(.corrupt, "directory \(select.int(0)) lies in none of its root")
                }
                body(
                    NodeID(rawValue: select.int(0)), parent, Path(select.bytes(2)),
                    FileID(
                        filesystem: Int32(truncatingIfNeeded: select.int(3)), inode: UInt64(bitPattern: select.int(4)),
                        birth: select.int(5)
                    ),
                    Coverage(rawValue: select.int(6)) ?? .covered)
            }
        }
    }

    /// Drops a root with its rows, those of the log included, in a batch of its own.
    package func forget(_ root: Root) throws {
        // Nothing was read for it, so it claims no more than the batch before.
        var batch = Batch(source: .event, began: Instant(wall: lastBegan, boot: 0))
        batch.leaving = root
        _ = try commit(batch)
    }

    /// Deletes all rows of a root, in the batch `seq`. Directories of the dictionary that another root's rows use stay.
    func delete(_ root: Root, seq: Int64) throws {
        let isBelow =
            "(CAST(path AS BLOB) = ?1 OR substr(CAST(path AS BLOB), 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))"
        let below = "SELECT id FROM directory WHERE \(isBelow)"
        // What came from here was created where it went, and what went here is gone from where it was: that is the other root's.
        for sql in [
            """
            UPDATE log SET kind = 1, flags = 3
            WHERE directory NOT IN (\(below)) AND seq IN (SELECT seq FROM log_origin WHERE old_directory IN (\(below)))
            """,
            """
            UPDATE log SET kind = 4, flags = 3,
              (directory, name) = (SELECT old_directory, old_name FROM log_origin WHERE log_origin.seq = log.seq)
            WHERE directory IN (\(below)) AND seq IN (SELECT seq FROM log_origin WHERE old_directory NOT IN (\(below)))
            """, "DELETE FROM log WHERE directory IN (\(below))",
        ] {
            let statement = try BulkStatement(database, sql)
            statement.bind(1, blob: root.path.bytes)
            try statement.run()
        }
        // The root's own row lies in its container's directory.
        let own = try BulkStatement(
            database, "DELETE FROM log WHERE directory = (SELECT directory FROM node WHERE id = ?1) AND name = ?2")
        own.bind(1, root.container.rawValue)
        own.bind(2, root.path.name)
        try own.run()
        // Only what was renamed, or took the place of something, has an origin.
        try database.execute(
            sql: "DELETE FROM log_origin WHERE seq NOT IN (SELECT seq FROM log WHERE kind IN (2, 5))")
        let passing = try BulkStatement(database, "DELETE FROM passing WHERE directory IN (\(below))")
        passing.bind(1, blob: root.path.bytes)
        try passing.run()
        let audits = try BulkStatement(database, "DELETE FROM audit WHERE \(isBelow)")
        audits.bind(1, blob: root.path.bytes)
        try audits.run()
        let id = root.id.rawValue
        // Another root may lie beside it, and hang in the same directory.
        try database.execute(
            sql: """
                UPDATE directory SET left_seq = ?1 WHERE id = (SELECT directory FROM node WHERE id = ?2)
                  AND id NOT IN (SELECT directory FROM node WHERE id <> ?2)
                """, arguments: [seq, root.container.rawValue])
        for statement in [
            "DELETE FROM state WHERE node IN (SELECT id FROM node WHERE root = ?)", "DELETE FROM node WHERE root = ?",
            "DELETE FROM gap WHERE root = ?", "DELETE FROM exclude WHERE root = ?",
            "DELETE FROM former_exclude WHERE root = ?", "DELETE FROM root WHERE id = ?",
        ] {
            try database.execute(sql: statement, arguments: [id])
        }
        let dictionary = try BulkStatement(
            database,
            """
            DELETE FROM directory WHERE id IN (\(below))
              AND id NOT IN (SELECT directory FROM node) AND id NOT IN (SELECT directory FROM log)
              AND id NOT IN (SELECT old_directory FROM log_origin WHERE old_directory IS NOT NULL)
              AND id NOT IN (SELECT directory FROM gap)
            """)
        dictionary.bind(1, blob: root.path.bytes)
        try dictionary.run()
    }
}
