import Changes
import Kernel
import Seeded
import Testing

@testable import Capture

/// What is added up before it is noted comes to the same.
@Suite struct EventRunsTests {
    private let masks: [EventMask] = [.create, .modify, .closeWrite, .attrib, .delete]

    /// Few names and more of them than there are runs, of which some differ in nothing but their beginning or their length.
    @Test(arguments: 0..<200) func runsComeToWhatTheirEventsSay(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let names: [[UInt8]] = ["a", "b", "ab", "bb", "xab", "xbb", "i", "q"].map { Array($0.utf8) }
        let buffer = Array(names.joined(separator: [0]))
        var (ranges, start): ([Range<Int>], Int) = ([], 0)
        for name in names {
            ranges.append(start..<(start + name.count))
            start += name.count + 1
        }
        let ended = NodeID(rawValue: 2)

        var (runs, noted, expected) = (EventRuns(), HintedNames(), HintedNames())
        func note(_ run: EventRuns.Run) {
            noted.note(Place(run.node, Name(Array(buffer[run.name]))), run.hints)
        }
        for _ in 0..<random.below(100) {
            if random.below(20) == 0 {
                runs.end(note)
                #expect(noted.directories == expected.directories)
            }
            let watch = WatchDescriptor(Int32(1 + random.below(3)))
            let node = NodeID(rawValue: Int64(watch.raw))
            let name = ranges[random.below(names.count)]
            let event = EventHeader(watch: watch, mask: masks[random.below(masks.count)], cookie: 0)
            let isOfNoUse = event.mask == .delete && node == ended
            if !isOfNoUse { expected.note(Place(node, Name(Array(buffer[name]))), Hints(event.mask)) }
            if runs.extend(event, name, in: buffer) || isOfNoUse { continue }
            let run = EventRuns.Run(
                watch: watch, node: node, name: name, hints: Hints(event.mask), hasEnded: node == ended)
            if let other = runs.begin(run, in: buffer) { note(other) }
        }
        runs.end(note)
        #expect(noted.directories == expected.directories)
    }

    @Test func whatIsSaidOfDirectoriesAndRenamesIsNotAddedUp() {
        for mask in masks {
            #expect(EventRuns.adds(mask))
            #expect(!EventRuns.adds([mask, .isDirectory]))
        }
        let others: [EventMask] = [.movedFrom, .movedTo, .deleteSelf, .moveSelf, .ignored, .unmount, .queueOverflow]
        for mask in others { #expect(!EventRuns.adds(mask)) }
    }
}
