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

/// Stderr as a log: whoever writes to it has more to do than to wait for its reader.
package enum Log {
    /// What a pipe takes at once where poll(2) calls it writable (PIPE_BUF), bytes.
    private static let piece = 4096

    /// Writes as much of `text` as goes without waiting. False where that was not all of it, because nobody reads what was
    /// written before, or where stderr fails.
    package static func write(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            var set = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&set, 1, 0) == 1, writeAll(Array(rest.prefix(piece)), to: STDERR_FILENO) == nil else {
                return false
            }
            rest = rest.dropFirst(piece)
        }
        return true
    }
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
