internal import Changes

/// Rows to print, however they come about.
package protocol ChangeList {
    func forEach(_ body: (Change) throws -> Void) throws
    /// Whether all paths are of such directories and names; false where that is not known without looking at each.
    func holdsOnly(directories: ([UInt8]) -> Bool, names: ([UInt8]) -> Bool) -> Bool
    /// How many rows moved by the rename of a directory alone, by the `seq` of its row; only of directories whose own row is
    /// there to stand for them.
    func folded() throws -> [Int64: Int]
}

extension ChangeList {
    package func holdsOnly(directories: ([UInt8]) -> Bool, names: ([UInt8]) -> Bool) -> Bool { false }

    package func folded() throws -> [Int64: Int] {
        var counts: [Int64: Int] = [:]
        var tops: Set<Int64> = []
        try forEach { change in
            guard change.kind == .renamed else { return }
            if change.type == .directory { tops.insert(change.seq) }
            if change.isFolded, let top = change.movedWith { counts[top, default: 0] += 1 }
        }
        return counts.filter { tops.contains($0.key) }
    }
}

extension [Change]: ChangeList {}

/// An answer, taken from one snapshot and good beyond it: a pager never holds the WAL.
package struct Answer: ChangeList {
    /// What it covers, which is shorter than was asked for where a page of the log ended before.
    package let span: Span
    private let file: JournalFile
    private let selection: Selection
    private let rows: Rows

    private enum Rows {
        case net(NetAnswer)
        case log(LogAnswer)
    }

    init(_ snapshot: Snapshot, _ span: Span, _ question: Question, _ selection: Selection) throws {
        let subjects = try Subjects(snapshot.db, paths: question.paths)
        file = snapshot.file
        self.selection = selection
        switch selection.shape {
        case .net:
            rows = .net(try NetAnswer(snapshot.db, span, subjects, selection))
            self.span = span
        case .log:
            let log = try LogAnswer(snapshot, span, subjects, selection)
            rows = .log(log)
            self.span = log.span
        }
    }

    package func forEach(_ body: (Change) throws -> Void) throws {
        switch rows {
        case .net(let net): try net.forEach(selection, body)
        case .log(let log): try log.forEach(in: file, body)
        }
    }

    package func holdsOnly(directories: ([UInt8]) -> Bool, names: ([UInt8]) -> Bool) -> Bool {
        switch rows {
        case .net(let net): net.holdsOnly(directories: directories, names: names)
        case .log: false
        }
    }
}
