import Glibc

/// A directory served once more by a program, through FUSE: a file system that others can change, and that can hang.
enum Bindfs {
    /// Whether there is such a thing here; where not, that is said.
    static func isPossible() throws -> Bool {
        if access("/dev/fuse", R_OK | W_OK) == 0, try Program.run("sh", ["-c", "command -v bindfs"]).status == 0 {
            return true
        }
        try Skipped.note("no /dev/fuse, or no bindfs")
        return false
    }

    /// Serves `source` at `point`; false where that cannot be done, which is said.
    static func mount(_ source: Bytes, at point: Bytes) throws -> Bool {
        if try Program.run("bindfs", [source, point]).status == 0 { return true }
        try Skipped.note("bindfs cannot mount here")
        return false
    }
}
