internal import CLinux
internal import Glibc

/// A watch descriptor: the kernel's number for one watched inode of one instance. Numbers are handed out in a cycle of
/// 2³¹, so one that is unknown is a stale event's and never another directory's.
package struct WatchDescriptor: Hashable, Sendable {
    package let raw: Int32
    package init(_ raw: Int32) { self.raw = raw }
}

/// An inotify instance.
package struct Inotify: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Bytes of one queued event without a name, as FIONREAD counts them.
    package static let headerSize = 16

    /// inotify_init1(2).
    package init() throws(SystemError) {
        descriptor = Descriptor(raw: try check("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// inotify_add_watch(2) on the very directory `directory` is open on, through /proc/self/fd, so that no rename can
    /// come between opening and watching. On an inode that is watched already this gives the same descriptor again.
    package borrowing func watch(_ directory: borrowing Descriptor) throws(SystemError) -> WatchDescriptor {
        try Self.watch(descriptor.raw, "/proc/self/fd/\(directory.raw)")
    }

    /// The same at half the cost, by a thread that may go there.
    package borrowing func watch(
        _ directory: borrowing Descriptor, from thread: borrowing WorkingDirectory
    ) throws(SystemError) -> WatchDescriptor {
        let instance = descriptor.raw
        let watch = try thread.visit(directory) { () throws(SystemError) in try Self.watch(instance, ".") }
        if let watch { return watch }
        return try self.watch(directory)
    }

    private static func watch(_ instance: Int32, _ path: String) throws(SystemError) -> WatchDescriptor {
        let mask = EventMask.watched.rawValue | UInt32(IN_ONLYDIR)
        return WatchDescriptor(
            try check("inotify_add_watch") { unsafe path.withCString { unsafe inotify_add_watch(instance, $0, mask) } })
    }

    /// inotify_rm_watch(2). A watch the kernel has already removed is none to remove: that is no error.
    package borrowing func remove(_ watch: WatchDescriptor) {
        let result = inotify_rm_watch(descriptor.raw, watch.raw)
        precondition(result == 0 || errno == EINVAL, "inotify_rm_watch: \(errno)")
    }

    /// FIONREAD: the bytes queued now. Every change whose system call has returned is among them or was read before.
    package borrowing func pendingBytes() throws(SystemError) -> Int {
        let raw = descriptor.raw
        var bytes: Int32 = 0
        _ = try check("ioctl FIONREAD") { unsafe clinux_pending(raw, &bytes) }
        return Int(bytes)
    }

    /// Reads whole events into `buffer` (at least 272 bytes) and returns how many bytes they are; 0 when none is queued.
    package borrowing func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
        do throws(SystemError) {
            return try descriptor.read(into: &buffer)
        } catch  where error.isWouldBlock {
            return 0
        }
    }

    /// The descriptor to poll.
    package borrowing func poll(with other: borrowing WakeUp, timeout: Int32) throws(SystemError) -> Readiness {
        try Readiness.poll(descriptor.raw, other.raw, timeout: timeout)
    }
}

/// One event, without its name.
package struct EventHeader: Sendable {
    package let watch: WatchDescriptor
    package let mask: EventMask
    /// Pairs the two halves of a rename; 0 else.
    package let cookie: UInt32

    package init(watch: WatchDescriptor, mask: EventMask, cookie: UInt32) {
        self.watch = watch
        self.mask = mask
        self.cookie = cookie
    }
}

/// Decodes the events in a buffer that read(2) filled, in place; the name's bytes are a range of the buffer, empty
/// where the event is about the watched directory itself.
///
/// Source: inotify(7). A name is padded with NULs to a multiple of the header's alignment, so it ends at the first.
package func decodeEvents<Failure: Error>(
    _ buffer: [UInt8], _ body: (EventHeader, Range<Int>) throws(Failure) -> Void
) throws(Failure) {
    let bytes = unsafe buffer.span.bytes
    func word(_ offset: Int) -> UInt32 { unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    var offset = 0
    while offset + Inotify.headerSize <= buffer.count {
        let header = EventHeader(
            watch: WatchDescriptor(Int32(bitPattern: word(offset))), mask: EventMask(rawValue: word(offset + 4)),
            cookie: word(offset + 8))
        let start = offset + Inotify.headerSize
        let next = start + Int(word(offset + 12))
        precondition(next <= buffer.count, "the kernel never hands out a part of an event")
        var end = start
        while end < next, buffer[end] != 0 { end += 1 }
        try body(header, start..<end)
        offset = next
    }
}
