import Kernel
import Testing

/// inotify events as bytes, the way read(2) fills a buffer: wd, mask, cookie, length, then a name padded with NULs.
@Suite struct DecodingTests {
    struct Decoded: Equatable {
        var watch: Int32
        var mask: EventMask
        var cookie: UInt32
        var name: [UInt8]
    }

    private func bytes(_ watch: Int32, _ mask: UInt32, cookie: UInt32 = 0, name: [UInt8] = [], padding: Int = 0)
        -> [UInt8]
    {
        func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        return word(UInt32(bitPattern: watch)) + word(mask) + word(cookie) + word(UInt32(name.count + padding)) + name
            + [UInt8](repeating: 0, count: padding)
    }

    private func decode(_ buffer: [UInt8]) -> [Decoded] {
        var events: [Decoded] = []
        decodeEvents(buffer) { header, name in
            events.append(
                Decoded(watch: header.watch.raw, mask: header.mask, cookie: header.cookie, name: Array(buffer[name])))
        }
        return events
    }

    @Test func anEmptyReadHasNoEvents() {
        #expect(decode([]).isEmpty)
    }

    @Test func B6_aNameEndsAtTheFirstNUL() {
        let events = decode(bytes(3, 0x100, name: Array("new".utf8), padding: 13))
        #expect(events == [Decoded(watch: 3, mask: .create, cookie: 0, name: Array("new".utf8))])
    }

    @Test func B6_anEventWithoutANameIsAboutTheDirectoryItself() {
        #expect(decode(bytes(3, 0x8000)) == [Decoded(watch: 3, mask: .ignored, cookie: 0, name: [])])
    }

    @Test func B6_aNameOf255BytesHasOneNUL() {
        let name = [UInt8](repeating: 0xFF, count: 255)
        #expect(decode(bytes(1, 2, name: name, padding: 1)).map(\.name) == [name])
    }

    @Test func B2_anOverflowHasNoWatch() {
        #expect(decode(bytes(-1, 0x4000)) == [Decoded(watch: -1, mask: .queueOverflow, cookie: 0, name: [])])
    }

    @Test func B44_namesAreBytes() {
        let name: [UInt8] = Array("bad".utf8) + [0xFF, 0xFE, 0x0A]
        #expect(
            decode(bytes(7, 0x40, cookie: 0xDEAD_BEEF, name: name, padding: 10)) == [
                Decoded(watch: 7, mask: .movedFrom, cookie: 0xDEAD_BEEF, name: name)
            ])
    }

    @Test func eventsFollowEachOther() {
        let buffer =
            bytes(1, 0x4000_0100, name: Array("d".utf8), padding: 15) + bytes(2, 0x8000)
            + bytes(1, 0x80, cookie: 9, name: Array("0123456789abcdef".utf8), padding: 16)
        #expect(
            decode(buffer) == [
                Decoded(watch: 1, mask: [.create, .isDirectory], cookie: 0, name: Array("d".utf8)),
                Decoded(watch: 2, mask: .ignored, cookie: 0, name: []),
                Decoded(watch: 1, mask: .movedTo, cookie: 9, name: Array("0123456789abcdef".utf8)),
            ])
    }
}
