import Foundation
import Seeded
import Testing

/// Bytes for parsers: valid inputs, and what is left of them after some accidents.
struct Fuzz {
    var random: SplitMix64
    /// Valid inputs to begin with.
    let samples: [[UInt8]]

    /// `FUZZ_ROUNDS=N` tries so many inputs a property, `FUZZ_SEED=N` others than usual.
    static let rounds = OracleTests.number("FUZZ_ROUNDS") ?? 4000
    static let seed = UInt64(OracleTests.number("FUZZ_SEED") ?? OracleTests.number("ORACLE_FIRST") ?? 1)

    init(_ samples: [String], seed: UInt64 = Fuzz.seed) {
        self.samples = samples.map { Array($0.utf8) }
        random = SplitMix64(seed: seed)
    }

    /// What parsers stumble over.
    private static let pieces: [[UInt8]] =
        [
            "0", "-1", "9", "00", "99", "9223372036854775807", "9223372036854775808", "18446744073709551616",
            "99999999999", "999999999999999999", "-", ":", ".", "+", "@", " ", "\n", "\0", "\t", "T", "Z", "w", "'",
            "\\", "$",
            "`", "\"", "é", "e\u{301}", "\u{202e}", "\u{feff}", "\u{1F600}", "\u{80}", "*", "**", "[", "]", "/", "!",
            "?", "~", "#",
        ].map { Array($0.utf8) } + [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80]]

    mutating func next() -> [UInt8] {
        var bytes = random.pick(samples)
        for _ in 0..<random.below(5) {
            let at = random.below(bytes.count + 1)
            let end = min(bytes.count, at + random.below(6))
            switch random.below(7) {
            case 0: bytes.insert(contentsOf: random.pick(Fuzz.pieces), at: at)
            case 1: bytes.replaceSubrange(at..<end, with: random.pick(Fuzz.pieces))
            case 2: bytes.removeSubrange(at..<end)
            case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 4: bytes = Array(bytes[..<at]) + random.pick(samples).suffix(random.below(20))
            case 5: if at < bytes.count { bytes[at] ^= 1 << UInt8(random.below(8)) }
            default: if at < bytes.count { bytes[at] = UInt8(random.below(256)) }
            }
        }
        return bytes
    }

    /// Bytes without any form.
    mutating func noise(upTo length: Int, from first: UInt8 = 0) -> [UInt8] {
        (0..<random.below(length + 1)).map { _ in first + UInt8(random.below(256 - Int(first))) }
    }
}
