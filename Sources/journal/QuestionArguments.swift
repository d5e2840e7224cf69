import Changes
import Kernel
import Query

/// Questions as given on the command line, as meant.
enum QuestionArguments {
    static func when(_ text: String, option: String, now: Now) throws(Failure) -> When {
        guard let when = When(text, now: now) else {
            throw Failure(
                .usage, "\(option): \(ShellQuote.text(Array(text.utf8))): not a time or cursor",
                hint: "these work: \(When.forms)")
        }
        return when
    }

    /// The PATHs, canonical. A link is asked about as what it is, unless it lies in no root and its target does.
    static func paths(_ given: some Collection<String>, file: JournalFile, database: Path) throws -> [Path] {
        guard !given.isEmpty else { return [] }
        let roots = try file.snapshotOrFailure(database) { try $0.roots() }
        return try given.map { text in
            let path = try PathArgument.canonical(ThisProcess.bytes(ofArgument: text))
            if roots.contains(where: { $0.contains(path) }) { return path }
            guard let target = PathArgument.target(path), roots.contains(where: { $0.contains(target) }) else {
                return path
            }
            return target
        }
    }
}
