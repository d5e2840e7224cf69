import Changes

/// A consumer that holds back the log, as it goes over the control socket: its name in hexadecimal, and two numbers.
extension Holder {
    var words: String { "\(Hex.encode(Array(name.utf8))) \(seq) \(updated)" }

    init?(words: String) {
        let words = words.split(separator: " ")
        guard words.count == 3, let name = Hex.text(words[0].utf8), let seq = Int64(words[1]),
            let updated = Int64(words[2])
        else { return nil }
        self.init(name: name, seq: seq, updated: updated)
    }
}
