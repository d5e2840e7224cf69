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

    /// A drain of a directory of its own, which it watches.
    private func withDrain(
        latency: Int64, memoryLimit: Int = 32 << 20, _ body: (Drain, URL) throws -> Void
    ) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "journal-drain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: directory) }
        let drain = try Drain(latency: latency, memoryLimit: memoryLimit)
        try drain.start()
        defer { drain.stop() }
        let watched = try Descriptor(opening: Array(directory.path.utf8), for: .listing)
        _ = try drain.inotify.watch(watched)
        try body(drain, directory)
    }

    /// A batch that says that all up to its time is in it must not be made of a look at the queue that was not one.
    @Test func whatIsQueuedIsNotReadUpTo() throws {
        // It would read in a minute, or when somebody asks.
        try withDrain(latency: 60_000_000_000) { drain, directory in
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

    /// A request that comes while there is no room for what was read is answered once there is, though nothing more happens.
    @Test func aRequestWhileThereIsNoRoomIsAnswered() throws {
        try withDrain(latency: 1_000_000, memoryLimit: 1) { drain, directory in
            try Data("1".utf8).write(to: directory.appending(path: "f"))
            while try drain.waitingBytes == 0 || drain.inotify.pendingBytes() > 0 { usleep(1000) }
            // What was read is handed over by now, and nobody takes it. The first request waits for room, and the second one wakes
            // it from that for nothing.
            usleep(50_000)
            _ = drain.request()
            usleep(50_000)
            let request = drain.request()
            usleep(50_000)
            var completed = 0
            for _ in 0..<10 where completed < request {
                completed = try drain.take().completed
                _ = try drain.wakeWork.wait(timeout: 1000)
            }
            #expect(completed >= request)
        }
    }
}
