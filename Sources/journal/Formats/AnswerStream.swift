import Changes
import Kernel
import Query

/// Answers on stdout, one after the other.
struct AnswerStream: ~Copyable {
    private let printer: Printer
    private var format: any RowFormat
    private var output = Output.standardOutput()

    init(_ printer: Printer) throws {
        self.printer = printer
        format = printer.format(isShown: true)
        try format.begin(&output)
    }

    mutating func print(_ answer: some ChangeList) throws {
        try printer.write(answer, &format, to: &output)
        try output.flush()
    }

    /// Tells by which cursor to continue behind what was printed, where the format has a place for that amid rows.
    mutating func mark(_ cursor: Cursor) throws {
        try format.mark(cursor, &output)
        try output.flush()
    }

    /// After the last; `cursor` where the answers can be continued from.
    mutating func end(cursor: Cursor?) throws {
        try format.end(cursor: cursor, &output)
        try output.flush()
    }
}
