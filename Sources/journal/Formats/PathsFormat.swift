import Changes
import Kernel
import Query

/// One path a record, as bytes, ended by a newline or by NUL.
struct PathsFormat: RowFormat {
    var nul: Bool

    /// No path holds NUL; a newline in one would make two records of it.
    func canCarry(_ path: [UInt8]) -> Bool { nul || !path.contains(UInt8(ascii: "\n")) }

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        try output.write(change.path)
        try output.write(nul ? 0 : UInt8(ascii: "\n"))
    }
}
