/// A shell pattern over paths as git's wildmatch has it with WM_PATHNAME: `*`, `?` and sets stop at slashes, `**`
/// between slashes does not.
///
/// Matching follows all ways through the pattern at once (one set of states, one step a byte), so its time is the
/// product of the lengths. Backtracking, as git does it, is exponential in the number of `**`.
struct Glob: Sendable {
    private enum Token: Sendable {
        case byte(UInt8)
        /// `?` and `[…]`: one byte of the set, which never holds the slash.
        case set(ByteSet)
        /// `*`: any bytes but slashes.
        case star
        /// `**/`, at the beginning of a component: any number of whole components. It takes two states, this one
        /// before a component and `withinDirectories`, which follows it, inside of one.
        case directories
        case withinDirectories
        /// `**` at the end: anything at all.
        case everything
    }

    private let tokens: [Token]

    /// Nil where the pattern can match nothing: an open set, an unknown class, a backslash at the end.
    ///
    /// `isPath`: the pattern is held against whole paths. git compares what stands before the first special character
    /// by itself and hands the rest to wildmatch, so that in `a**/b` the `**` is at a beginning, whatever the manual
    /// says of it. People expect what git does.
    init?(_ pattern: [UInt8], isPath: Bool) {
        let special = isPath ? pattern.firstIndex { "*?[\\".utf8.contains($0) } : nil
        var tokens: [Token] = []
        var at = 0
        while at < pattern.count {
            switch pattern[at] {
            case UInt8(ascii: "\\"):
                guard at + 1 < pattern.count else { return nil }
                tokens.append(.byte(pattern[at + 1]))
                at += 2
            case UInt8(ascii: "?"):
                tokens.append(.set(.allButSlash))
                at += 1
            case UInt8(ascii: "["):
                guard let (set, end) = ByteSet.parse(pattern, at: at) else { return nil }
                tokens.append(.set(set))
                at = end
            case UInt8(ascii: "*"):
                var end = at
                while end < pattern.count, pattern[end] == UInt8(ascii: "*") { end += 1 }
                let alone =
                    (at == 0 || at == special || pattern[at - 1] == slash)
                    && (end == pattern.count || pattern[end] == slash)
                if end - at == 1 || !alone {
                    // > Other consecutive asterisks are considered regular asterisks.
                    tokens.append(.star)
                    at = end
                } else if end == pattern.count {
                    // > A trailing "/**" matches everything inside.
                    tokens.append(.everything)
                    at = end
                } else {
                    tokens += [.directories, .withinDirectories]
                    at = end + 1
                }
            case let byte:
                tokens.append(.byte(byte))
                at += 1
            }
        }
        self.tokens = tokens
    }

    /// Whether the whole of `text` is matched.
    func matches(_ text: ArraySlice<UInt8>) -> Bool {
        // Most patterns are plain names: then nothing has to be allocated to say no.
        if case .byte(let first)? = tokens.first, text.first != first { return false }
        var states = [Bool](repeating: false, count: tokens.count + 1)
        enter(0, &states)
        for byte in text {
            var next = [Bool](repeating: false, count: tokens.count + 1)
            var alive = false
            for (index, token) in tokens.enumerated() where states[index] {
                guard let to = step(token, at: index, byte) else { continue }
                enter(to, &next)
                alive = true
            }
            guard alive else { return false }
            states = next
        }
        return states[tokens.count]
    }

    /// The state that `byte` leads to from the token at `index`.
    private func step(_ token: Token, at index: Int, _ byte: UInt8) -> Int? {
        switch token {
        case .byte(let expected): byte == expected ? index + 1 : nil
        case .set(let set): set.contains(byte) ? index + 1 : nil
        case .star: byte == slash ? nil : index
        case .directories: byte == slash ? index : index + 1
        case .withinDirectories: byte == slash ? index - 1 : index
        case .everything: index
        }
    }

    /// Marks `index`, and what can be reached from there without a byte.
    private func enter(_ index: Int, _ states: inout [Bool]) {
        var index = index
        while !states[index] {
            states[index] = true
            guard index < tokens.count else { return }
            switch tokens[index] {
            case .star, .everything: index += 1
            case .directories: index += 2
            case .byte, .set, .withinDirectories: return
            }
        }
    }
}
