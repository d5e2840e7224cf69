import Foundation

/// A Markdown file of this repository, and the fenced blocks in it.
struct Document {
    let text: String

    /// Reads a file by its path relative to the top of the repository.
    init(_ path: String) throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        text = try String(contentsOf: top.appending(path: path), encoding: .utf8)
    }

    /// The lines of each block that is fenced as `language`.
    func blocks(_ language: String) -> [[String]] {
        var blocks: [[String]] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isInside, line == "```" {
                isInside = false
            } else if isInside {
                blocks[blocks.count - 1].append(String(line))
            } else if line == "```\(language)" {
                isInside = true
                blocks.append([])
            }
        }
        return blocks
    }
}
