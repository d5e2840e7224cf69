import Changes
import Foundation
import GRDB
import Query
import Testing

@Suite struct JournalFileTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    func opening(_ path: String) -> JournalError? {
        do throws(JournalError) {
            _ = try JournalFile(path)
            return nil
        } catch {
            return error
        }
    }

    @Test func aFileThatIsNoJournalIsTold() throws {
        let other = fixture.directory.appending(path: "other").path
        try Data("no database at all".utf8).write(to: URL(filePath: other))
        #expect(opening(other) == .notAJournal)
        try Data().write(to: URL(filePath: other))
        #expect(opening(other) == .notAJournal)
        try fixture.sql("PRAGMA application_id = 7")
        #expect(opening(fixture.path) == .notAJournal)
    }

    @Test func aSchemaThatIsNotKnownIsTold() throws {
        try fixture.sql("PRAGMA user_version = 99")
        #expect(opening(fixture.path) == .newer(schema: 99, known: 1))
        try fixture.sql("PRAGMA user_version = 0")
        #expect(opening(fixture.path) == .older(schema: 0, known: 1))
    }

    @Test func aCorruptJournalIsTold() throws {
        let copy = fixture.directory.appending(path: "copy.db")
        try fixture.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        var bytes = try Data(contentsOf: URL(filePath: fixture.path))
        for index in 4096..<bytes.count { bytes[index] = 0xA5 }
        try bytes.write(to: copy)
        var told: JournalError?
        do {
            let file = try JournalFile(copy.path)
            _ = try file.snapshot { try $0.resolve(Question(since: .start), now: fixture.now, synced: true) }
        } catch {
            told = error
        }
        guard case .corrupt = told else {
            Issue.record("\(String(describing: told))")
            return
        }
    }

    @Test func aMissingFileCannotBeOpenedAndIsNotMade() throws {
        let missing = fixture.directory.appending(path: "missing.db").path
        guard case .cannotOpen = opening(missing) else {
            Issue.record("opened")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: missing))
    }

    @Test func B69_aReaderLeavesTheWALWhereItIs() throws {
        try fixture.batch(at: 100, [LogRow(kind: .created, path: "/r/a")])
        // As after a kill: the files are there, and nobody has them open.
        let copy = fixture.directory.appending(path: "killed.db").path
        for suffix in ["", "-wal", "-shm"] {
            try FileManager.default.copyItem(atPath: fixture.path + suffix, toPath: copy + suffix)
        }
        let before = try Data(contentsOf: URL(filePath: copy + "-wal"))
        #expect(!before.isEmpty)
        do {
            let file = try JournalFile(copy)
            let head = try file.snapshot {
                try $0.resolve(Question(since: .start), now: fixture.now, synced: true).head
            }
            #expect(head == fixture.cursor(fixture.head))
        }
        #expect(try Data(contentsOf: URL(filePath: copy + "-wal")) == before)
        #expect(FileManager.default.fileExists(atPath: copy + "-shm"))
    }

    @Test func B69_whatIsPrintedIsOfTheSnapshotAndHoldsNothingUp() throws {
        try fixture.batch(at: 100, [LogRow(kind: .created, path: "/r/a")])
        let file = try JournalFile(fixture.path)
        let span = Span(since: 1, until: fixture.head, cursor: fixture.cursor(fixture.head))
        let answer = try file.snapshot { try $0.answer(span, Question(since: .now), Selection()) }
        // Between the two, the log is forgotten, and the WAL copied back whole, which no reader may hinder.
        try fixture.sql("DELETE FROM log")
        var paths: [String] = []
        try answer.forEach { change in
            paths.append(String(decoding: change.path, as: UTF8.self))
            let busy = try fixture.queue.writeWithoutTransaction { db in
                try Int.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
            #expect(busy == 0)
        }
        #expect(paths == ["/r/a"])
    }
}
