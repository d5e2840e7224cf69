import Changes
import Kernel
import Store

/// What keeps the watcher from committing, and will pass: it waits, and tells whoever asks.
struct Obstacle {
    enum Cause: String {
        case full, busy

        var words: String {
            switch self {
            case .full: "disk full"
            case .busy: "database locked by another program"
            }
        }
    }

    var cause: Cause
    /// Nanoseconds since 1970.
    var since: Int64

    /// Why nothing can be committed.
    var words: String { "cannot commit: \(cause.words) since \(Timestamp.local(since))" }

    /// What a command says that needs the watcher to commit.
    func failure(_ database: Path) -> Failure {
        Failure(.unavailable, "\(ShellQuote.text(database.shown)): the watcher \(words)")
    }
}

extension Obstacle {
    /// What made a write fail, since then or since now.
    init(_ error: StoreError, since: Int64? = nil) {
        self.init(cause: error.reason == .busy ? .busy : .full, since: since ?? Clock.wall())
    }

    /// As it is sent.
    init?(words: String) {
        let words = words.split(separator: " ")
        guard words.count == 2, let cause = Cause(rawValue: String(words[0])), let since = Int64(words[1]) else {
            return nil
        }
        self.init(cause: cause, since: since)
    }

    var field: (String, String) { ("obstacle", "\(cause.rawValue) \(since)") }
}

extension Reply {
    /// The watcher is there, and cannot do what was asked for until that has passed.
    init(_ obstacle: Obstacle) { self.init([("ok", ""), obstacle.field]) }
}
