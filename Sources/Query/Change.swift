package import Changes

/// One row of an answer. Times are nanoseconds since 1970.
package struct Change: Hashable, Sendable {
    package var seq: Int64
    package var kind: Kind
    package var path: [UInt8]
    /// `renamed` only: the path before.
    package var oldPath: [UInt8]?
    package var difference: Difference
    package var mode: UInt32
    package var size: Int64
    package var mtime: Int64
    package var uid: UInt32
    package var gid: UInt32
    package var ino: UInt64
    package var time: Int64
    package var notBefore: Int64?
    package var source: Source
    /// The `seq` of its batch, for a net row that of the newest of its rows.
    package var batch: Int64
    /// The `seq` of the directory's row, where the path moved by its rename alone.
    package var movedWith: Int64?
    /// What the question begins with at this path; nil in the log, which has no beginning.
    package var before: Before?

    package enum Before: Hashable, Sendable {
        case nothing
        /// What is there at the end, and it was there all the time.
        case same
        /// Something that is gone, was replaced, or was away in between; and its type.
        case other(FileType)
    }

    package var type: FileType { FileType(mode: mode) }
    /// Whether a directory's row says all there is to say.
    package var isFolded: Bool { movedWith != nil && difference.isEmpty }
}
