internal import Changes
internal import GRDB
internal import RawSQL

/// Whether a path lies in a question, asked for each row: decided once for each directory that occurs.
struct PathScope {
    private enum Extent {
        /// All entries of the directory do.
        case all
        case none
        /// Only these do.
        case some(Set<Name>)
    }

    private let isEverything: Bool
    private let paths: [Path]
    private let directories: DirectoryPaths
    private var extents: [Int64: Extent] = [:]

    init(_ db: Database, _ subjects: Subjects) {
        isEverything = subjects.areEverything
        paths = subjects.subjects.map(\.path)
        directories = DirectoryPaths(db)
    }

    mutating func contains(_ directory: Int64, _ name: Name) throws -> Bool {
        if isEverything { return true }
        switch try extent(of: directory) {
        case .all: return true
        case .none: return false
        case .some(let names): return names.contains(name)
        }
    }

    private mutating func extent(of directory: Int64) throws -> Extent {
        if let known = extents[directory] { return known }
        let path = try Path(directories.path(of: directory))
        let extent: Extent
        if paths.contains(where: { $0.contains(path) }) {
            extent = .all
        } else {
            let names = Set(paths.lazy.filter { $0.parent == path && $0 != path }.map(\.name))
            extent = names.isEmpty ? .none : .some(names)
        }
        extents[directory] = extent
        return extent
    }
}

/// The dictionary of directories: from ids to paths, and back.
final class DirectoryPaths {
    private let db: Database
    private var byID: BulkStatement?
    private var byPath: BulkStatement?

    init(_ db: Database) { self.db = db }

    func path(of id: Int64) throws -> [UInt8] {
        let select = try byID ?? BulkStatement(db, "SELECT path FROM main.directory WHERE id = ?1")
        byID = select
        var path: [UInt8]?
        select.bind(1, id)
        try select.forEachRow { path = select.bytes(0) }
        guard let path else { throw JournalError.corrupt("directory \(id) is not there") }
        return path
    }

    /// Nil where nothing in that directory is known.
    func id(of path: [UInt8]) throws -> Int64? {
        let select = try byPath ?? BulkStatement(db, "SELECT id FROM main.directory WHERE path = ?1")
        byPath = select
        var id: Int64?
        select.bind(1, Name(path))
        try select.forEachRow { id = select.int(0) }
        return id
    }
}
