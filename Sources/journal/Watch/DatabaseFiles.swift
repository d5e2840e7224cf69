import Capture
import Changes
import Kernel

/// The database and the files beside it: whether a writer may trust them before it opens them, and whether they are still
/// the same while it holds them.
///
/// SQLite opens its files by name, and believes what a -wal or -journal of that name says. So nobody else may be able to put
/// one there. As for git's `safe.directory`, the rule is ownership: the directory, and what is in it by these names, has to
/// belong to who runs this, or to root. A directory that everyone may write to has to be sticky, as /tmp is, so that only
/// the owner of a file can replace it. Whoever may write there as a member of the directory's group is trusted: that was the
/// owner's decision.
struct DatabaseFiles {
    let database: Path

    /// What SQLite and this program put beside a database.
    enum Companion: String, CaseIterable {
        case database = ""
        case log = "-wal"
        case index = "-shm"
        case rollback = "-journal"
        case lock = "-lock"
        case socket = "-socket"
    }

    /// The files that are held while a writer runs: it cannot go on where one of them is another.
    private static let held: [Companion] = [.database, .log, .index, .lock]

    var all: [[UInt8]] { Companion.allCases.map(path) }

    func path(_ companion: Companion) -> [UInt8] { database.shown + Array(companion.rawValue.utf8) }

    /// Whether the last writer has brought its WAL into the database: a clean stop leaves an empty one.
    var wereClosed: Bool {
        do throws(SystemError) { return try FileStatus(at: path(.log)).size == 0 } catch { return false }
    }

    /// Throws where somebody else has, or could have, put the files there: for who is about to write.
    func checkForWriting() throws(Failure) {
        try checkDirectory()
        for companion in Companion.allCases {
            guard let status = try status(companion) else { continue }
            try check(status, companion, owners: [0, ThisProcess.user])
        }
    }

    /// Likewise for a reader, who trusts the owner of the database as well. It does not look at the directory: a reader makes
    /// no file there.
    func checkForReading() throws(Failure) {
        guard let database = try status(.database) else { return }
        if database.isDirectory { throw Failure(.notAJournal, "\(ShellQuote.text(path(.database))): not a file") }
        if database.nlink > 1 { throw DatabaseFiles.linked(path(.database), database) }
        for companion in [Companion.log, .index, .rollback] {
            guard let status = try status(companion) else { continue }
            try check(status, companion, owners: [0, ThisProcess.user, database.uid])
        }
    }

    private func checkDirectory() throws(Failure) {
        let shown = ShellQuote.text(database.parent.shown)
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus(at: database.parent.shown)
        } catch {
            throw Failure(error.isForbidden ? .permission : .inputOutput, "\(shown): cannot look: \(error.reason)")
        }
        let hint = "the journal needs a directory of its own user"
        guard status.uid == 0 || status.uid == ThisProcess.user else {
            throw Failure(
                .permission, "\(shown): belongs to UID \(status.uid), who could replace the journal",
                hint: "run this as its owner; \(hint)")
        }
        guard !status.isOpenToAll else {
            throw Failure(.permission, "\(shown): everyone may write there and replace the journal", hint: hint)
        }
    }

    private func check(_ status: FileStatus, _ companion: Companion, owners: Set<UInt32>) throws(Failure) {
        let shown = ShellQuote.text(path(companion))
        guard owners.contains(status.uid) else {
            throw Failure(.permission, "\(shown): cannot open: it belongs to UID \(status.uid)")
        }
        guard !status.isSymbolicLink else {
            throw Failure(.cannotCreate, "\(shown): cannot open: it is a symbolic link")
        }
        guard companion == .socket ? status.isSocket : status.isFile else {
            // What is at the place of the database is told by whoever looks into it.
            if companion == .database { return }
            throw Failure(.cannotCreate, "\(shown): cannot open: something else is there")
        }
        if status.nlink > 1 { throw DatabaseFiles.linked(path(companion), status) }
    }

    /// > If a single database file has multiple links (either hard or soft links) […] then opening it under different names
    /// > uses different rollback journals or WAL files (https://sqlite.org/howtocorrupt.html, 2.5)
    ///
    /// A writer would write what readers by the other name do not see, and they would take an old state for the present one.
    static func linked(_ path: [UInt8], _ status: FileStatus) -> Failure {
        Failure(
            .notAJournal,
            "\(ShellQuote.text(path)): has \(status.nlink) hard links, and SQLite can follow only one name",
            hint: "find -samefile finds the others; remove them, or copy instead of linking")
    }

    /// Nil where there is no such file.
    private func status(_ companion: Companion) throws(Failure) -> FileStatus? {
        do throws(SystemError) {
            return try FileStatus(at: path(companion))
        } catch {
            if error.isMissing { return nil }
            throw Failure(
                error.isForbidden ? .permission : .inputOutput,
                "\(ShellQuote.text(path(companion))): cannot look: \(error.reason)")
        }
    }

    /// The inodes of all that is there: they stay the same while the files are open, and the journal never journals itself.
    func inodes() throws(Failure) -> Set<OwnFile> {
        var files: Set<OwnFile> = []
        for companion in Companion.allCases {
            guard let status = try status(companion) else { continue }
            files.insert(OwnFile(device: status.device, inode: status.inode))
        }
        return files
    }
}

extension DatabaseFiles {
    /// The files of a running writer by their identity.
    struct Held {
        private let files: DatabaseFiles
        private let known: [(companion: Companion, file: FileStatus)]

        /// Checks once more, now that all are open, and remembers them. `lock` and `database` are the descriptors' own: what has
        /// their names has to be the same.
        init(_ files: DatabaseFiles, lock: FileStatus, database: FileStatus) throws {
            self.files = files
            try files.checkForWriting()
            known = try DatabaseFiles.held.map { companion in
                switch companion {
                case .lock: return (companion, lock)
                case .database: return (companion, database)
                case .log, .index, .rollback, .socket:
                    guard let status = try files.status(companion) else {
                        throw Replaced(path: files.path(companion), isGone: true)
                    }
                    return (companion, status)
                }
            }
            _ = try look()
        }

        /// Throws ``Replaced`` where one of the files is gone or another one has its name; returns the size of the WAL. What
        /// cannot be looked at just now is not called gone.
        func look() throws -> Int64 {
            var size: Int64 = 0
            for (companion, file) in known {
                let path = files.path(companion)
                let status: FileStatus
                do throws(SystemError) {
                    status = try FileStatus(at: path)
                } catch {
                    guard error.isMissing else { continue }
                    throw Replaced(path: path, isGone: true)
                }
                guard status.isSameFile(as: file) else { throw Replaced(path: path, isGone: false) }
                if companion == .log { size = status.size }
            }
            return size
        }
    }

    /// A file of the journal is not the one any more that its writer holds: what it would write from now on, nobody could
    /// read.
    struct Replaced: Error {
        var path: [UInt8]
        var isGone: Bool

        var failure: Failure {
            Failure(
                .inputOutput,
                "\(ShellQuote.text(path)): \(isGone ? "was deleted or moved" : "was replaced") while the journal was being written",
                hint: "the next start makes another journal of what is there then; cursors of this one are refused")
        }
    }
}
