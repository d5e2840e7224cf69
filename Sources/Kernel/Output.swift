internal import Glibc

/// A buffer in front of a descriptor that someone else owns, such as stdout: every byte is written, or the error
/// is told. What is not flushed is not written.
package struct Output: ~Copyable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Large enough that the call costs nothing beside the formatting, small enough for a pipe to keep moving.
    private static let capacity = 64 * 1024

    init(descriptor: Int32) {
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.capacity + 4096)
    }

    package static func standardOutput() -> Output { Output(descriptor: STDOUT_FILENO) }
    package static func standardError() -> Output { Output(descriptor: STDERR_FILENO) }

    package mutating func write(_ bytes: [UInt8]) throws(SystemError) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    package mutating func write(_ byte: UInt8) throws(SystemError) {
        buffer.append(byte)
        if buffer.count >= Self.capacity { try flush() }
    }

    package mutating func write(_ text: String) throws(SystemError) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.capacity { try flush() }
    }

    package mutating func flush() throws(SystemError) {
        let failure = writeAll(buffer, to: descriptor)
        buffer.removeAll(keepingCapacity: true)
        if let failure { throw SystemError("write", errno: failure) }
    }

    /// Makes a reader that leaves an error (EPIPE) of the next write, where a signal would end us before a half-made
    /// file could be removed.
    package static func ignoreBrokenPipe() { signal(SIGPIPE, SIG_IGN) }
}

/// Calls write(2) until all of `bytes` are written; the errno where it fails.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    unsafe bytes.withUnsafeBytes { source in
        var written = 0
        while written < source.count {
            let count = unsafe Glibc.write(descriptor, source.baseAddress! + written, source.count - written)
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}
