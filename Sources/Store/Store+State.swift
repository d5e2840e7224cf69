package import Changes
internal import GRDB
internal import RawSQL

/// The stored state, as Capture asks for it.
extension Store {
    package func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result {
        try StoreError.wrap { _ = try statements.begin.run() }
        do {
            let result = try body()
            try releaseSnapshot()
            return result
        } catch {
            // What `body` threw is what is told. SQLite may have ended the transaction itself, and a connection must not be left
            // in one.
            do { try releaseSnapshot() } catch _ {}
            throw error
        }
    }

    /// Ends the transaction that only reads, if there is one.
    func releaseSnapshot() throws {
        guard database.isInsideTransaction else { return }
        try StoreError.wrap { _ = try statements.end.run() }
    }

    package func row(at place: Place) throws -> StoredRow? {
        let select = statements.selectRow
        select.bind(1, place.node.rawValue)
        select.bind(2, place.name)
        return try rows(select).first
    }

    package func read(_ page: inout RowList, of node: NodeID, after: Name?, limit: Int) throws {
        let select = after == nil ? statements.selectRows : statements.selectRowsBehind
        select.bind(1, node.rawValue)
        select.bind(2, Int64(limit))
        if let after { select.bind(3, after) }
        let filesystem = nodes[node]?.filesystem ?? 0
        try StoreError.wrap {
            try select.forEachRow {
                let (entry, child) = entry(select, in: filesystem)
                page.append(entry, child: child, isText: select.isText(0)) { select.appendBytes(0, to: &$0) }
            }
        }
    }

    package func rows(linkedTo files: Set<FileID>) throws -> [StoredRow] {
        var found: [StoredRow] = []
        for file in files {
            statements.selectLinked.bind(1, Int64(bitPattern: file.inode))
            found += try rows(statements.selectLinked).filter { $0.entry.id == file }
        }
        return found
    }

    package func linkedRows(of nodes: some Sequence<NodeID>) throws -> [StoredRow] {
        // Most trees have none, which the index says without a look at any row.
        var hasLinked = false
        try StoreError.wrap { try statements.hasLinked.forEachRow { hasLinked = true } }
        guard hasLinked else { return [] }
        return try nodes.flatMap { node in
            statements.selectLinkedOfNode.bind(1, node.rawValue)
            return try rows(statements.selectLinkedOfNode)
        }
    }

    package func rows(ofInodes inodes: Set<UInt64>) throws -> [StoredRow] {
        let list = inodes.map { String(Int64(bitPattern: $0)) }.joined(separator: ",")
        let select = try StoreError.wrap {
            try BulkStatement(
                database,
                """
                SELECT \(Statements.rowColumns) FROM state WHERE child IS NULL AND ino IN (\(list))
                """)
        }
        return try rows(select)
    }

    private func rows(_ select: BulkStatement) throws -> [StoredRow] {
        try StoreError.wrap {
            var found: [StoredRow] = []
            try select.forEachRow {
                let node = NodeID(rawValue: select.int(11))
                let (entry, child) = entry(select, in: nodes[node]?.filesystem ?? 0)
                found.append(StoredRow(place: Place(node, Name(select.bytes(0))), entry: entry, child: child))
            }
            return found
        }
    }

    /// The entry in a row of ``Statements/rowColumns``, and the node of a directory. A file is of the file system of the
    /// directory it lies in. Numbers that no `stat` gives, as somebody may have written them, are cut: they are nobody's.
    private func entry(_ select: BulkStatement, in parent: Int32) -> (Entry, child: NodeID?) {
        let child = select.isNull(10) ? nil : NodeID(rawValue: select.int(10))
        let filesystem = child.map { nodes[$0]?.filesystem ?? 0 } ?? parent
        let id = FileID(filesystem: filesystem, inode: UInt64(bitPattern: select.int(6)), birth: select.int(5))
        let entry = Entry(
            id: id, mode: UInt32(truncatingIfNeeded: select.int(1)), size: select.int(2), mtime: select.int(3),
            ctime: select.int(4),
            nlink: UInt32(truncatingIfNeeded: select.int(7)), uid: UInt32(truncatingIfNeeded: select.int(8)),
            gid: UInt32(truncatingIfNeeded: select.int(9)))
        return (entry, child)
    }
}
