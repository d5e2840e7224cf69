import Kernel

/// Times for programs and for people, from nanoseconds since 1970.
enum Timestamp {
    /// RFC 3339 in UTC, with nanoseconds: `2026-11-22T15:04:05.000000001Z`.
    static func append(utc time: Int64, to line: inout Line) {
        var (seconds, nanoseconds) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        var (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        if second < 0 { (day, second) = (day - 1, second + 86_400) }
        let date = gregorian(day)
        line.append(date.year, digits: 4)
        line.append(byte: UInt8(ascii: "-"))
        line.append(date.month, digits: 2)
        line.append(byte: UInt8(ascii: "-"))
        line.append(date.day, digits: 2)
        line.append(byte: UInt8(ascii: "T"))
        line.append(second / 3600, digits: 2)
        line.append(byte: UInt8(ascii: ":"))
        line.append(second / 60 % 60, digits: 2)
        line.append(byte: UInt8(ascii: ":"))
        line.append(second % 60, digits: 2)
        line.append(byte: UInt8(ascii: "."))
        line.append(nanoseconds, digits: 9)
        line.append(byte: UInt8(ascii: "Z"))
    }

    /// RFC 3339 in UTC, with nanoseconds.
    static func utc(_ time: Int64) -> String {
        var line = Line()
        append(utc: time, to: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    /// `2026-11-22 15:04:05` on the local calendar.
    static func local(_ time: Int64) -> String {
        let seconds = time / 1_000_000_000 - (time % 1_000_000_000 < 0 ? 1 : 0)
        guard let at = LocalTime.calendar(seconds) else { return "@\(seconds)" }
        var line = Line()
        for (value, digits, sign) in [
            (at.year, 4, "-"), (at.month, 2, "-"), (at.day, 2, " "), (at.hour, 2, ":"), (at.minute, 2, ":"),
            (at.second, 2, ""),
        ] {
            line.append(Int64(value), digits: digits)
            line.append(sign)
        }
        return String(decoding: line.bytes, as: UTF8.self)
    }

    /// The Gregorian date of a day counted from 1970. Years are counted from March, so that the leap day is their last.
    private static func gregorian(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }
}
