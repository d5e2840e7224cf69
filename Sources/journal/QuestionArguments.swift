import Changes
import Kernel
import Query

/// Questions as given on the command line, as meant.
enum QuestionArguments {
    static func when(_ text: String, option: String, now: Now) throws(Failure) -> When {
        guard let when = When(text, now: now) else {
            throw Failure(
                .usage, "\(option): \(ArgumentText.shown(text)): not a time or cursor",
                hint: "these work: \(When.forms)")
        }
        return when
    }

    /// Makes the question one about the PATHs, and by whose way they were found.
    static func ask(
        _ question: inout Question, about given: some Collection<String>, _ file: JournalFile, _ database: Path
    ) throws {
        guard !given.isEmpty else { return }
        let roots = try roots(file, database)
        for argument in given.map(ArgumentText.bytes) {
            let path = try PathArgument.canonical(argument)
            let meant = resolved(path, among: roots)
            guard !DatabaseFiles(database: database).all.contains(meant.shown) else {
                throw Failure(
                    .cannotVouch, "cannot vouch: \(ShellQuote.text(meant.shown)): not covered: it is the journal itself"
                )
            }
            question.paths.append(meant)
            let way = try PathArgument.way(argument, toTarget: meant != path).filter { entry in
                entry.path != meant && roots.contains { $0 != entry.path && $0.contains(entry.path) }
            }
            question.way += way.map(\.path)
            question.links += way.filter(\.isLink).map { entry in
                // One that is gone by now is not the one that was followed.
                let status = try? FileStatus(at: entry.path.shown)
                return Question.Link(path: entry.path, inode: status?.inode ?? 0, ctime: status?.ctime ?? 0)
            }
        }
    }

    /// A link is asked about as what it is, unless it lies in no root and its target does.
    static func resolved(_ path: Path, among roots: [Path]) -> Path {
        if roots.contains(where: { $0.contains(path) }) { return path }
        guard let target = PathArgument.target(path), roots.contains(where: { $0.contains(target) }) else {
            return path
        }
        return target
    }

    /// All roots; without those that are stopped what a question without a PATH is about.
    static func roots(_ file: JournalFile, _ database: Path, withStopped: Bool = true) throws -> [Path] {
        try file.snapshotOrFailure(database) { try $0.roots(withStopped: withStopped) }
    }
}
