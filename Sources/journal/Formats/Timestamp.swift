import Kernel

/// Times for programs and for people, from nanoseconds since 1970.
enum Timestamp {
    /// RFC 3339 in UTC, with nanoseconds, as bytes: `2026-11-22T15:04:05.000000001Z`.
    static func append(utc time: Int64, to bytes: inout [UInt8]) {
        var (seconds, nanoseconds) = time.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        var (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        if second < 0 { (day, second) = (day - 1, second + 86_400) }
        let date = gregorian(day)
        append(date.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(second / 3600, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(second / 60 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(second % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        append(nanoseconds, digits: 9, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `2026-11-22 15:04:05` on the local calendar.
    static func local(_ time: Int64) -> String {
        let seconds = time / 1_000_000_000 - (time % 1_000_000_000 < 0 ? 1 : 0)
        guard let at = LocalTime.calendar(seconds) else { return "@\(seconds)" }
        var bytes: [UInt8] = []
        for (value, digits, sign) in [
            (at.year, 4, "-"), (at.month, 2, "-"), (at.day, 2, " "), (at.hour, 2, ":"), (at.minute, 2, ":"),
            (at.second, 2, ""),
        ] {
            append(Int64(value), digits: digits, to: &bytes)
            bytes += sign.utf8
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ value: Int64, digits: Int, to bytes: inout [UInt8]) {
        var place: Int64 = 1
        for _ in 1..<digits { place *= 10 }
        while place > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / place % 10))
            place /= 10
        }
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
