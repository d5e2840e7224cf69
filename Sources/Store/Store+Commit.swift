package import Changes
internal import GRDB
internal import RawSQL

/// The commit: one transaction a batch.
extension Store {
    package func commit(_ batch: Batch) throws -> Changes.Cursor {
        try releaseSnapshot()
        return try StoreError.wrap(database) {
            var commit = Commit(store: self, batch: batch)
            do {
                try database.inTransaction(.immediate) {
                    try commit.run()
                    return .commit
                }
            } catch {
                // What the commit has made of them was rolled back with it.
                try loadNodes()
                throw error
            }
            (head, headCheck) = (commit.seq, commit.check)
            (lastBegan, lastCommitted, lastClock) = (commit.began, commit.committed.wall, commit.now)
            nodes = commit.takeNodes()
            if let root = batch.leaving?.id { nodes = nodes.filter { $0.value.root != root } }
            return cursor
        }
    }
}

/// One commit on its way. Paths before the batch are those of the directories as the store has them, paths after it those
/// that the batch gives them; so what was there before is resolved before the nodes are changed.
private struct Commit {
    private let store: Store
    private let batch: Batch
    private let statements: Statements
    /// The seq of the batch: its rows come first, so it is known at the end.
    private(set) var seq: Int64
    let check = UInt64.random(in: 0...UInt64.max)
    let began: Int64
    /// The clocks as they are, and as the batch is labelled.
    let now: Instant
    let committed: Instant
    private var nodes: [NodeID: Store.NodePlace]
    /// The directories that relocated nodes had before.
    private var formerDirectories: [NodeID: Int64] = [:]
    /// The directories that were taken from nodes in this batch.
    private var left: Set<Int64> = []
    /// The log rows of renamed directories, for what moved with them.
    private var renameSeq: [NodeID: Int64] = [:]
    /// How many rows and directories each root has more. Every directory has its row, and is counted as a node.
    private var counts: [RootID: (rows: Int64, directories: Int64)] = [:]
    private var firstLogSeq: Int64 = 0

    init(store: Store, batch: Batch) {
        self.store = store
        self.batch = batch
        statements = store.statements
        seq = store.head
        now = store.clock()
        committed = Instant(wall: store.label(now), boot: now.boot)
        began = min(max(batch.began.wall, store.lastBegan), committed.wall)
        nodes = store.nodes
        store.nodes = [:]  // so that the copy here is the only one, and changes in place
    }

    consuming func takeNodes() -> [NodeID: Store.NodePlace] { nodes }

    mutating func run() throws {
        for (id, key) in batch.filesystems {
            let insert = try BulkStatement(store.database, "INSERT INTO filesystem(id, key) VALUES (?1, ?2)")
            insert.bind(1, Int64(id))
            insert.bind(2, blob: key)
            try insert.run()
        }
        try placeNodes()
        try writeLog()
        try writeRows()
        try writeArrivals()
        try writeDirectories()
        try finish()
    }

    /// Gives new directories their rows, and relocated ones their paths.
    private mutating func placeNodes() throws {
        for change in batch.nodes {
            switch change {
            case .born(let node, let parent, let root, let path, let id, let coverage):
                let directory = try directory(path)
                nodes[node] = Store.NodePlace(directory: directory, root: root, filesystem: id.filesystem)
                if parent != nil { count(directories: 1, in: node) }
                let insert = statements.insertNode
                insert.bind(1, node.rawValue)
                insert.bind(2, parent?.rawValue)
                insert.bind(3, directory)
                insert.bind(4, root.rawValue)
                insert.bind(5, Int64(id.filesystem))
                insert.bind(6, Int64(bitPattern: id.inode))
                insert.bind(7, id.birth)
                insert.bind(8, coverage.rawValue)
                try insert.run()
            case .relocated(let node, let parent, let path, _, _, _):
                let directory = try directory(path)
                formerDirectories[node] = nodes[node]!.directory
                left.insert(nodes[node]!.directory)
                nodes[node]!.directory = directory
                statements.moveNode.bind(1, node.rawValue)
                statements.moveNode.bind(2, parent.rawValue)
                statements.moveNode.bind(3, directory)
                try statements.moveNode.run()
            case .altered(let node, let id, let coverage):
                let alter = statements.alterNode
                alter.bind(1, node.rawValue)
                alter.bind(2, Int64(id.filesystem))
                alter.bind(3, Int64(bitPattern: id.inode))
                alter.bind(4, id.birth)
                alter.bind(5, coverage.rawValue)
                try alter.run()
                nodes[node]?.filesystem = id.filesystem
            case .gone: break
            }
        }
    }

    /// The id of a path in the dictionary, for a node that is there now. Most that are asked for are new.
    private func directory(_ path: Path) throws -> Int64 {
        let name = Name(path.bytes)
        statements.insertDirectory.bind(1, name)
        if try statements.insertDirectory.run() == 1 { return store.database.lastInsertedRowID }
        var id: Int64?
        statements.findDirectory.bind(1, name)
        try statements.findDirectory.forEachRow { id = statements.findDirectory.int(0) }
        statements.holdDirectory.bind(1, id!)
        try statements.holdDirectory.run()
        return id!
    }

    /// Notes which directories no node holds any more. No row of the log names one later than in this batch: rows name those
    /// that nodes have before their batch, or after it.
    private mutating func leaveDirectories() throws {
        guard !left.isEmpty else { return }
        for change in batch.nodes {
            switch change {
            case .born(let node, _, _, _, _, _), .relocated(let node, _, _, _, _, _):
                if let place = nodes[node] { left.remove(place.directory) }
            case .altered, .gone: break
            }
        }
        for directory in left {
            statements.leaveDirectory.bind(1, directory)
            statements.leaveDirectory.bind(2, seq)
            try statements.leaveDirectory.run()
        }
    }

    private func directoryBefore(_ node: NodeID) -> Int64 { formerDirectories[node] ?? nodes[node]!.directory }
    private func directoryAfter(_ node: NodeID) -> Int64 { nodes[node]!.directory }

    private mutating func writeLog() throws {
        firstLogSeq = seq + 1
        for transition in batch.log {
            seq += 1
            if transition.kind == .renamed, transition.mover == nil, let child = transition.child {
                renameSeq[child] = seq
            }
            let place = transition.place
            let insert = statements.insertLog
            insert.bind(1, seq)
            insert.bind(2, transition.kind.rawValue)
            insert.bind(3, transition.difference.rawValue)
            insert.bind(4, transition.kind == .deleted ? directoryBefore(place.node) : directoryAfter(place.node))
            insert.bind(5, place.name)
            let entry = transition.entry
            insert.bind(6, Int64(entry.mode))
            insert.bind(7, entry.size)
            insert.bind(8, entry.mtime)
            insert.bind(9, Int64(entry.uid))
            insert.bind(10, Int64(entry.gid))
            insert.bind(11, Int64(entry.id.filesystem))
            insert.bind(12, Int64(bitPattern: entry.id.inode))
            insert.bind(13, entry.id.birth)
            try insert.run()
            if transition.oldPlace != nil || transition.prior != nil { try writeOrigin(of: transition) }
        }
    }

    /// What was before, of the row that was logged last.
    private func writeOrigin(of transition: Transition) throws {
        let insert = statements.insertOrigin
        insert.bind(1, seq)
        insert.bind(2, transition.oldPlace.map { directoryBefore($0.node) })
        insert.bind(3, transition.oldPlace?.name)
        insert.bind(4, transition.mover.flatMap { renameSeq[$0] })
        insert.bind(5, transition.prior.map { Int64(bitPattern: $0.inode) })
        insert.bind(6, transition.prior?.birth)
        try insert.run()
    }

    private mutating func writeRows() throws {
        // Drops first: what was at a place makes room for what comes there.
        for change in batch.rows where change.entry == nil {
            if change.before != nil { count(rows: -1, in: change.place.node) }
            statements.deleteState.bind(1, change.place.node.rawValue)
            statements.deleteState.bind(2, change.place.name)
            try statements.deleteState.run()
        }
        for change in batch.rows {
            guard let entry = change.entry else { continue }
            if change.before == nil { count(rows: 1, in: change.place.node) }
            let upsert = statements.upsertState
            upsert.bind(1, change.place.node.rawValue)
            upsert.bind(2, change.place.name)
            upsert.bind(3, Int64(entry.mode))
            upsert.bind(4, entry.size)
            upsert.bind(5, entry.mtime)
            upsert.bind(6, entry.ctime)
            upsert.bind(7, entry.id.birth)
            upsert.bind(8, Int64(bitPattern: entry.id.inode))
            upsert.bind(9, Int64(entry.nlink))
            upsert.bind(10, Int64(entry.uid))
            upsert.bind(11, Int64(entry.gid))
            upsert.bind(12, change.child?.rawValue)
            upsert.bind(13, change.transition.map { firstLogSeq + Int64($0) })
            upsert.bind(14, store.head)
            try upsert.run()
        }
    }

    /// Files that came where nothing was, all in two statements; the first crawl of a root logs none.
    private mutating func writeArrivals() throws {
        guard !batch.arrivals.isEmpty else { return }
        for group in batch.arrivals.groups {
            count(rows: Int64(group.rows.count), in: group.node)
        }
        let (nodes, logged) = (nodes, batch.arrivals.logged)
        try store.arrivalTable.with(
            batch.arrivals, behind: seq, silent: store.head, directory: { nodes[$0]!.directory }
        ) {
            try statements.insertArrivals.run()
            if logged > 0 { try appendToLog(statements.insertLogOfArrivals) }
        }
    }

    /// Runs a statement that adds rows to the log and leaves it to SQLite to number them, from the last one on: to look for the
    /// place of each took a tenth of an untar's instructions.
    ///
    /// The last row is the last of this batch. Where there is none yet, one stands in for it, with the number of the batch
    /// before, which no row has.
    private mutating func appendToLog(_ insert: BulkStatement) throws {
        let (before, isFirst) = (seq, seq == store.head)
        if isFirst {
            statements.insertLogStart.bind(1, before)
            try statements.insertLogStart.run()
        }
        seq += try insert.run()
        precondition(seq == before || store.database.lastInsertedRowID == seq, "the log goes on from its last row")
        if isFirst {
            statements.deleteLogStart.bind(1, before)
            try statements.deleteLogStart.run()
        }
    }

    /// What moved or went with a directory, a statement a directory.
    private mutating func writeDirectories() throws {
        for change in batch.nodes {
            switch change {
            case .relocated(let node, _, _, let mover, let except, let logged):
                guard logged else { continue }
                let (insert, before) = (statements.insertOriginOfRelocated, seq)
                statements.insertLogOfRelocated.bind(4, directoryAfter(node))
                try logRows(of: node, except, statements.insertLogOfRelocated)
                insert.bind(1, before)
                insert.bind(2, seq)
                insert.bind(3, directoryBefore(node))
                insert.bind(4, renameSeq[mover])
                try insert.run()
            case .gone(let node, let except, let logged):
                if logged {
                    statements.insertLogOfGone.bind(4, directoryBefore(node))
                    try logRows(of: node, except, statements.insertLogOfGone)
                }
                statements.deleteStateOfNode.bind(1, node.rawValue)
                count(rows: -(try statements.deleteStateOfNode.run()), directories: -1, in: node)
            case .born, .altered: break
            }
        }
        for case .gone(let node, _, _) in batch.nodes {
            statements.deleteNode.bind(1, node.rawValue)
            try statements.deleteNode.run()
            if let place = nodes.removeValue(forKey: node) { left.insert(place.directory) }
        }
    }

    /// Logs all rows of a directory but those in `except`.
    private mutating func logRows(of node: NodeID, _ except: [Name], _ insert: BulkStatement) throws {
        if !except.isEmpty { try store.except(except) }
        insert.bind(1, node.rawValue)
        insert.bind(2, Int64(nodes[node]!.filesystem))
        insert.bind(3, except.isEmpty ? 0 : 1)
        try appendToLog(insert)
    }

    /// Of a directory that the store does not have, or has no more, its own row says enough.
    private func writePassing() throws {
        guard !batch.passing.isEmpty else { return }
        statements.deletePassing.bind(1, seq - Passing.reach)
        try statements.deletePassing.run()
        for (node, passing) in batch.passing {
            guard let directory = nodes[node]?.directory else { continue }
            let names: Set<Name> = if case .names(let names) = passing { names } else { [Name("")] }
            for name in names {
                statements.insertPassing.bind(1, seq)
                statements.insertPassing.bind(2, directory)
                statements.insertPassing.bind(3, name)
                try statements.insertPassing.run()
            }
        }
    }

    private mutating func count(rows: Int64 = 0, directories: Int64 = 0, in node: NodeID) {
        guard let root = nodes[node]?.root else { return }
        let known = counts[root] ?? (0, 0)
        counts[root] = (known.rows + rows, known.directories + directories)
    }

    private mutating func finish() throws {
        seq += 1
        try writePassing()
        try leaveDirectories()
        for (root, count) in counts where count != (0, 0) {
            try store.database.execute(
                sql: "UPDATE root SET directories = directories + ?, files = files + ? WHERE id = ?",
                arguments: [count.directories, count.rows - count.directories, root.rawValue])
        }
        try store.writeGaps(batch, seq: seq, now: committed.wall, directory: { nodes[$0]!.directory })
        try store.writeRoots(batch, seq: seq, now: committed.wall)
        let insert = statements.insertBatch
        insert.bind(1, seq)
        insert.bind(2, Int64(bitPattern: check))
        insert.bind(3, batch.source.rawValue)
        insert.bind(4, began)
        insert.bind(5, committed.wall)
        insert.bind(6, batch.notBefore)
        insert.bind(7, store.boot)
        insert.bind(8, min(batch.began.boot, committed.boot))
        insert.bind(9, committed.boot)
        try insert.run()
        if let time = batch.vouchedUntil { try store.noteVouched(until: time) }
    }
}
