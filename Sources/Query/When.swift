package import Changes

/// A point in time or in the journal, as asked for.
package enum When: Hashable, Sendable {
    /// Nanoseconds since 1970.
    case time(Int64)
    /// So many nanoseconds before now, by the boot clock.
    case ago(Int64)
    case boot
    case now
    /// Where coverage begins.
    case start
    case cursor(Cursor)
    case consumer(String)

    /// The forms that work, for people who wrote another.
    package static let forms =
        "2026-11-22, 2026-11-22T15:04:05[Z|+01:00], @1795371618.5, 90s 15m 2h 3d 1w (ago), "
        + "now, today, yesterday, boot, start, a cursor, consumer:NAME"

    /// Parses any form of the contract; nil where `text` has none of them.
    package init?(_ text: String, now: Now) {
        switch text {
        case "now": self = .now
        case "boot": self = .boot
        case "start": self = .start
        case "today", "yesterday":
            guard let midnight = now.midnight(daysAgo: text == "today" ? 0 : 1) else { return nil }
            self = .time(midnight)
        default:
            if let cursor = Cursor(text) {
                self = .cursor(cursor)
            } else if text.hasPrefix("consumer:"), text.utf8.count > 9 {
                self = .consumer(String(text.dropFirst(9)))
            } else if let time = When.seconds(text) ?? When.dateTime(text, now: now) {
                self = .time(time)
            } else if let span = When.duration(text) {
                self = .ago(span)
            } else {
                return nil
            }
        }
    }

    /// `@1795371618.5`: seconds since 1970.
    private static func seconds(_ text: String) -> Int64? {
        guard text.first == "@" else { return nil }
        var scanner = DigitScanner(text.dropFirst())
        guard let whole = scanner.number(digits: 1...11), let fraction = scanner.fraction(), scanner.isAtEnd else {
            return nil
        }
        // Years from 2262 on do not fit into nanoseconds.
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (time, carried) = scaled.addingReportingOverflow(fraction)
        return overflow || carried ? nil : time
    }

    /// `90s`, `15m`, `2h`, `3d`, `1w`.
    private static func duration(_ text: String) -> Int64? {
        guard let unit = text.utf8.last else { return nil }
        let seconds: Int64? =
            switch unit {
            case UInt8(ascii: "s"): 1
            case UInt8(ascii: "m"): 60
            case UInt8(ascii: "h"): 3600
            case UInt8(ascii: "d"): 86_400
            case UInt8(ascii: "w"): 604_800
            default: nil
            }
        var scanner = DigitScanner(text.dropLast())
        guard let seconds, let count = scanner.number(digits: 1...18), scanner.isAtEnd else { return nil }
        let (span, overflow) = count.multipliedReportingOverflow(by: seconds * 1_000_000_000)
        return overflow ? nil : span
    }
}
