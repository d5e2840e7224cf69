package import Changes
internal import GRDB

/// The stored state, as Capture asks for it.
extension Store {
    package func row(at place: Place) throws -> StoredRow? {
        let select = statements.selectRow
        select.bind(1, place.node.rawValue)
        select.bind(2, place.name)
        return try rows(select).first
    }

    package func rows(of node: NodeID, after: Name?, limit: Int) throws -> [StoredRow] {
        let select = after == nil ? statements.selectRows : statements.selectRowsBehind
        select.bind(1, node.rawValue)
        select.bind(2, Int64(limit))
        if let after { select.bind(3, after) }
        return try rows(select)
    }

    package func rows(linkedTo files: Set<FileID>) throws -> [StoredRow] {
        var found: [StoredRow] = []
        for file in files {
            statements.selectLinked.bind(1, Int64(bitPattern: file.inode))
            found += try rows(statements.selectLinked).filter { $0.entry.id == file && $0.child == nil }
        }
        return found
    }

    package func linkedRows(of node: NodeID) throws -> [StoredRow] {
        statements.selectLinkedOfNode.bind(1, node.rawValue)
        return try rows(statements.selectLinkedOfNode)
    }

    package func rows(ofInodes inodes: Set<UInt64>) throws -> [StoredRow] {
        let list = inodes.map { String(Int64(bitPattern: $0)) }.joined(separator: ",")
        let select = try StoreError.wrap {
            try BulkStatement(
                database,
                """
                SELECT \(Statements.rowColumns) FROM state JOIN node ON node.id = state.node
                WHERE state.child IS NULL AND state.ino IN (\(list))
                """)
        }
        return try rows(select)
    }

    private func rows(_ select: BulkStatement) throws -> [StoredRow] {
        try StoreError.wrap {
            var found: [StoredRow] = []
            try select.forEachRow {
                let id = FileID(
                    filesystem: Int32(select.int(11)), inode: UInt64(bitPattern: select.int(6)), birth: select.int(5))
                let entry = Entry(
                    id: id, mode: UInt32(select.int(1)), size: select.int(2), mtime: select.int(3),
                    ctime: select.int(4),
                    nlink: UInt32(select.int(7)), uid: UInt32(select.int(8)), gid: UInt32(select.int(9)))
                found.append(
                    StoredRow(
                        place: Place(NodeID(rawValue: select.int(12)), Name(select.bytes(0))), entry: entry,
                        child: select.isNull(10) ? nil : NodeID(rawValue: select.int(10))))
            }
            return found
        }
    }
}
