import Changes
import Testing

@testable import Capture

/// When a part of what was found is committed.
@Suite struct PendingTests {
    private let limit = 32_768

    private func observe(_ count: Int, in node: NodeID, _ pending: inout Pending) {
        for index in 0..<count {
            pending.observations[Place(node, Name(Array("\(pending.observations.count) \(index)".utf8)))] = Observation(
                before: nil, after: .absent, hints: [], isSilent: false, sight: 0)
        }
    }

    /// A new directory that has left its place before the store knew it cannot be committed, nor what is in it, however much
    /// that is. To try it again for every name costs all of it every time.
    @Test func whatNoCommitTakesAsksForNone() {
        let (born, other) = (NodeID(rawValue: 2), NodeID(rawValue: 3))
        var pending = Pending()
        pending.addBorn(born)
        observe(limit, in: born, &pending)
        #expect(pending.isLarge)
        let taken = pending.take(holding: [:], unborn: [born])
        #expect(taken.observations.isEmpty && taken.born.isEmpty)
        #expect(pending.observations.count == limit && pending.born == [born])
        #expect(!pending.isLarge, "the next name would try it again")

        observe(limit - 1, in: other, &pending)
        #expect(!pending.isLarge)
        observe(1, in: other, &pending)
        #expect(pending.isLarge)
        #expect(pending.take(holding: [:], unborn: [born]).observations.count == limit)
        #expect(!pending.isLarge)

        // It was found: all of it goes.
        #expect(pending.take(holding: [:], unborn: []).observations.count == limit)
        #expect(pending.isEmpty && !pending.isLarge)
    }
}
