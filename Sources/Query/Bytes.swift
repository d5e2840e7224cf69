private import struct Foundation.Data
internal import Changes
internal import GRDB

/// Bytes that go into and out of SQLite as they are. GRDB's currency for a BLOB is Foundation's `Data`, which is
/// therefore named in this file and nowhere else; GRDB has loaded Foundation anyway.
struct Bytes: DatabaseValueConvertible {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// TEXT where the bytes are valid UTF-8, else a BLOB: the convention of the schema, so that a name or a path
    /// bound this way finds its row.
    var databaseValue: DatabaseValue {
        bytes.validText?.databaseValue ?? Data(bytes).databaseValue
    }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Bytes? {
        switch value.storage {
        case .blob(let data): Bytes([UInt8](data))
        case .string(let text): Bytes(Array(text.utf8))
        case .null, .int64, .double: nil
        }
    }
}

extension Row {
    /// The bytes of a BLOB column, without a detour through `DatabaseValue`; nil for NULL.
    func bytes(_ index: Int) throws -> [UInt8]? {
        try withUnsafeData(atIndex: index) { $0.map { [UInt8]($0) } }
    }
}
