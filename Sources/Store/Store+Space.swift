internal import Changes
internal import GRDB

/// The database's size, and how it becomes less.
extension Store {
    /// Time that a step takes, nanoseconds; a few pages more at most.
    private static let stepTime: Int64 = 3_000_000
    /// Pages after which it looks at the clock.
    private static let pagesAtOnce: Int64 = 16
    /// Free pages are kept for what is written next, up to a sixteenth of those in use: giving one back moves another.
    private static let slack: Int64 = 16

    private func pragma(_ name: String) throws -> Int64 {
        try Int64.fetchOne(database, sql: "PRAGMA \(name)") ?? 0
    }

    /// The pages that hold something, in bytes; the WAL is not part of it.
    func usedBytes() throws -> Int64 {
        try (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
    }

    /// The database's pages, in bytes.
    package func bytes() throws -> Int64 {
        try StoreError.wrap { try pragma("page_count") * pragma("page_size") }
    }

    /// Whether so many pages are free that they are to be given back: more than a slack, or all that make the database larger
    /// than `size`.
    package func hasSpare(over size: Int64) throws -> Bool {
        try StoreError.wrap {
            guard try pragma("auto_vacuum") == 2 else { return false }
            let (all, free) = (try pragma("page_count"), try pragma("freelist_count"))
            return try free > (all - free) / Self.slack || (free > 0 && all * pragma("page_size") > size)
        }
    }

    /// Takes a step towards giving all free pages back to the file system, and says whether that was the last. The file becomes
    /// shorter when a checkpoint has brought in the whole WAL.
    package func giveBack() throws -> Bool {
        try releaseSnapshot()
        return try StoreError.wrap(database) {
            guard try pragma("auto_vacuum") == 2 else { return true }
            let before = try pragma("page_count")
            let deadline = clock().boot + Self.stepTime
            var isDone = false
            try database.inTransaction(.immediate) {
                repeat {
                    try database.execute(sql: "PRAGMA incremental_vacuum(\(Self.pagesAtOnce))")
                    isDone = try pragma("freelist_count") == 0
                } while !isDone && clock().boot < deadline
                return .commit
            }
            pagesMoved += Int(before - (try pragma("page_count")))
            isFileLong = true
            return isDone
        }
    }
}
