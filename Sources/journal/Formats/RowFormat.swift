import Changes
import Kernel
import Query

/// A form to print rows in.
protocol RowFormat {
    /// Whether a path comes out of this format as it went in: it does if all of its components do.
    func canCarry(_ path: [UInt8]) -> Bool
    func begin(_ output: inout Output) throws(SystemError)
    /// Before the rows of an answer.
    mutating func begin(_ answer: some ChangeList) throws
    /// Whether all that is printed of a row comes out as it went in.
    mutating func carries(_ change: Change) -> Bool
    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError)
    /// After the rows of an answer: what they leave to be printed.
    mutating func finish(_ output: inout Output) throws(SystemError)
    /// Amid answers: where the last one can be continued from.
    func mark(_ cursor: Cursor, _ output: inout Output) throws(SystemError)
    /// After the last row; `cursor` where the answer can be continued from.
    mutating func end(cursor: Cursor?, _ output: inout Output) throws(SystemError)
}

extension RowFormat {
    func canCarry(_ path: [UInt8]) -> Bool { true }
    func begin(_ output: inout Output) throws(SystemError) {}
    mutating func begin(_ answer: some ChangeList) throws {}
    mutating func carries(_ change: Change) -> Bool {
        canCarry(change.path) && change.oldPath.map(canCarry) ?? true
    }
    mutating func finish(_ output: inout Output) throws(SystemError) {}
    func mark(_ cursor: Cursor, _ output: inout Output) throws(SystemError) {}
    mutating func end(cursor: Cursor?, _ output: inout Output) throws(SystemError) {}
}
