internal import Seeded

/// A tree that is shaped like a kernel's source: what workload U unpacks.
///
/// Files lie two to ten levels deep, most of them four to six; some directories have hundreds, many a few. Their sizes are
/// lognormal with a median of 5 KB and a mean of 12 KB.
struct SourceTree {
    struct Entry {
        var path: String
        /// Bytes; nil for a directory.
        var size: Int?
    }

    /// The one directory all others lie below.
    static let top = "source"
    /// In the order of an archive: sorted, so that a directory stands before what is in it.
    private(set) var entries: [Entry] = []

    private static let median = 5_000.0
    /// Of a lognormal distribution whose mean is 12/5 of its median: √(2 ln 2.4).
    private static let sigma = 1.3232
    private static let largest = 2_000_000.0
    /// How many of a hundred directories are so deep: index 0 is the second level.
    private static let depths = [3, 17, 30, 24, 14, 7, 3, 2]

    init(files: Int, directories: Int, seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        var levels: [[String]] = [[SourceTree.top]]
        func make(at level: Int, _ number: Int) {
            if levels.count == level { levels.append([]) }
            let parent = levels[level - 1][random.below(levels[level - 1].count)]
            levels[level].append("\(parent)/\(SourceTree.word(&random))\(number)")
        }
        // A chain first, so that no level is without a parent.
        for level in 1...SourceTree.depths.count { make(at: level, level) }
        for number in levels.count..<directories { make(at: SourceTree.level(&random), number) }

        // One file each, and the rest by weights that differ widely.
        let paths = levels.joined()
        entries = paths.map { Entry(path: $0, size: nil) }
        var sums: [Double] = []
        for _ in paths { sums.append((sums.last ?? 0) + random.lognormal(median: 1, sigma: 1)) }
        let places = Array(paths)
        for number in 0..<files {
            let place =
                number < places.count
                ? number : SourceTree.index(in: sums, of: random.fraction() * (sums.last ?? 0))
            let name = "\(SourceTree.word(&random))_\(number).\(number % 5 < 3 ? "c" : "h")"
            let size = min(random.lognormal(median: SourceTree.median, sigma: SourceTree.sigma), SourceTree.largest)
            entries.append(Entry(path: "\(places[place])/\(name)", size: Int(size)))
        }
        entries.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private static func level(_ random: inout SplitMix64) -> Int {
        var left = random.below(100)
        for (index, share) in depths.enumerated() {
            if left < share { return index + 1 }
            left -= share
        }
        return depths.count
    }

    private static func word(_ random: inout SplitMix64) -> String {
        let syllables = ["ac", "bus", "clk", "dev", "ext", "fs", "gpu", "hw", "io", "key", "led", "mm", "net", "pci"]
        return syllables[random.below(syllables.count)] + syllables[random.below(syllables.count)]
    }

    /// The first index whose sum reaches `value`.
    private static func index(in sums: [Double], of value: Double) -> Int {
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Writes the tree as an archive.
    func write(to path: String) throws {
        var random = SplitMix64(seed: 2)
        let contents = (0..<65_536).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var archive = try TarWriter(path)
        for entry in entries {
            if let size = entry.size {
                try archive.file(entry.path, size: size, contents: contents)
            } else {
                try archive.directory(entry.path)
            }
        }
        try archive.finish()
    }
}
