/// Which paths of a root are left out, by patterns as gitignore(5) has them.
///
/// The last pattern that matches decides, and nothing brings back what lies in an excluded directory:
/// > It is not possible to re-include a file if a parent directory of that file is excluded.
package struct Excludes: Sendable {
    private let rules: [Rule]

    /// Takes patterns in order, one a line of a .gitignore; blank ones and comments match nothing.
    package init(patterns: [[UInt8]]) {
        rules = patterns.compactMap(Rule.init)
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// Whether `relative`, a path below the root, is excluded itself or lies in an excluded directory.
    package func excludes(relative: [UInt8], isDirectory: Bool) -> Bool {
        guard !rules.isEmpty, !relative.isEmpty else { return false }
        var end = relative.startIndex
        while let separator = relative[end...].firstIndex(of: slash) {
            if isExcluded(relative[..<separator], isDirectory: true) { return true }
            end = separator + 1
        }
        return isExcluded(relative[...], isDirectory: isDirectory)
    }

    /// Whether some name below the directory `relative` could be excluded; false only where no pattern reaches there.
    package func mayExclude(below relative: [UInt8]) -> Bool {
        let components = relative.split(separator: slash)
        return rules.contains { !$0.negated && $0.mayMatch(below: components) }
    }

    /// Whether a pattern with a path in it says something of names below the directory `relative`: elsewhere it would not.
    package func dependOnPath(below relative: [UInt8]) -> Bool {
        let components = relative.split(separator: slash)
        return rules.contains { $0.wholePath && $0.mayMatch(below: components) }
    }

    /// Whether the last rule that matches this very path excludes it.
    private func isExcluded(_ path: ArraySlice<UInt8>, isDirectory: Bool) -> Bool {
        let name = path[(path.lastIndex(of: slash).map { $0 + 1 } ?? path.startIndex)...]
        let decisive = rules.last { rule in
            (isDirectory || !rule.directoriesOnly) && rule.glob.matches(rule.wholePath ? path : name)
        }
        return decisive.map { !$0.negated } ?? false
    }

    /// One line of a .gitignore, as meant.
    private struct Rule: Sendable {
        var glob: Glob
        var negated = false
        var directoriesOnly = false
        /// The pattern has a separator at its beginning or middle: it is matched against the whole path below the
        /// root, else against the last component.
        var wholePath = false
        /// The components of such a pattern, up to the first that stands for more than one; nil where they cannot be told apart.
        private var components: [Glob]?

        init?(_ line: [UInt8]) {
            var pattern = Rule.withoutTrailingSpaces(line)
            guard let first = pattern.first, first != UInt8(ascii: "#") else { return nil }
            if first == UInt8(ascii: "!") {
                negated = true
                pattern.removeFirst()
            }
            if pattern.last == slash {
                directoriesOnly = true
                pattern.removeLast()
            }
            wholePath = pattern.contains(slash)
            if pattern.first == slash { pattern.removeFirst() }
            guard !pattern.isEmpty, let glob = Glob(pattern, isPath: wholePath) else { return nil }
            self.glob = glob
            components = wholePath ? Rule.components(of: pattern) : nil
        }

        private static let star = UInt8(ascii: "*")

        /// A slash in a set or behind a backslash parts nothing.
        private static func components(of pattern: [UInt8]) -> [Glob]? {
            guard !pattern.contains(where: { "[\\".utf8.contains($0) }) else { return nil }
            let simple = pattern.split(separator: slash).prefix {
                !zip($0, $0.dropFirst()).contains { $0 == star && $1 == star }
            }
            return simple.compactMap { Glob(Array($0), isPath: false) }
        }

        /// Whether it could match what lies below this directory. A pattern of one name can anywhere.
        func mayMatch(below directory: [ArraySlice<UInt8>]) -> Bool {
            guard let components else { return true }
            return zip(components, directory).allSatisfy { $0.matches($1) }
        }

        /// > Trailing spaces are ignored unless they are quoted with backslash.
        private static func withoutTrailingSpaces(_ line: [UInt8]) -> [UInt8] {
            var kept = 0
            var at = 0
            while at < line.count {
                let escape = line[at] == UInt8(ascii: "\\") && at + 1 < line.count
                let next = at + (escape ? 2 : 1)
                if escape || line[at] != UInt8(ascii: " ") { kept = next }
                at = next
            }
            return Array(line[..<kept])
        }
    }
}
