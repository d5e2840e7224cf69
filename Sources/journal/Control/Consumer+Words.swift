import Changes

/// Where a consumer goes, as words of a request.
extension Consumer.Move {
    var words: String {
        let text = [name, selection].map { Hex.encode(Array($0.utf8)) }
        return (text + [from?.description ?? "-", to.description]).joined(separator: " ")
    }

    /// Nil where the words are none of ours.
    init?(words: some Collection<Array<UInt8>.SubSequence>) {
        let words = Array(words)
        guard words.count == 4, let name = Hex.text(words[0]), let selection = Hex.text(words[1]),
            let to = Cursor(String(decoding: words[3], as: UTF8.self))
        else { return nil }
        let from = Cursor(String(decoding: words[2], as: UTF8.self))
        guard from != nil || words[2].elementsEqual("-".utf8) else { return nil }
        self.init(name: name, selection: selection, from: from, to: to)
    }
}

extension Hex {
    /// What two digits a byte spell, where that is UTF-8.
    static func text(_ digits: some Collection<UInt8>) -> String? {
        decode(digits).flatMap { $0.validText }
    }
}
