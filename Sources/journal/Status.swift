/// The exit statuses of the contract; from 64 on they are sysexits(3).
enum ExitStatus: Int32 {
    case complete = 0
    /// `unchanged`: changed; `verify`: differs; `status`: not all well.
    case differs = 1
    /// The journal cannot vouch for the answer.
    case cannotVouch = 3
    case usage = 64
    /// Not a journal, newer than this program, or corrupt.
    case notAJournal = 65
    /// No such database or root.
    case noInput = 66
    /// No live watcher, or not available.
    case unavailable = 69
    case cannotCreate = 73
    case inputOutput = 74
    /// Another watcher or run holds it.
    case held = 75
    case permission = 77
}

/// Why a command ends without having done what it was asked: one line on stderr, and a hint where the user can act.
struct Failure: Error, CustomStringConvertible {
    var status: ExitStatus
    /// `PATH: what: why`, as the contract has it; the program's name is put in front when it is printed.
    var message: String
    var hint: String?

    init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
        self.status = status
        self.message = message
        self.hint = hint
    }

    var description: String { hint.map { "\(message)\njournal: hint: \($0)" } ?? message }
}
