import Changes
import Query
import Testing

/// A present whose local zone is two hours east of UTC.
func present(wall: Int64 = 1_795_371_618_500_000_000, boot: Int64 = 1_000_000_000_000) -> Now {
    let zone: Int64 = 7200
    return Now(
        wall: wall, boot: boot, bootID: "this-boot",
        localDay: { seconds in
            // 1970-01-01 was a Thursday; only the days of November 2026 are asked for.
            let day = (seconds + zone) / 86_400 - 20_758
            return DateParts(year: 2026, month: 11, day: Int(day) + 1)
        },
        localSeconds: { parts in
            guard parts.year == 2026, parts.month == 11 else { return nil }
            let day = Int64(parts.day - 1 + 20_758)
            return day * 86_400 + Int64(parts.hour * 3600 + parts.minute * 60 + parts.second) - zone
        })
}

@Suite struct WhenTests {
    @Test(arguments: [
        ("now", When.now), ("boot", .boot), ("start", .start),
        ("90s", .ago(90_000_000_000)), ("15m", .ago(900_000_000_000)), ("2h", .ago(7_200_000_000_000)),
        ("3d", .ago(259_200_000_000_000)), ("1w", .ago(604_800_000_000_000)),
        ("@1795371618.5", .time(1_795_371_618_500_000_000)), ("@0", .time(0)),
        ("@1795371618.0000000019", .time(1_795_371_618_000_000_001)),
        ("2026-11-22", .time(1_795_298_400_000_000_000)),
        ("2026-11-22T00:00:00Z", .time(1_795_305_600_000_000_000)),
        ("2026-11-22T00:00:00", .time(1_795_298_400_000_000_000)),
        ("2026-11-22 00:00", .time(1_795_298_400_000_000_000)),
        ("2026-11-22T00:00:00.25+02:00", .time(1_795_298_400_250_000_000)),
        ("2026-11-21t19:00:00-03:00", .time(1_795_298_400_000_000_000)),
        ("2000-02-29T12:00:00z", .time(951_825_600_000_000_000)),
        ("1969-12-31T23:59:59Z", .time(-1_000_000_000)),
        ("today", .time(1_795_298_400_000_000_000)), ("yesterday", .time(1_795_212_000_000_000_000)),
        ("consumer:nightly", .consumer("nightly")),
    ])
    func everyFormOfTheContractIsTaken(_ text: String, _ expected: When) {
        #expect(When(text, now: present()) == expected)
    }

    @Test(arguments: [
        "", "tomorrow", "2026-13-01", "2026-02-29", "2026-1-1", "2026-11-22T25:00:00Z", "2026-11-22T", "22.11.2026",
        "-5m", "5", "5y", "m", "1.5h", "@", "@-1", "@1.", "99999999999999d", "@99999999999", "consumer:",
        "2300-01-01T00:00:00Z",
        "2026-11-22T00:00:00+2", "now ",
    ])
    func whatHasNoFormIsRefused(_ text: String) {
        #expect(When(text, now: present()) == nil)
    }

    @Test func aCursorIsTaken() {
        let cursor = Cursor(journal: "01234567-89ab-cdef-0123-456789abcdef", seq: 7, check: 9)
        #expect(When(cursor.description, now: present()) == .cursor(cursor))
    }
}
