import Changes
import Foundation
import Kernel
import Testing

@testable import Capture

/// What a read says of the time before it.
@Suite struct DrainTests {
    private func wait(_ drain: Drain, for request: Int) throws -> Drain.Take {
        while true {
            let take = try drain.take()
            if take.completed >= request { return take }
            _ = try drain.wakeWork.wait(timeout: 1000)
        }
    }

    /// A batch that says that all up to its time is in it must not be made of a look at the queue that was not one.
    @Test func whatIsQueuedIsNotReadUpTo() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "journal-drain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: directory) }
        // It would read in a minute, or when somebody asks.
        let drain = try Drain(latency: 60_000_000_000)
        try drain.start()
        defer { drain.stop() }
        let watched = try Descriptor(opening: Array(directory.path.utf8), for: .listing)
        _ = try drain.inotify.watch(watched)
        _ = try wait(drain, for: drain.request())

        let before = Clock.boot()
        try Data("1".utf8).write(to: directory.appending(path: "f"))
        let early = try drain.take()
        #expect(early.buffers.isEmpty && early.readUpTo.boot <= before)
        let written = Clock.boot()
        let take = try wait(drain, for: drain.request())
        #expect(!take.buffers.isEmpty && take.readUpTo.boot >= written)
    }
}
