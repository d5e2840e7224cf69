import Changes
import Kernel
import Store

/// Moving and dropping consumers: the live watcher does it, or whoever can be the one writer when there is none.
enum ConsumerPlace {
    /// For how long a watcher that starts or ends is waited for, nanoseconds.
    private static let patience: Int64 = 30_000_000_000

    /// Moves a consumer to where its list was taken.
    static func move(_ move: Consumer.Move, _ database: Path) throws {
        let outcome: Consumer.Outcome? = try asking(.move(move), database) { reply in
            Consumer.Outcome.allCases.first { reply[$0.rawValue] != nil }
        } writing: {
            try $0.move(move)
        }
        let shown = ShellQuote.text(Array(move.name.utf8))
        switch outcome {
        case .moved: return
        case .elsewhere:
            throw Failure(.held, "consumer \(shown): moved or dropped by somebody else meanwhile; it is left as it is")
        case .forgotten:
            throw Failure(
                .held,
                "consumer \(shown): what changed since its command began has been forgotten before that ended; it is left as it is",
                hint: "keep more of the log: journal watch --keep, --keep-size")
        case .unknown:
            throw Failure(
                .held, "consumer \(shown): the journal was replaced while the command ran; it is left as it is")
        case nil: throw Failure(.unavailable, "consumer \(shown): the watcher does not understand; it is left as it is")
        }
    }

    /// Forgets a consumer; false where there is none of that name.
    static func drop(_ name: String, _ database: Path) throws -> Bool {
        try asking(.dropConsumer(name), database) {
            $0["missing"] == nil
        } writing: {
            try $0.dropConsumer(name)
        }
    }

    private static func asking<Result>(
        _ request: Request, _ database: Path, _ reading: (Reply) -> Result, writing: (Store) throws -> Result
    ) throws -> Result {
        try Writing.byWhoeverCan(
            request, database, timeout: .nanoseconds(patience), patience: patience, reading, writing: writing)
    }
}
