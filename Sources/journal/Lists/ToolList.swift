import Changes
import Kernel
import Query

/// `--for TOOL`: a list exactly as that tool eats it. Each tool has a file beside this one, with the traps that make it what it
/// is; all were met with the real tool, and tests go through them.
struct ToolList: Sendable {
    enum Base {
        /// What the question is about: the tool is told that directory by another option, or runs in it.
        case directory
        /// Whole paths.
        case root
    }
    enum Separator: UInt8 {
        case nul = 0
        case newline = 0x0A
    }

    /// As `--for` has it.
    var name: String
    var base = Base.directory
    /// What stands before each path.
    var prefix = ""
    var separator = Separator.nul
    /// Paths that it needs beside those that changed, when paths are relative to `base`.
    var companions: @Sendable (_ base: Path?) -> Selection.Companions = { _ in Selection.Companions() }
    /// Whether a name comes out as it went in, whatever it is the name of.
    var carries: @Sendable (_ name: [UInt8]) -> Bool = { _ in true }
    /// Which paths of the answer are records.
    var rule: @Sendable () -> any ListRule

    var option: String { "--for \(name)" }
    /// What to do about a name that it cannot carry.
    var wayOut: String {
        "rename it, or exclude it from the journal and leave it to full runs of \(name.prefix { $0 != ":" })"
    }

    static let all: [ToolList] = [
        .rsync, .tar, .tarDeletes, .borg, .borgDeletes, .bup, .rclone, .rcloneDeletes, .rcloneDirectories, .restic,
        .resticDeletes, .recoll, .recollDeletes,
    ]

    /// Tools that would lose files by a list.
    private static let refused = ["duplicity", "rdiff-backup"]

    /// The list that is called so.
    static func named(_ name: String) throws(Failure) -> ToolList {
        if let list = all.first(where: { $0.name == name }) { return list }
        let tool = String(name.prefix { $0 != ":" })
        if refused.contains(tool) {
            throw Failure(
                .usage,
                "--for \(tool): it takes every file that is not in its list for deleted, so no list of changes is safe",
                hint: "let it run only if something changed: journal consume NAME PATH -- \(tool) …")
        }
        let known = all.map(\.name)
        let shown = ArgumentText.shown(name)
        let more = all.contains { $0.name == tool } ? "\(tool) has no such list" : "no list is known for it"
        throw Failure(.usage, "--for \(shown): \(more)", hint: "these are: \(known.joined(separator: " "))")
    }

    /// For lists of lines.
    @Sendable static func isLine(_ name: [UInt8]) -> Bool {
        // Readers of lines drop a CR before the newline, too.
        !name.contains(UInt8(ascii: "\n")) && name.last != UInt8(ascii: "\r")
    }
}

/// One path of an answer, on its way into a list.
struct ListedPath {
    /// Relative to the base of the list, which itself is empty; absolute where it has none.
    var path: [UInt8]
    /// Of what is there, or was.
    var type: FileType
    var isThere: Bool
    var before: Change.Before

    /// Whether it holds content of its own that a copy can have: not so for a socket, which its process makes anew.
    var isKept: Bool { isThere && type != .socket }
}

/// Which records the paths of an answer become. Paths come in the order of their bytes.
protocol ListRule {
    /// The records that a path gives rise to; not each is the path itself.
    mutating func records(of entry: ListedPath) -> [[UInt8]]
    /// What remains after the last path.
    mutating func rest() -> [[UInt8]]
}

extension ListRule {
    mutating func rest() -> [[UInt8]] { [] }
}

/// The rows of an answer as a list.
struct ListFormat: RowFormat {
    private let list: ToolList
    private let base: Path?
    private var rule: any ListRule

    init(_ list: ToolList, base: Path?) {
        self.list = list
        self.base = base
        rule = list.rule()
    }

    func canCarry(_ path: [UInt8]) -> Bool { path.split(separator: slash).allSatisfy { list.carries(Array($0)) } }

    /// Only what becomes a record has to be carried.
    mutating func carries(_ change: Change) -> Bool {
        let entry = listed(change)
        return rule.records(of: entry).isEmpty || canCarry(entry.path)
    }

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        for record in rule.records(of: listed(change)) { try write(record, &output) }
    }

    mutating func finish(_ output: inout Output) throws(SystemError) {
        for record in rule.rest() { try write(record, &output) }
    }

    private func write(_ record: [UInt8], _ output: inout Output) throws(SystemError) {
        try output.write(list.prefix)
        try output.write(record.isEmpty ? [UInt8(ascii: ".")] : record)
        try output.write(list.separator.rawValue)
    }

    private func listed(_ change: Change) -> ListedPath {
        ListedPath(
            path: base.map { $0.relative(Path(change.path)) } ?? change.path, type: change.type,
            isThere: change.kind != .deleted, before: change.before ?? .nothing)
    }
}
