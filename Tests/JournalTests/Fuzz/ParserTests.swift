import Changes
import Foundation
import Kernel
import Query
import Seeded
import Testing

@testable import journal

/// What comes from outside is taken, or refused: it never ends the program.
@Suite struct ParserTests {
    private static let uuid = "01234567-89ab-cdef-0123-456789abcdef"
    static let whens = [
        "now", "boot", "start", "today", "yesterday", "90s", "15m", "2h", "3d", "1w", "@1795371618.5", "2026-11-22",
        "2026-11-22T15:04:05Z", "2026-11-22 15:04", "2026-02-29T23:59:60.123456789+13:45", "1678-01-01",
        "2261-12-31T23:59:59-23:59",
        "9223372036s", "consumer:nightly", "\(uuid):42:00000000deadbeef",
        "\(uuid):9223372036854775807:ffffffffffffffff",
    ]

    @Test func aWHENIsRefusedOrInRange() throws {
        var fuzz = Fuzz(Self.whens)
        let now = try Now.current()
        for _ in 0..<Fuzz.rounds {
            let text = String(decoding: fuzz.next(), as: UTF8.self)
            switch When(text, now: now) {
            case .ago(let span): #expect(span >= 0, "\(text.debugDescription)")
            case .cursor(let cursor):
                #expect(Changes.Cursor(cursor.description) == cursor, "\(text.debugDescription)")
            case .consumer(let name): #expect(!name.isEmpty, "\(text.debugDescription)")
            case .time, .boot, .now, .start, nil: break
            }
        }
    }

    /// Every instant can be said, in seconds and in UTC, and comes back.
    @Test func everyInstantComesBack() throws {
        var random = SplitMix64(seed: Fuzz.seed)
        let now = try Now.current()
        for _ in 0..<Fuzz.rounds {
            let time = Int64(random.below(9_000_000_000)) * 1_000_000_000 + Int64(random.below(1_000_000_000))
            let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000)
            let digits = String(format: "%09d", Int(fraction))
            #expect(When("@\(seconds).\(digits)", now: now) == .time(time))
            let date = Time.text(Date(timeIntervalSince1970: Double(seconds))).dropLast()
            #expect(When("\(date).\(digits)Z", now: now) == .time(time), "\(date).\(digits)Z")
            let cursor = Changes.Cursor(journal: Self.uuid, seq: time, check: random.next())
            #expect(When(cursor.description, now: now) == .cursor(cursor))
        }
    }

    /// Asked of a real journal: whatever is asked, the program ends by itself.
    @Test func noQuestionEndsTheProgram() throws {
        let session = try Session()
        try session.start()
        var fuzz = Fuzz(Self.whens)
        for _ in 0..<min(200, Fuzz.rounds / 160) {
            let text = Bytes(fuzz.next().filter { $0 != 0 })
            for option in ["--since", "--until"] as [Bytes] {
                let output = try session.run(
                    "query", Bytes(option.raw + Array("=".utf8) + text.raw), "--timeout", "100ms")
                #expect([0, 3, 64, 66].contains(output.status), "\(output)")
            }
        }
    }

    @Test func eventsComeBackAsTheyWereQueued() {
        var fuzz = Fuzz([""])
        for _ in 0..<Fuzz.rounds / 10 {
            var buffer: [UInt8] = []
            var queued: [[UInt8]] = []
            for _ in 0..<fuzz.random.below(20) {
                let name = fuzz.noise(upTo: 255, from: 1)
                // The kernel pads to a multiple of 16, with at least one NUL.
                let padded = name.isEmpty ? 0 : (name.count + 16) / 16 * 16
                let words: [UInt32] = [
                    UInt32(1 + fuzz.random.below(1 << 30)), UInt32(fuzz.random.below(1 << 12)), 7, UInt32(padded),
                ]
                for word in words { buffer += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
                buffer += name + [UInt8](repeating: 0, count: padded - name.count)
                queued.append(Array(words[0].description.utf8) + name)
            }
            var read: [[UInt8]] = []
            decodeEvents(buffer) { header, name in
                read.append(Array(UInt32(bitPattern: header.watch.raw).description.utf8) + buffer[name])
            }
            #expect(read == queued)
        }
    }

    @Test func patternsOfAnyBytesAreDecided() {
        var fuzz = Fuzz(["a/**/b", "*.o", "!keep", "/x/y/", "[a-c]?", "[[:alpha:]]*", "\\#a\\ ", "**"])
        for _ in 0..<Fuzz.rounds {
            let excludes = Excludes(patterns: (0...fuzz.random.below(3)).map { _ in fuzz.next() })
            let path = fuzz.next().split(separator: UInt8(ascii: "/")).joined(separator: [UInt8(ascii: "/")])
            let isExcluded = excludes.excludes(relative: Array(path), isDirectory: true)
            // > It is not possible to re-include a file if a parent directory of that file is excluded.
            if isExcluded {
                #expect(excludes.excludes(relative: Array(path) + Array("/below".utf8), isDirectory: false))
            }
        }
    }
}
