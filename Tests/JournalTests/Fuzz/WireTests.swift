import Changes
import Foundation
import Seeded
import Testing

@testable import journal

/// What goes through the control socket and to terminals, whatever the bytes.
@Suite struct WireTests {
    private static let lines = [
        "barrier", "status", "scan", "scan 2f737276 2d", "adopt 2f61", "forget 2f6162", "scan -", "prune 42",
    ]

    @Test func requestsComeBackOrAreRefused() {
        var fuzz = Fuzz(Self.lines)
        for _ in 0..<Fuzz.rounds {
            guard let request = Request(fuzz.next()) else { continue }
            #expect(Request(request.line.dropLast()) == request)
        }
        for _ in 0..<Fuzz.rounds {
            let paths = (0..<fuzz.random.below(4)).map { _ in Path(fuzz.noise(upTo: 40, from: 1)) }
            let request = Request.scan(paths)
            #expect(Request(Array(request.line.dropLast())) == request)
            let bytes = fuzz.noise(upTo: 50)
            #expect(Hex.decode(Array(Hex.encode(bytes).utf8)) == bytes)
        }
    }

    @Test func repliesComeBack() {
        var fuzz = Fuzz(["ok \ncursor a:1:b\nlive yes\nclosing 3\nclosing 4\n", "refused no\n", "", "\n\n", " \n"])
        for _ in 0..<Fuzz.rounds {
            let reply = Reply(fuzz.next())
            let again = Reply(reply.bytes)
            #expect(again.fields.map(\.key) == reply.fields.map(\.key))
            #expect(again.fields.map(\.value) == reply.fields.map(\.value))
        }
    }

    /// Garbage at the socket is answered or dropped, and the watcher goes on.
    @Test func garbageAtTheSocketHurtsNobody() throws {
        let session = try Session()
        let watcher = try session.start()
        var fuzz = Fuzz(Self.lines.map { $0 + "\n" })
        let socketPath = Bytes(session.database.raw + "-socket".utf8)
        for _ in 0..<100 {
            let socket = try SystemError.check(Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), "socket")
            defer { close(socket) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.raw) }
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try SystemError.check(connected, "connect", socketPath)
            // A request that is valid by accident is answered: what it would do to the roots is not for this test.
            let bytes = fuzz.next().filter { $0 != UInt8(ascii: "f") }
            try bytes.withUnsafeBytes { bytes in
                _ = try SystemError.check(send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)), "send")
            }
        }
        try Sys.write(session.tree / "f", "1")
        try session.sync()
        #expect(watcher.isRunning)
    }

    /// A quoted name has no byte that a terminal obeys, and a shell reads it back.
    @Test func aShellReadsQuotedNamesBack() throws {
        var fuzz = Fuzz([
            "plain", "with space", "it's", "$HOME", "`id`", "\\n", "a\nb", "~", "#x", "-rf", "é", "\u{202e}evil", "",
        ])
        var names: [[UInt8]] = []
        var script = Array("printf '%s\\0'".utf8)
        for _ in 0..<min(Fuzz.rounds, 20_000) {
            let name = (fuzz.random.chance(70) ? fuzz.next() : fuzz.noise(upTo: 30)).filter { $0 != 0 }
            let quoted = ShellQuote.text(name)
            for scalar in quoted.unicodeScalars {
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator:
                    Issue.record("\(Bytes(name)): \(quoted.debugDescription)")
                default: break
                }
            }
            names.append(name)
            script += Array(" ".utf8) + Array(quoted.utf8)
        }
        let scratch = try Scratch()
        try Sys.write(scratch.path / "script", script + [UInt8(ascii: "\n")])
        let output = try Program.run("bash", ["--norc", scratch.path / "script"], environment: ["LC_ALL": "C.UTF-8"])
        try #require(output.status == 0, "\(output.errors.prefix(500))")
        let read = output.bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map(Array.init)
        #expect(read.count == names.count)
        for (name, back) in zip(names, read) where name != back {
            Issue.record("\(Bytes(name)) is quoted \(ShellQuote.text(name)), and read as \(Bytes(back))")
        }
    }
}
