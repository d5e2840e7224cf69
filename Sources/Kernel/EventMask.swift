internal import Glibc

/// What an inotify event says, and what a watch asks for. Each member's C constant is its name with `IN_` before it.
package struct EventMask: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Said once more, since from another module the general one is called through a table, several times an event.
    package func contains(_ other: EventMask) -> Bool { rawValue & other.rawValue == other.rawValue }
    package func isDisjoint(with other: EventMask) -> Bool { rawValue & other.rawValue == 0 }

    /// The corresponding C constant is `IN_MODIFY`: written, truncated, or mtime set alone (`touch -m`).
    package static let modify = EventMask(rawValue: UInt32(IN_MODIFY))
    /// The corresponding C constant is `IN_ATTRIB`: mode, owner, times, extended attributes.
    package static let attrib = EventMask(rawValue: UInt32(IN_ATTRIB))
    /// The corresponding C constant is `IN_CLOSE_WRITE`: the only sign of a store through a mapping, and of libaio.
    package static let closeWrite = EventMask(rawValue: UInt32(IN_CLOSE_WRITE))
    /// The corresponding C constant is `IN_MOVED_FROM`.
    package static let movedFrom = EventMask(rawValue: UInt32(IN_MOVED_FROM))
    /// The corresponding C constant is `IN_MOVED_TO`.
    package static let movedTo = EventMask(rawValue: UInt32(IN_MOVED_TO))
    /// The corresponding C constant is `IN_CREATE`.
    package static let create = EventMask(rawValue: UInt32(IN_CREATE))
    /// The corresponding C constant is `IN_DELETE`.
    package static let delete = EventMask(rawValue: UInt32(IN_DELETE))
    /// The corresponding C constant is `IN_DELETE_SELF`.
    package static let deleteSelf = EventMask(rawValue: UInt32(IN_DELETE_SELF))
    /// The corresponding C constant is `IN_MOVE_SELF`.
    package static let moveSelf = EventMask(rawValue: UInt32(IN_MOVE_SELF))

    /// The corresponding C constant is `IN_Q_OVERFLOW`: events were dropped; its wd is -1.
    package static let queueOverflow = EventMask(rawValue: UInt32(IN_Q_OVERFLOW))
    /// The corresponding C constant is `IN_IGNORED`: the watch is no more. Nothing else says so.
    package static let ignored = EventMask(rawValue: UInt32(IN_IGNORED))
    /// The corresponding C constant is `IN_UNMOUNT`.
    package static let unmount = EventMask(rawValue: UInt32(IN_UNMOUNT))
    /// The corresponding C constant is `IN_ISDIR`.
    package static let isDirectory = EventMask(rawValue: UInt32(IN_ISDIR))

    /// What every watch of ours asks for. Not `IN_EXCL_UNLINK`: it loses writes through another hard link.
    package static let watched: EventMask = [
        .modify, .attrib, .closeWrite, .movedFrom, .movedTo, .create, .delete, .deleteSelf, .moveSelf,
    ]
}
