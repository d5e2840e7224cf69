/// What a power cut takes from files whose size and times come back as they were.
///
/// A file's content reaches the disk later than its inode. ext4 (data=ordered) and xfs log the times of an overwritten file
/// as soon as anybody syncs anything, while the pages wait for writeback; after a power cut the inode is the new one and the
/// content is the old one, or zeros where blocks were allocated (fallocate, a hole). No stat tells: overwriting in place,
/// filling a hole and storing through a mapping each came back so, 20 times out of 20, on both.
///
/// So on another mount than before – another boot, or mounted again – every file that was changed shortly before somebody
/// last looked counts as written once more.
package enum Writeback {
    /// How long content may wait, nanoseconds. The kernel begins with what has been dirty for 30 s, looks every 5 s, and is
    /// done when the disk is, which nothing bounds; a page of a mapping may be dirty again without moving a time. Ten minutes
    /// leave room for that, and cost ten minutes' changes in the next list.
    package static let lag: Int64 = 600_000_000_000
}
