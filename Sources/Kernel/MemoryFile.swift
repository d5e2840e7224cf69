internal import CLinux
internal import Glibc

/// A file without a name (memfd_create(2)), for what another program reads: nothing of it is in any file system, and it is
/// gone with the last process that holds it.
package final class MemoryFile: Sendable {
    private let descriptor: Descriptor

    /// `name` is what /proc shows.
    package init(_ name: String) throws(SystemError) {
        descriptor = Descriptor(
            raw: try check("memfd_create") { unsafe withCString(Array(name.utf8)) { unsafe clinux_memory_file($0) } })
    }

    var raw: Int32 { descriptor.raw }

    /// A path by which others of the same user can open it, from its start, while this process lives.
    package var path: [UInt8] { Array("/proc/\(getpid())/fd/\(raw)".utf8) }

    package var output: Output { Output(descriptor: raw) }

    /// Goes back to the start: whoever inherits the descriptor shares its position.
    package func rewind() throws(SystemError) {
        let raw = raw
        _ = try check("lseek") { lseek(raw, 0, SEEK_SET) }
    }
}
