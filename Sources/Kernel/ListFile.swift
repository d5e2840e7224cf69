internal import CLinux
internal import Glibc

/// A file that is written once, for other programs to read, and is gone with its owner.
package final class ListFile: Sendable {
    private let descriptor: Descriptor
    /// Its name; nil where it has none.
    package let path: [UInt8]?

    /// One without a name (memfd_create(2)): nothing of it is in any file system. `label` is what /proc shows.
    package init(label: String) throws(SystemError) {
        descriptor = Descriptor(
            raw: try check("memfd_create") { unsafe withCString(Array(label.utf8)) { unsafe clinux_memory_file($0) } })
        path = nil
    }

    /// One in a directory, with mode 0600 and a name that begins like `prefix` and was free. (Not a name for one that has none, in
    /// /proc: rsync, for one, takes none of its links.)
    package init(in directory: [UInt8], prefix: String) throws(SystemError) {
        var template = (directory + Array("/\(prefix).XXXXXX".utf8) + [0]).map { CChar(bitPattern: $0) }
        descriptor = Descriptor(
            raw: try check("create", directory) {
                unsafe template.withUnsafeMutableBufferPointer { unsafe clinux_temporary_file($0.baseAddress!) }
            })
        path = template.dropLast().map { UInt8(bitPattern: $0) }
    }

    deinit {
        if let path { _ = unsafe withCString(path) { unsafe unlink($0) } }
    }

    var raw: Int32 { descriptor.raw }

    package var output: Output { Output(descriptor: raw) }

    /// Goes back to the start: whoever inherits the descriptor shares its position.
    package func rewind() throws(SystemError) {
        let raw = raw
        _ = try check("lseek") { lseek(raw, 0, SEEK_SET) }
    }
}
