import ArgumentParser
import Changes
import Kernel
import Query

/// `--db`, on every command.
struct DatabaseOption: ParsableArguments {
    @Option(name: .customLong("db"), help: ArgumentHelp("The journal's database.", valueName: "path"))
    var option: String?

    /// `--db`, else `$JOURNAL_DB`, else the place of the contract.
    ///
    /// With all links resolved, as SQLite does: -wal, -shm, lock and socket are beside the file itself.
    var path: Path {
        get throws {
            let named = ThisProcess.environment("JOURNAL_DB").flatMap { $0.isEmpty ? nil : $0 }
            let given = option.map { ArgumentText.bytes($0) }
            return try DatabaseOption.resolved(given ?? named ?? DatabaseOption.standard)
        }
    }

    /// The place of the contract, whatever is said elsewhere.
    static var standardPath: Path { get throws { try resolved(standard) } }

    private static func resolved(_ given: [UInt8]) throws -> Path {
        let path = try PathArgument.canonical(given)
        try checkLink(path)
        return PathArgument.target(path) ?? path
    }

    /// A link is followed if whoever made it is us, root, or the owner of the directory it lies in: the rule by which the
    /// kernel keeps links in /tmp from leading others astray (fs.protected_symlinks), which realpath(3) goes around.
    private static func checkLink(_ path: Path) throws(Failure) {
        let shown = ShellQuote.text(path.shown)
        do throws(SystemError) {
            let link = try FileStatus(at: path.shown)
            guard link.isSymbolicLink, link.uid != 0, link.uid != ThisProcess.user else { return }
            if try FileStatus(at: path.parent.shown).uid == link.uid { return }
        } catch {
            if error.isMissing { return }
            throw Failure(
                error.isForbidden ? .permission : .inputOutput, "\(shown): cannot follow: \(error.reason)")
        }
        throw Failure(.permission, "\(shown): cannot follow: somebody else's symbolic link")
    }

    private static var standard: [UInt8] {
        get throws {
            if ThisProcess.isRoot { return Array("/var/lib/journal/journal.db".utf8) }
            let file = Array("/journal/journal.db".utf8)
            // The XDG specification: a relative path there is to be ignored.
            if let state = ThisProcess.environment("XDG_STATE_HOME"), state.first == slash { return state + file }
            guard let home = ThisProcess.environment("HOME"), home.first == slash else {
                throw Failure(.usage, "no --db, and neither $JOURNAL_DB nor $HOME says where the journal is")
            }
            return home + Array("/.local/state".utf8) + file
        }
    }

    /// Opens the journal at ``path`` for reading.
    static func open(_ path: Path) throws -> JournalFile {
        let shown = ShellQuote.text(path.shown)
        do {
            try Paths.checkReadable(path.shown)
        } catch {
            guard error.isMissing else {
                throw Failure(error.isForbidden ? .permission : .inputOutput, "\(shown): cannot open: \(error.reason)")
            }
            throw Failure(.noInput, "\(shown): no such journal", hint: "`journal watch DIRECTORY` makes one")
        }
        guard let text = path.shown.validText else {
            throw Failure(.inputOutput, "\(shown): cannot open: SQLite takes only paths that are valid UTF-8")
        }
        try DatabaseFiles(database: path).checkForReading()
        do {
            return try JournalFile(text)
        } catch {
            throw DatabaseOption.failure(error, path)
        }
    }

    /// A reader's error in the words of the contract.
    static func failure(_ error: JournalError, _ path: Path) -> Failure {
        let shown = ShellQuote.text(path.shown)
        switch error {
        case .notAJournal: return Failure(.notAJournal, "\(shown): not a journal")
        case .newer(let schema, let known):
            return Failure(
                .notAJournal, "\(shown): schema \(schema) is newer than this program, which knows \(known)",
                hint: "upgrade journal")
        case .older(let schema, let known):
            return Failure(
                .notAJournal, "\(shown): schema \(schema) is older than this program, which knows \(known)",
                hint: "`journal watch` upgrades it")
        case .corrupt(let reason): return Failure(.notAJournal, "\(shown): corrupt: \(reason)")
        case .cannotOpen(let reason):
            // The files beside it have to be readable as well.
            for suffix in ["-wal", "-shm"] {
                do throws(SystemError) {
                    try Paths.checkReadable(path.shown + Array(suffix.utf8))
                } catch  where error.isForbidden {
                    return Failure(.permission, "\(shown)\(suffix): cannot open: \(error.reason)")
                } catch {}
            }
            return Failure(
                .inputOutput, "\(shown): cannot open: \(reason)",
                hint: "a journal that was copied without -wal and -shm needs its watcher, or its owner, first")
        case .inputOutput(let reason): return Failure(.inputOutput, "\(shown): cannot read: \(reason)")
        case .noConsumer(let name): return Failure(.noInput, "\(shown): no consumer is named \(name)")
        case .forgotten:
            return Failure(.cannotVouch, "cannot vouch: what changed has been forgotten while it was being read")
        case .future: return Failure(.usage, "a time that has not come yet cannot be asked about")
        case .reversed: return Failure(.usage, "--until lies before --since")
        }
    }
}

extension JournalFile {
    /// ``snapshot(_:)``, with the reader's error as a failure of the command.
    func snapshotOrFailure<T>(_ path: Path, _ body: (Snapshot) throws -> T) throws -> T {
        do {
            return try snapshot(body)
        } catch {
            throw DatabaseOption.failure(error, path)
        }
    }
}
