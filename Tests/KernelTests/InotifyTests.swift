import Foundation
import Kernel
import Testing

/// The binding against this machine's kernel: no failure is a number, and a limit is not a vanished directory.
@Suite struct InotifyTests {
    private let place = "/dev/shm/kernel-test-\(UUID().uuidString)"

    private func withPlace(_ body: ([UInt8]) throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        try body(Array(place.utf8))
    }

    @Test func B10_anInodeThatIsWatchedAlreadyHasTheSameWatch() throws {
        try withPlace { path in
            let inotify = try Inotify()
            let first = try inotify.watch(Descriptor(opening: path, for: .listing))
            let second = try inotify.watch(Descriptor(opening: path, for: .listing))
            #expect(first == second)
        }
    }

    /// There and back: by the way of a thread that may go there, and by that of one that may not.
    @Test func B11_theWatchIsThatOfTheOpenDirectoryWhereverTheThreadIs() throws {
        try withPlace { path in
            let inotify = try Inotify()
            let place = try WorkingDirectory()
            let directory = try Descriptor(opening: path, for: .listing)
            #expect(try inotify.watch(directory, from: place) == inotify.watch(directory))
            // By now another one has its name.
            try FileManager.default.moveItem(atPath: self.place, toPath: self.place + "-moved")
            defer { try? FileManager.default.removeItem(atPath: self.place + "-moved") }
            try FileManager.default.createDirectory(atPath: self.place, withIntermediateDirectories: true)
            #expect(try inotify.watch(directory, from: place) == inotify.watch(directory))
            #expect(try Paths.currentDirectory() == Array("/".utf8))
        }
    }

    @Test func B1_whatHappenedBeforeTheQuestionIsQueued() throws {
        try withPlace { path in
            let inotify = try Inotify()
            _ = try inotify.watch(Descriptor(opening: path, for: .listing))
            var scratch = [UInt8](repeating: 0, count: 4096)
            #expect(try inotify.read(into: &scratch) == 0)
            #expect(FileManager.default.createFile(atPath: place + "/f", contents: Data([1])))
            #expect(try inotify.pendingBytes() > 0)
            let count = try inotify.read(into: &scratch)
            let buffer = Array(scratch[..<count])
            var names: Set<String> = []
            decodeEvents(buffer) { _, name in names.insert(String(decoding: buffer[name], as: UTF8.self)) }
            #expect(!names.isEmpty)
            #expect(try inotify.pendingBytes() == 0)
        }
    }

    @Test func B18_removingADeadWatchIsNoError() throws {
        try withPlace { path in
            let inotify = try Inotify()
            let watch = try inotify.watch(Descriptor(opening: path, for: .listing))
            inotify.remove(watch)
            inotify.remove(watch)
        }
    }

    @Test func B71_whatIsGoneIsNoLimit() throws {
        let error = #expect(throws: SystemError.self) {
            _ = try Descriptor(opening: Array("/nonexistent/d".utf8), for: .listing)
        }
        guard case .gone = error?.reach else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(error?.operation == "open")
        #expect(error?.path == Array("/nonexistent/d".utf8))
    }

    @Test func B71_reachesAreToldApart() {
        func reach(_ errno: Int32) -> SystemError.Reach { SystemError("x", errno: errno).reach }
        for errno in [ENOENT, ENOTDIR, ELOOP] { #expect(reach(errno) == .gone) }
        for errno in [ENOSPC, ENOMEM, EMFILE, ENFILE] { #expect(reach(errno) == .limit) }
        for errno in [EACCES, EPERM] { #expect(reach(errno) == .denied) }
        for errno in [EIO, ESTALE, ETIMEDOUT] { #expect(reach(errno) == .unknown) }
    }

    @Test func B42_aLinkIsNeverOpened() throws {
        try withPlace { path in
            try FileManager.default.createSymbolicLink(atPath: place + "/link", withDestinationPath: "/")
            #expect(throws: SystemError.self) { _ = try Descriptor(opening: path + Array("/link".utf8), for: .listing) }
            #expect(try FileStatus(at: path + Array("/link".utf8)).isSymbolicLink)
        }
    }

    @Test func B68_aLockIsHeldByOneAndSaysByWhom() throws {
        try withPlace { path in
            let file = path + Array("/lock".utf8)
            let lock = try #require(try LockFile(at: file))
            try lock.write(nonce: "abc")
            #expect(try LockFile(at: file) == nil)
            #expect(try LockFile.holder(of: file) == ThisProcess.id)
            #expect(lock.nonce == nil)
        }
    }
}

@Suite struct KernelReleaseTests {
    @Test func B46_releasesAreComparedAsNumbers() {
        #expect(KernelRelease("5.4.0-150-generic") == KernelRelease(5, 4))
        #expect(KernelRelease("6.1") == KernelRelease(6, 1))
        #expect(KernelRelease("5.17-rc1") == KernelRelease(5, 17))
        #expect(KernelRelease("linux") == nil)
        #expect(KernelRelease(5, 9) < KernelRelease(5, 17))
        #expect(KernelRelease.current != nil)
    }
}
