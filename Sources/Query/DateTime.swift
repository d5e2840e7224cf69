/// The present, and the local calendar, both handed in: this target asks neither the kernel nor libc.
package struct Now: Sendable {
    /// Nanoseconds since 1970.
    package var wall: Int64
    /// Nanoseconds since boot.
    package var boot: Int64
    package var bootID: String
    /// The local year, month and day at so many seconds since 1970.
    package var localDay: @Sendable (Int64) -> DateParts?
    /// The seconds since 1970 at which the local calendar shows this.
    package var localSeconds: @Sendable (DateParts) -> Int64?

    package init(
        wall: Int64, boot: Int64, bootID: String,
        localDay: @escaping @Sendable (Int64) -> DateParts?, localSeconds: @escaping @Sendable (DateParts) -> Int64?
    ) {
        self.wall = wall
        self.boot = boot
        self.bootID = bootID
        self.localDay = localDay
        self.localSeconds = localSeconds
    }

    /// When this day, or one before it, began here. mktime(3) takes the day before the first of a month as what it is.
    func midnight(daysAgo: Int) -> Int64? {
        guard var day = localDay(wall / 1_000_000_000) else { return nil }
        day.day -= daysAgo
        day.hour = 0
        day.minute = 0
        day.second = 0
        return localSeconds(day).map { $0 * 1_000_000_000 }
    }
}

/// A date and time of day in no zone of its own.
package struct DateParts: Hashable, Sendable {
    package var year: Int, month: Int, day: Int
    package var hour = 0, minute = 0, second = 0

    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// Seconds since 1970 if this is UTC.
    var utcSeconds: Int64 {
        daysSince1970 * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// The day's number in the Gregorian calendar. Years are counted from March, so that the leap day is their last.
    private var daysSince1970: Int64 {
        let y = Int64(month > 2 ? year : year - 1)
        let era = (y >= 0 ? y : y - 399) / 400
        let dayOfYear = (153 * Int64(month > 2 ? month - 3 : month + 9) + 2) / 5 + Int64(day) - 1
        let yearOfEra = y - era * 400
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Whether there is such a day. 60 is a leap second, which POSIX counts as the second after.
    var exists: Bool {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...lengths[month - 1]).contains(day) && hour < 24 && minute < 60
            && second <= 60
    }
}

extension When {
    /// A date, or RFC 3339 with `T`, `t` or a space; local where it names no zone. Nanoseconds since 1970.
    static func dateTime(_ text: String, now: Now) -> Int64? {
        var scanner = DigitScanner(text[...])
        guard let year = scanner.number(digits: 4...4), scanner.take("-"), let month = scanner.number(digits: 2...2),
            scanner.take("-"), let day = scanner.number(digits: 2...2)
        else { return nil }
        var parts = DateParts(year: Int(year), month: Int(month), day: Int(day))
        guard !scanner.isAtEnd else { return nanoseconds(parts, fraction: 0, offset: nil, now) }

        guard scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.number(digits: 2...2), scanner.take(":"), let minute = scanner.number(digits: 2...2)
        else { return nil }
        (parts.hour, parts.minute) = (Int(hour), Int(minute))
        var fraction: Int64 = 0
        if scanner.take(":") {
            guard let second = scanner.number(digits: 2...2), let digits = scanner.fraction() else { return nil }
            parts.second = Int(second)
            fraction = digits
        }
        guard !scanner.isAtEnd else { return nanoseconds(parts, fraction: fraction, offset: nil, now) }
        guard let offset = scanner.zone(), scanner.isAtEnd else { return nil }
        return nanoseconds(parts, fraction: fraction, offset: offset, now)
    }

    private static func nanoseconds(_ parts: DateParts, fraction: Int64, offset: Int64?, _ now: Now) -> Int64? {
        // Nanoseconds since 1970 reach from 1677 to 2262.
        guard parts.exists, (1678...2261).contains(parts.year) else { return nil }
        let seconds = offset.map { parts.utcSeconds - $0 } ?? now.localSeconds(parts)
        return seconds.map { $0 * 1_000_000_000 + fraction }
    }
}

/// Reads digits and signs off the front of a text.
struct DigitScanner {
    private var rest: Substring.UTF8View

    init(_ text: Substring) { rest = text.utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: sign) else { return false }
        rest.removeFirst()
        return true
    }

    /// As many digits as there are, where their count is within `digits`.
    mutating func number(digits: ClosedRange<Int>) -> Int64? {
        let found = rest.prefix { (0x30...0x39).contains($0) }.prefix(digits.upperBound)
        guard digits.contains(found.count) else { return nil }
        rest.removeFirst(found.count)
        return found.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// `.5` in nanoseconds; 0 where there is no point. Digits beyond the ninth are cut off.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        let found = rest.prefix { (0x30...0x39).contains($0) }
        guard !found.isEmpty else { return nil }
        rest.removeFirst(found.count)
        return (0..<9).reduce(0) { value, place in
            value * 10 + (found.dropFirst(place).first.map { Int64($0 - 0x30) } ?? 0)
        }
    }

    /// `Z`, `+01:00`: seconds east of UTC.
    mutating func zone() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hours = number(digits: 2...2) else { return nil }
        _ = take(":")
        guard let minutes = number(digits: 2...2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
