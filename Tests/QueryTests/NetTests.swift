import Changes
import Query
import Testing

@Suite struct NetTests {
    /// The answer to the whole of a journal of these batches, as text.
    func told(_ batches: [[LogRow]], _ paths: [String] = [], _ change: (inout Selection) -> Void = { _ in }) throws
        -> [String]
    {
        let fixture = try Fixture()
        for (index, rows) in batches.enumerated() { try fixture.batch(at: Int64(100 + index), rows) }
        var selection = Selection()
        change(&selection)
        return try fixture.answer(paths, selection).map(\.told)
    }

    @Test func firstAndLastRowDecideWhatAPathBecame() throws {
        let rows = try told([
            [
                LogRow(kind: .created, path: "/r/new"), LogRow(kind: .deleted, path: "/r/gone", ino: 2),
                LogRow(kind: .modified, path: "/r/changed", flags: 1, ino: 3),
                LogRow(kind: .attrib, path: "/r/owner", flags: 2, ino: 4),
                LogRow(kind: .created, path: "/r/brief", ino: 5),
            ],
            [
                LogRow(kind: .deleted, path: "/r/brief", ino: 5),
                LogRow(kind: .attrib, path: "/r/changed", flags: 2, ino: 3),
            ],
        ])
        #expect(rows == ["modified /r/changed", "deleted /r/gone", "created /r/new", "attrib /r/owner"])
    }

    @Test func aPathThatCameAndWentInOneBatchOfTwoIsNotListed() throws {
        #expect(try told([[LogRow(kind: .created, path: "/r/a")], [LogRow(kind: .deleted, path: "/r/a")]]) == [])
    }

    @Test func deletedAndCreatedAgainIsModified() throws {
        #expect(
            try told([
                [LogRow(kind: .deleted, path: "/r/a", ino: 1)], [LogRow(kind: .created, path: "/r/a", ino: 2)],
            ]) == ["modified /r/a"])
    }

    @Test(arguments: [false, true])
    func theRowsOfABatchAreSimultaneous(_ reversed: Bool) throws {
        // y is deleted, and x takes its place: whichever row comes first, y existed before and exists after.
        var rows = [
            LogRow(kind: .deleted, path: "/r/y", ino: 2), LogRow(kind: .renamed, path: "/r/y", old: "/r/x", ino: 1),
        ]
        if reversed { rows.reverse() }
        #expect(try told([rows]) == ["renamed /r/x → /r/y"])
        #expect(try told([rows], []) { $0.followsRenames = false } == ["deleted /r/x", "modified /r/y"])
    }

    @Test func B27_aChainOfRenamesIsOneRename() throws {
        #expect(
            try told([
                [LogRow(kind: .renamed, path: "/r/b", old: "/r/a")], [LogRow(kind: .modified, path: "/r/b", flags: 1)],
                [LogRow(kind: .renamed, path: "/r/c", old: "/r/b")],
            ]) == ["renamed /r/a → /r/c content"])
    }

    @Test func awayAndBackIsNoRenameButKeepsWhatWasWrittenElsewhere() throws {
        let batches = [
            [LogRow(kind: .renamed, path: "/r/b", old: "/r/a")], [LogRow(kind: .modified, path: "/r/b", flags: 1)],
            [LogRow(kind: .renamed, path: "/r/a", old: "/r/b")],
        ]
        #expect(try told(batches) == ["modified /r/a"])
        #expect(try told(batches) { $0.followsRenames = false } == ["modified /r/a"])
        // Also where the other name lies outside of the question.
        #expect(try told(batches, ["/r/a"]) == ["modified /r/a"])
    }

    @Test func B25_exchangedPathsAreTwoRenames() throws {
        #expect(
            try told([
                [
                    LogRow(kind: .renamed, path: "/r/b", old: "/r/a", ino: 1),
                    LogRow(kind: .renamed, path: "/r/a", old: "/r/b", ino: 2),
                ]
            ]) == ["renamed /r/b → /r/a", "renamed /r/a → /r/b"])
    }

    @Test func aPathTakenByANewFileIsModifiedAndItsFileRenamed() throws {
        #expect(
            try told([
                [LogRow(kind: .renamed, path: "/r/b", old: "/r/a", ino: 1)],
                [LogRow(kind: .created, path: "/r/a", ino: 2)],
            ]) == ["modified /r/a", "renamed /r/a → /r/b"])
    }

    @Test func aHardLinkToANameThatStaysIsCreated() throws {
        #expect(
            try told([[LogRow(kind: .created, path: "/r/link"), LogRow(kind: .attrib, path: "/r/name", flags: 2)]])
                == ["created /r/link", "attrib /r/name"])
    }

    @Test func aHardLinkWhoseOldNameGoesIsRenamedOnce() throws {
        #expect(
            try told([
                [LogRow(kind: .created, path: "/r/b"), LogRow(kind: .created, path: "/r/c")],
                [LogRow(kind: .deleted, path: "/r/a")],
            ]) == ["renamed /r/a → /r/b content", "created /r/c"])
    }

    @Test func B56_aFileFoundElsewhereByItsBirthTimeIsRenamed() throws {
        // A crawl may have found only that one name went and another came.
        #expect(
            try told([[LogRow(kind: .deleted, path: "/r/a")], [LogRow(kind: .created, path: "/r/b")]])
                == ["renamed /r/a → /r/b content"])
    }

    @Test func B56_withoutBirthTimesOnlyRenameRowsTellARename() throws {
        #expect(
            try told([
                [LogRow(kind: .deleted, path: "/r/a", birth: 0)], [LogRow(kind: .created, path: "/r/b", birth: 0)],
            ]) == ["deleted /r/a", "created /r/b"])
        #expect(
            try told([
                [LogRow(kind: .renamed, path: "/r/b", old: "/r/a", birth: 0)],
                [LogRow(kind: .renamed, path: "/r/c", old: "/r/b", birth: 0)],
            ]) == ["renamed /r/a → /r/c"])
        // The inode number was reused: c is another file than a was.
        #expect(
            try told([
                [LogRow(kind: .renamed, path: "/r/b", old: "/r/a", birth: 0)],
                [LogRow(kind: .deleted, path: "/r/b", birth: 0)],
                [LogRow(kind: .created, path: "/r/x", birth: 0)],
                [LogRow(kind: .renamed, path: "/r/c", old: "/r/x", birth: 0)],
            ]) == ["deleted /r/a", "created /r/c"])
    }

    @Test func aRenameWithOneEndInTheQuestionIsCreatedOrDeleted() throws {
        let batches = [[LogRow(kind: .renamed, path: "/r/in/b", old: "/r/out/a")]]
        #expect(try told(batches, ["/r/in"]) == ["created /r/in/b"])
        #expect(try told(batches, ["/r/out"]) == ["deleted /r/out/a"])
        #expect(try told(batches, ["/r/in", "/r/out"]) == ["renamed /r/out/a → /r/in/b"])
        #expect(try told(batches, ["/r/out/a"]) == ["deleted /r/out/a"])
        #expect(try told(batches, ["/r/ou"]) == [])
    }

    @Test func aQuestionAboutADirectoryIsAboutItselfAndAllBelow() throws {
        let batches = [
            [
                LogRow(kind: .created, path: "/r/d", ino: 1, mode: 0o40755),
                LogRow(kind: .created, path: "/r/d/x/y", ino: 2),
                LogRow(kind: .created, path: "/r/dd", ino: 3),
            ]
        ]
        #expect(try told(batches, ["/r/d"]) == ["created /r/d", "created /r/d/x/y"])
        #expect(try told(batches, ["/r"]) == ["created /r/d", "created /r/d/x/y", "created /r/dd"])
    }

    @Test func whatMovedWithADirectoryNamesItsRow() throws {
        let fixture = try Fixture()
        try fixture.batch(
            at: 100,
            [
                LogRow(kind: .renamed, path: "/r/e", old: "/r/d", ino: 1, mode: 0o40755),
                LogRow(kind: .renamed, path: "/r/e/s", old: "/r/d/s", ino: 2, mode: 0o40755, movedWith: 2),
                LogRow(kind: .renamed, path: "/r/e/s/f", old: "/r/d/s/f", ino: 3, movedWith: 2),
                LogRow(kind: .renamed, path: "/r/e/g", old: "/r/d/s/g", ino: 4),
            ])
        try fixture.batch(at: 101, [LogRow(kind: .modified, path: "/r/e/s/f", flags: 1, ino: 3)])
        let rows = try fixture.answer()
        #expect(
            rows.map(\.told) == [
                "renamed /r/d → /r/e", "renamed /r/d/s/g → /r/e/g", "renamed /r/d/s → /r/e/s",
                "renamed /r/d/s/f → /r/e/s/f content",
            ])
        #expect(rows.map(\.movedWith) == [nil, nil, rows[0].seq, rows[0].seq])
        #expect(rows.map(\.isFolded) == [false, false, true, false])
        // Where only the file is asked about, no row of a directory stands for it.
        #expect(try fixture.answer(["/r/d/s/f", "/r/e/s/f"]).map(\.movedWith) == [nil])
    }

    @Test func aNetRowIsLabelledByItsNewestLogRow() throws {
        let fixture = try Fixture()
        try fixture.batch(at: 100, [LogRow(kind: .modified, path: "/r/a", flags: 1)])
        try fixture.batch(at: 120, [LogRow(kind: .attrib, path: "/r/a", flags: 2)], source: .crawl, notBefore: 110)
        let row = try #require(try fixture.answer().first)
        #expect(row.kind == .modified && row.seq == 4 && row.time == 120_000_000_000)
        #expect(row.notBefore == 110_000_000_000 && row.source == .crawl && row.difference == [.content, .metadata])
    }

    @Test func filtersAndOrdersAreThoseOfTheContract() throws {
        let batches = [
            [
                LogRow(kind: .created, path: "/r/d", ino: 1, mode: 0o40755),
                LogRow(kind: .created, path: "/r/d/x", ino: 2),
                LogRow(kind: .created, path: "/r/d.x", ino: 3),
                LogRow(kind: .deleted, path: "/r/e", ino: 4, mode: 0o40755),
                LogRow(kind: .deleted, path: "/r/e/y", ino: 5), LogRow(kind: .modified, path: "/r/f", flags: 1, ino: 6),
            ]
        ]
        #expect(
            try told(batches) {
                $0.presence = .absent; $0.order = .deepestFirst
            } == ["deleted /r/e/y", "deleted /r/e"])
        #expect(
            try told(batches) { $0.presence = .present } == [
                "created /r/d", "created /r/d.x", "created /r/d/x", "modified /r/f",
            ])
        #expect(try told(batches) { $0.kinds = [.modified] } == ["modified /r/f"])
        #expect(try told(batches) { $0.types = [.directory] } == ["created /r/d", "deleted /r/e"])
        #expect(try told(batches) { $0.limit = 2 } == ["created /r/d", "created /r/d.x"])
    }

    @Test func B44_namesComeOutAsTheyWentIn() throws {
        let fixture = try Fixture()
        try fixture.batch(at: 100, [LogRow(kind: .renamed, path: "/r/b", old: "/r/a")])
        try fixture.sql("UPDATE log SET name = X'FF0A'; UPDATE log_origin SET old_name = X'FE'")
        let row = try #require(try fixture.answer().first)
        #expect(row.path == Array("/r/".utf8) + [0xFF, 0x0A])
        #expect(row.oldPath == Array("/r/".utf8) + [0xFE])
    }
}
