import Changes
import Kernel
import Query
import Store

/// Becoming the one writer of a database: the lock file, the checks that it is ours, and the nonce that tells a restored
/// copy.
enum Writing {
    /// Runs `body` with the store and the files it is in, and leaves the database whole behind it. Makes the database where
    /// there is none and `creates` is set.
    static func with<Result>(
        _ database: Path, creates: Bool, _ body: (Store, DatabaseFiles.Held) throws -> Result
    ) throws -> Result {
        let shown = ShellQuote.text(database.shown)
        FileMode.keepPrivate()
        let files = DatabaseFiles(database: database)
        let isNew = try prepare(files, creates: creates)
        guard let path = database.shown.validText else {
            throw Failure(.cannotCreate, "\(shown): SQLite takes no path that is not UTF-8")
        }
        let lockPath = files.path(.lock)
        let lock = try take(lockPath, "lock") { path throws(SystemError) in try LockFile(at: path) }
        // The lock file may have been deleted, or be another name's: the file itself is locked as well.
        let file =
            try lock == nil
            ? nil : take(database.shown, "open") { path throws(SystemError) in try HeldFile(at: path) }
        guard let lock, let file else {
            let holder = try LockFile.holder(of: lockPath).map { "PID \($0)" } ?? "another process"
            throw Failure(
                .held, "\(shown): in use: \(holder) is its writer", hint: "`journal status` shows what it does")
        }
        defer { withExtendedLifetime(file) {} }
        do {
            let bootID = try Clock.bootID()
            return try Store.with(
                path: path, isSuspect: !files.wereClosed, bootID: bootID,
                clock: { Instant(wall: Clock.wall(), boot: Clock.boot()) }
            ) { store in
                do {
                    let nonce = try rotate(store, lock, from: lock.nonce, isNew: isNew, database)
                    let held = try DatabaseFiles.Held(files, lock: lock.file, database: file.file)
                    let result = try body(store, held)
                    try store.close()
                    _ = try held.look()
                    _ = try rotate(store, lock, from: nonce, isNew: false, database)
                    try store.close()
                    return result
                } catch let replaced as DatabaseFiles.Replaced {
                    try disown(store, lock)
                    throw replaced.failure
                }
            }
        } catch let error as StoreError {
            throw failure(error, shown)
        }
    }

    /// Has the live watcher do what is asked for, or does it itself where none is live. Between a watcher that has taken the
    /// lock and one that listens lies its start, and likewise its end: such a one is waited for as long as `patience` lasts,
    /// nanoseconds.
    static func byWhoeverCan<Result>(
        _ request: Request, _ database: Path, timeout: Duration, patience: Int64 = 0,
        _ reading: (Reply) throws -> Result,
        writing: (Store) throws -> Result
    ) throws -> Result {
        var deadline: Int64?
        while true {
            if let reply = try Client.ask(request, database: database, timeout: timeout) { return try reading(reply) }
            let until = deadline ?? Clock.boot() + patience
            deadline = until
            do {
                return try with(database, creates: false) { store, _ in try writing(store) }
            } catch let failure as Failure where failure.status == .held && Clock.boot() < until {
                ThisProcess.sleep(nanoseconds: pause)
            }
        }
    }

    /// Between two attempts, nanoseconds.
    private static let pause: Int64 = 100_000_000

    /// What is at the database's names now is not this journal. The WAL is emptied into the file it belongs to, so that it
    /// is not taken for a part of what has that file's name; and lock file and database forget the nonce, so that whatever
    /// is there gets another UUID.
    private static func disown(_ store: Store, _ lock: LockFile) throws {
        try lock.write(nonce: "")
        try store.disown()
    }

    private static func take<File>(
        _ path: [UInt8], _ what: String, _ body: ([UInt8]) throws(SystemError) -> File?
    ) throws(Failure) -> File? {
        do {
            return try body(path)
        } catch {
            throw Failure(
                error.isForbidden ? .permission : error.isFull ? .inputOutput : .cannotCreate,
                "\(ShellQuote.text(path)): cannot \(what): \(error.reason)")
        }
    }

    /// Gives this run its nonce: in the database first, synced, then in the lock file.
    private static func rotate(
        _ store: Store, _ lock: LockFile, from nonce: String?, isNew: Bool, _ database: Path
    ) throws -> String {
        let next = try store.claim(nonce: nonce, isNew: isNew)
        try FileSync.data(database.shown + Array("-wal".utf8))
        try lock.write(nonce: next)
        return next
    }

    /// Whether the database is new; throws where it is none of ours, before anything is made beside it.
    private static func prepare(_ files: DatabaseFiles, creates: Bool) throws -> Bool {
        let database = files.database
        let shown = ShellQuote.text(database.shown)
        do {
            let status = try FileStatus(at: database.shown)
            try files.checkForWriting()
            guard status.isFile else { throw Failure(.notAJournal, "\(shown): not a journal: not a file") }
            if status.size == 0 { return true }
            let header = try Descriptor(opening: database.shown, for: .reading).read(atMost: 100)
            guard DatabaseHeader(header)?.isJournal == true else {
                throw Failure(.notAJournal, "\(shown): not a journal")
            }
            return false
        } catch let error as SystemError {
            guard error.isMissing else {
                throw Failure(error.isForbidden ? .permission : .inputOutput, "\(shown): cannot open: \(error.reason)")
            }
        }
        guard creates else {
            throw Failure(.noInput, "\(shown): no such journal", hint: "`journal watch DIRECTORY` makes one")
        }
        do throws(SystemError) {
            try FileMode.makeDirectories(database.parent.shown)
        } catch {
            throw Failure(
                error.isForbidden ? .permission : .cannotCreate,
                "\(shown): cannot create its directory: \(error.reason)")
        }
        try files.checkForWriting()
        return true
    }

    static func failure(_ error: StoreError, _ shown: String) -> Failure {
        switch error.reason {
        case .notAJournal: Failure(.notAJournal, "\(shown): not a journal: \(error.message)")
        case .newer: Failure(.notAJournal, "\(shown): \(error.message)", hint: "upgrade journal")
        case .corrupt: Failure(.notAJournal, "\(shown): corrupt: \(error.message)")
        case .full:
            Failure(
                .inputOutput, "\(shown): cannot commit: \(error.message)",
                hint: "the journal is as it was before; the next start reconciles")
        case .busy: Failure(.held, "\(shown): cannot write: another program has it locked")
        case .permission: Failure(.permission, "\(shown): cannot write: \(error.message)")
        case .cannotCreate: Failure(.cannotCreate, "\(shown): cannot open: \(error.message)")
        case .inputOutput: Failure(.inputOutput, "\(shown): cannot read or write: \(error.message)")
        }
    }
}

/// The first 100 bytes of a SQLite file, where it says what it is (https://sqlite.org/fileformat.html, 1.3).
struct DatabaseHeader {
    private let bytes: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 100, bytes.starts(with: Array("SQLite format 3\0".utf8)) else { return nil }
        self.bytes = bytes
    }

    /// The application id, a big-endian number at offset 68.
    var isJournal: Bool { bytes[68..<72].reduce(0) { $0 << 8 | UInt32($1) } == 0x6A72_6E6C }
}
