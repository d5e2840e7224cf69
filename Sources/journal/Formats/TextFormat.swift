import Changes
import Kernel
import Query

/// For people: local time, what happened, and the path relative to where they are. What moved with a directory, and
/// did nothing else, is told by the directory's line.
struct TextFormat: RowFormat {
    var colour: Bool
    /// Whether the line of a renamed directory may stand for others.
    var folds: Bool
    /// How many rows it stands for, by its `seq`.
    private var folded: [Int64: Int] = [:]
    private var count = 0
    private var last = (time: Int64.min, shown: "")

    init(colour: Bool, folds: Bool) {
        self.colour = colour
        self.folds = folds
    }

    mutating func begin(_ answer: some ChangeList) throws {
        if folds { folded = try answer.folded() }
    }

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        count += 1
        if change.isFolded, let movedWith = change.movedWith, folded[movedWith] != nil { return }
        // A crawl knows only that it happened before.
        try output.write(paint((change.notBefore == nil ? " " : "~") + local(change.time), dim))
        try output.write("  ")
        try output.write(paint(change.kind.word, colour(of: change.kind)))
        try output.write(String(repeating: " ", count: 10 - change.kind.word.utf8.count))
        try output.write(name(change))
        try output.write(note(change))
        try output.write(UInt8(ascii: "\n"))
    }

    /// What came in one batch has one time, and to ask libc for it is a look at /etc/localtime.
    private mutating func local(_ time: Int64) -> String {
        if last.time != time { last = (time, Timestamp.local(time)) }
        return last.shown
    }

    /// The closing line goes to stderr: stdout is data.
    mutating func end(cursor: Cursor?, _ output: inout Output) throws(SystemError) {
        try output.flush()
        // No rows of an answer that nobody vouches for are not "0 changes".
        if cursor == nil && count == 0 { return }
        var aside = Output.standardError()
        let changes = count == 1 ? "1 change" : "\(Grouped.text(count)) changes"
        try aside.write(cursor.map { "\(changes); to continue: --since \($0)\n" } ?? "\(changes)\n")
        try aside.flush()
    }

    private func name(_ change: Change) -> String {
        let suffix: String
        switch change.type {
        case .directory: suffix = "/"
        case .symlink: suffix = "@"
        case .fifo: suffix = "|"
        case .socket: suffix = "="
        case .file, .chardev, .blockdev: suffix = ""
        }
        let shown = ShellQuote.text(change.path) + (change.path == [slash] ? "" : suffix)
        guard let old = change.oldPath else { return shown }
        return "\(ShellQuote.text(old))\(suffix) → \(shown)"
    }

    /// What else is to be said of the row.
    private func note(_ change: Change) -> String {
        guard change.kind == .renamed else { return "" }
        var notes: [String] = []
        if change.difference.contains(.content) {
            notes.append("and modified")
        } else if change.difference.contains(.metadata) {
            notes.append("and attrib")
        }
        if change.type == .directory, change.movedWith == nil || !change.isFolded, let below = folded[change.seq] {
            notes.append("with \(Grouped.text(below)) below")
        }
        return notes.isEmpty ? "" : paint("  (\(notes.joined(separator: ", ")))", dim)
    }

    private var dim: String { "2" }

    private func colour(of kind: Kind) -> String {
        switch kind {
        case .created: "32"
        case .modified: "33"
        case .attrib: "2"
        case .deleted: "31"
        case .renamed: "36"
        }
    }

    private func paint(_ text: String, _ code: String) -> String {
        colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
