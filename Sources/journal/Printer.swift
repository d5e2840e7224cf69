import Changes
import Kernel
import Query

/// Prints an answer.
struct Printer {
    var database: Path
    var options: QueryOptions
    /// `--for`.
    var list: ToolList?
    var selection: Selection
    /// `--relative-to`, or what a list is relative to.
    var base: Path?

    /// What has to be read for that.
    var reading: Selection { options.byDirectory ? selection.unfiltered : selection }

    /// Prints all of it on stdout, and where it can be continued from.
    func print(_ answer: Answer, cursor: Cursor?, _ verdict: Asking.Verdict) throws {
        var stream = try stream()
        if options.format == .text { try warn(of: verdict.resolution) }
        try stream.print(answer)
        try stream.end(cursor: cursor)
    }

    /// Prints the rows alone, and returns how many there are.
    func list(_ answer: Answer, to output: inout Output) throws -> Int {
        var format = format(isShown: false)
        try format.begin(&output)
        let count = try write(answer, &format, to: &output)
        try output.flush()
        return count
    }

    /// One answer after the other on stdout.
    func stream() throws -> AnswerStream { try AnswerStream(self) }

    /// Returns how many rows there were.
    @discardableResult
    func write(_ answer: some ChangeList, _ format: inout any RowFormat, to output: inout Output) throws -> Int {
        guard options.byDirectory else { return try writeRows(of: answer, &format, to: &output) }
        let directories = try Directories.changed(in: answer, selection, base: base)
        let limit = selection.shape == .net ? selection.limit ?? .max : .max
        return try writeRows(of: Array(directories.prefix(limit)), &format, to: &output)
    }

    private func writeRows(
        of answer: some ChangeList, _ format: inout any RowFormat, to output: inout Output
    ) throws -> Int {
        do {
            // A list knows its base by itself.
            let place = try list == nil ? textBase : nil
            func shown(_ change: Change) -> Change {
                var change = change
                change.path = Printer.relative(change.path, to: place)
                change.oldPath = change.oldPath.map { Printer.relative($0, to: place) }
                return change
            }
            try refuseUnprintable(answer, format, shown)
            var count = 0
            try format.begin(answer)
            try answer.forEach { change in
                try format.row(shown(change), &output)
                count += 1
            }
            try format.finish(&output)
            return count
        } catch let error as JournalError {
            throw DatabaseOption.failure(error, database)
        }
    }

    /// `isShown` says that it goes to stdout.
    func format(isShown: Bool) -> any RowFormat {
        if let list { return ListFormat(list, base: base) }
        switch options.format {
        case .json: return JSONFormat()
        case .csv: return CSVFormat()
        case .paths: return PathsFormat(nul: options.nul)
        case .text:
            let noColour = ThisProcess.environment("NO_COLOR").map { !$0.isEmpty } ?? false
            // A directory that is filtered out cannot stand for what moved with it.
            let folds =
                selection.followsRenames && selection.types.contains(.directory)
                && selection.kinds.contains(.renamed) && selection.limit == nil
            return TextFormat(colour: isShown && ThisProcess.standardOutputIsTerminal && !noColour, folds: folds)
        }
    }

    /// text is relative to where the reader is, the others are absolute unless told otherwise.
    private var textBase: Path? {
        get throws {
            if let base { return base }
            guard options.format == .text else { return nil }
            // Whose directory is gone reads whole paths.
            do throws(SystemError) { return Path(try Paths.currentDirectory()) } catch { return nil }
        }
    }

    /// Looks through all names before the first is printed: a list that ends half way would be taken for whole.
    private func refuseUnprintable(
        _ answer: some ChangeList, _ format: any RowFormat, _ shown: (Change) -> Change
    ) throws {
        guard ![.text, .json].contains(options.format) else { return }
        // Nearly always all is well, and that is seen without putting any path together.
        if answer.holdsOnly(directories: format.canCarry, names: format.canCarry) { return }
        var format = format
        var refused: [String] = []
        var count = 0
        try answer.forEach { change in
            guard !format.carries(shown(change)) else { return }
            count += 1
            if refused.count < 10 { refused += [change.path, change.oldPath].compactMap { $0 }.map(ShellQuote.text) }
        }
        guard count > 0 else { return }
        let more = count > refused.count ? " and \(count - refused.count) more" : ""
        throw Failure(
            .cannotVouch,
            "\(refused.joined(separator: " "))\(more): \(list?.option ?? "--format \(options.format.rawValue)") cannot carry this",
            hint: list?.wayOut
                ?? (options.format == .paths && !options.nul ? "-0 carries any name" : "json carries any name")
        )
    }

    /// In one line, what the answer is not about.
    func warn(of resolution: Resolution) throws {
        var parts: [String] = []
        if let first = resolution.uncovered.first {
            let more = resolution.uncovered.count > 1 ? " and \(resolution.uncovered.count - 1) more" : ""
            parts.append("\(ShellQuote.text(first.path.shown)) (\(first.coverage.word))\(more)")
        }
        if resolution.patterns > 0 {
            parts.append("what \(resolution.patterns) exclude pattern\(resolution.patterns == 1 ? "" : "s") match")
        }
        guard !parts.isEmpty else { return }
        var output = Output.standardError()
        try output.write("journal: not covered: \(parts.joined(separator: ", ")); see journal status\n")
        try output.flush()
    }

    private static func relative(_ path: [UInt8], to base: Path?) -> [UInt8] {
        guard let base, base.contains(Path(path)) else { return path }
        let relative = base.relative(Path(path))
        return relative.isEmpty ? [UInt8(ascii: ".")] : relative
    }
}
