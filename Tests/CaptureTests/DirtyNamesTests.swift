import Changes
import Testing

@testable import Capture

/// What is looked at now, and what waits for the next time.
@Suite struct DirtyNamesTests {
    private func place(_ name: String, in node: Int64 = 1) -> Place {
        Place(NodeID(rawValue: node), Name(Array(name.utf8)))
    }

    /// The places that are due, in order.
    private func taken(_ names: inout DirtyNames) -> [(place: Place, hints: Hints)] {
        names.takeNames().flatMap { node, names in
            names.sorted { $0.key < $1.key }.map { (Place(node, $0.key), $0.value) }
        }
    }

    /// The names that are due, which are taken.
    private func due(_ names: inout DirtyNames) -> [String] {
        taken(&names).map { String(decoding: $0.place.name.bytes, as: UTF8.self) }
    }

    @Test func whatIsReadMeanwhileWaits() {
        var names = DirtyNames()
        names.note(place("a"), .content)
        #expect(!names.isDue && !names.isEmpty)
        names.takeUp()
        names.note(place("b"), .content)
        #expect(due(&names) == ["a"])
        #expect(!names.isDue && !names.isEmpty)
        names.takeUp()
        #expect(due(&names) == ["b"])
        #expect(names.isEmpty)
    }

    /// It is looked at once, with all that was said.
    @Test func whatIsReadOfADueNameIsSaidOfIt() {
        var names = DirtyNames()
        names.insert(place("a"), [.entry, .deletedLast])
        names.note(place("a"), .content)
        let all = taken(&names)
        #expect(all.map(\.place) == [place("a")])
        #expect(all.map(\.hints) == [[.entry, .content]], "it was there again after the deletion")
        #expect(names.isEmpty)
    }

    @Test func aNameThatWaitsAndBecomesDueIsLookedAtOnce() {
        var names = DirtyNames()
        names.note(place("a"), .content)
        names.insert(place("a"), .metadata)
        #expect(taken(&names).map(\.hints) == [[.content, .metadata]])
        #expect(names.isEmpty)
    }

    /// A directory that is not at its place is sought where events say that directories went.
    @Test func whereDirectoriesWentIsLookedAtNow() {
        var names = DirtyNames()
        names.note(place("file"), .entry)
        names.note(place("left"), [.entry, .directory])
        names.takeUpMoves()
        #expect(due(&names) == ["left"])
        #expect(!names.isEmpty)
    }

    /// Both halves of a rename make one change only in one batch. Those of which neither is due wait together.
    @Test func aFileIsFollowedToWhereItsNameIsDue() {
        var names = DirtyNames()
        names.noteRename(from: place("a"), cookie: 1, seen: .content)
        names.note(place("a"), .entry)
        names.takeUp()
        names.noteRename(to: place("b"), cookie: 1)
        for (cookie, from, to) in [(2, "b", "c"), (3, "c", "d"), (4, "x", "y")] as [(UInt32, String, String)] {
            names.note(place(from), .entry)
            names.noteRename(from: place(from), cookie: cookie, seen: [])
            names.noteRename(to: place(to), cookie: cookie)
        }
        names.takeUpMoves()
        let all = taken(&names)
        #expect(all.map(\.place) == ["a", "b", "c", "d"].map { place($0) })
        #expect(all.last?.hints.contains(.content) == true, "what was said of the file is said of its last name")
        names.forgetRenames()
        #expect(names.renames == [place("y"): place("x")])
        names.takeUp()
        #expect(due(&names) == ["x", "y"])
        names.forgetRenames()
        #expect(names.renames.isEmpty)
    }

    /// Whether to ask once more for the other half depends on whether the first one is looked at in this batch.
    @Test func halfARenameThatWaitsIsNoReasonToAskAgain() {
        var names = DirtyNames()
        names.note(place("a"), .entry)
        names.noteRename(from: place("a"), cookie: 1, seen: [])
        #expect(!names.hasHalfARename)
        names.forgetRenames()
        names.takeUp()
        #expect(names.hasHalfARename)
        names.noteRename(to: place("b"), cookie: 1)
        #expect(!names.hasHalfARename)
        #expect(names.renames == [place("b"): place("a")])
    }
}
