internal import Kernel

/// What `Bench decode` does: decodes a buffer of events again and again.
enum Decoding {
    private static let events = 4000

    /// The sum of what is in the events, so that all of it is looked at.
    static func sum(times: Int) -> Int {
        let buffer = (0..<events).flatMap(event)
        var sum = 0
        for _ in 0..<times {
            decodeEvents(buffer) { event, name in
                sum &+= Int(event.watch.raw) &+ Int(event.mask.rawValue) &+ name.count
            }
        }
        return sum
    }

    /// One event as inotify(7) lays it out: watch, mask, cookie, length, and a name of 6 to 28 bytes, which is ended and
    /// filled up with NULs to a multiple of 16.
    private static func event(_ number: Int) -> [UInt8] {
        let name = Array("file_\(number)".utf8) + [UInt8](repeating: UInt8(ascii: "n"), count: number % 20)
        let padding = [UInt8](repeating: 0, count: 16 - name.count % 16)
        let isCreated = number % 3 == 0
        let words = [1 + number / 20, isCreated ? 0x100 : 0x2, 0, name.count + padding.count]
        let header = words.flatMap { word in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> $0) } }
        return header + name + padding
    }
}
