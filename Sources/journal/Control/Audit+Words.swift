import Changes

/// What a `journal verify` found, as words of a request.
extension Audit {
    /// Percents go over as their bits, so that they come out as they went in.
    var words: String {
        let numbers = [began.wall, began.boot, ended.wall, ended.boot, directories, entries, differences, unsettled]
        return
            ([Hex.encode(path.bytes), sample.map { String($0.bitPattern) } ?? "-"] + numbers.map { String($0) })
            .joined(separator: " ")
    }

    /// Nil where the words are none of ours. Who is told of it is a live watcher.
    init?(verified words: some Collection<Array<UInt8>.SubSequence>) {
        let words = words.map { String(decoding: $0, as: UTF8.self) }
        let numbers = words.dropFirst(2).compactMap { Int64($0) }
        // Sums of those that a tree can have do not overflow.
        guard words.count == 10, numbers.count == 8, numbers.dropFirst(4).allSatisfy({ (0...1 << 40).contains($0) }),
            let path = Hex.decode(Array(words[0].utf8))
        else { return nil }
        let sample = UInt64(words[1]).map { Double(bitPattern: $0) }
        guard sample != nil || words[1] == "-" else { return nil }
        self.init(
            .verify, of: Path(path), isLive: true, sample: sample, began: Instant(wall: numbers[0], boot: numbers[1]))
        ended = Instant(wall: numbers[2], boot: numbers[3])
        (directories, entries, differences, unsettled) = (numbers[4], numbers[5], numbers[6], numbers[7])
    }
}
