/// What happened to a path, in the words of the contract; the raw value stands in the log.
package enum Kind: Int64, Sendable, CaseIterable {
    case created = 1, modified, attrib, deleted, renamed

    /// (Not `String(describing:)`, which asks the runtime at 300 ns a call: there is one for every row printed.)
    package var word: String {
        switch self {
        case .created: "created"
        case .modified: "modified"
        case .attrib: "attrib"
        case .deleted: "deleted"
        case .renamed: "renamed"
        }
    }
}

/// How a change was found; the raw value stands in the batch.
package enum Source: Int64, Sendable {
    case event = 1, crawl, audit

    package var word: String {
        switch self {
        case .event: "event"
        case .crawl: "crawl"
        case .audit: "audit"
        }
    }
}

/// What of a file is different, beyond its name.
package struct Difference: OptionSet, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// Content, size, type or inode.
    package static let content = Difference(rawValue: 1)
    /// Mode, owner, extended attributes, link count or times.
    package static let metadata = Difference(rawValue: 2)
    /// What came or went.
    package static let all: Difference = [.content, .metadata]

    /// The type of what was replaced, where that was another; in the log its `S_IFMT` bits stand above those of the others.
    package var replacedType: FileType? {
        get { FileType(rawValue: UInt32(truncatingIfNeeded: rawValue >> 4 & 15) << 12) }
        set { self = Difference(rawValue: rawValue & 15 | Int64((newValue?.rawValue ?? 0) >> 12) << 4) }
    }
}

/// Where a root stands; the raw value stands in its row.
package enum RootState: Int64, Sendable {
    /// Watched, or to be watched by the next watcher.
    case live = 1
    /// Its directory, or the file system it lay on, is not there.
    case offline
    /// Stored, and not part of what the last watcher was asked to watch.
    case stopped

    package var word: String { String(describing: self) }
}

/// Whether what lies below a directory is part of the journal; the raw value stands in its node.
package enum Coverage: Int64, Sendable {
    case covered
    /// Another file system is mounted there, and the root does not cross mounts.
    case mount
    /// It could not be read when it was first seen.
    case unreadable
    /// proc, sysfs and the like: what lies there are no files.
    case pseudo

    package var word: String {
        switch self {
        case .covered: "covered"
        case .mount: "another mount"
        case .unreadable: "unreadable"
        case .pseudo: "a pseudo file system"
        }
    }
}

/// Why the journal could not look; the raw value stands in the gap.
package enum GapCause: String, Sendable {
    /// IN_Q_OVERFLOW: the kernel dropped events.
    case overflow
    /// No watcher ran.
    case downtime
    /// The root is being crawled for the first time, or anew after an exclude was dropped.
    case beginning
    /// The kernel refused a watch: the limit is reached.
    case watchLimit = "watch-limit"
    /// A covered directory can no longer be read.
    case unreadable
    /// The root, or a file system mounted below it, is not there.
    case offline
    /// Another file system is mounted over it. While that is so its subtree is not covered; what is known of it stays.
    case hidden
    /// A network or FUSE file system: others change it, and nobody tells. It is as good as its last crawl.
    case remote
    /// The root is stored but was not among those to watch.
    case stopped
    /// A crawl was asked for, or an answer from the kernel left doubt.
    case doubt
}
