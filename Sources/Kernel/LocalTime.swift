internal import Glibc

/// A date and time of day as a calendar shows it, in no zone of its own.
package struct CalendarTime: Hashable, Sendable {
    package var year: Int, month: Int, day: Int
    package var hour: Int, minute: Int, second: Int

    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }
}

/// The zone of this process (`TZ`, /etc/localtime), which only libc knows.
package enum LocalTime {
    /// What a local calendar shows at `seconds` since 1970; nil where the year does not fit.
    package static func calendar(_ seconds: Int64) -> CalendarTime? {
        var time = time_t(seconds)
        var parts = unsafe tm()
        // localtime_r(3) need not look at TZ unless tzset(3) was called.
        tzset()
        guard unsafe localtime_r(&time, &parts) != nil else { return nil }
        return unsafe CalendarTime(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
            hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
    }

    /// The seconds since 1970 at which a local calendar shows `calendar`; nil where it never does (the hour that
    /// summer time leaves out is taken as the hour after, as mktime(3) has it).
    package static func seconds(_ calendar: CalendarTime) -> Int64? {
        guard let year = Int32(exactly: calendar.year - 1900) else { return nil }
        var parts = unsafe tm()
        unsafe parts.tm_year = year
        unsafe parts.tm_mon = Int32(calendar.month - 1)
        unsafe parts.tm_mday = Int32(calendar.day)
        unsafe parts.tm_hour = Int32(calendar.hour)
        unsafe parts.tm_min = Int32(calendar.minute)
        unsafe parts.tm_sec = Int32(calendar.second)
        // Whether summer time holds then is for the zone to say.
        unsafe parts.tm_isdst = -1
        // -1 is also the second before 1970: the weekday, which mktime sets, tells success from failure.
        unsafe parts.tm_wday = -1
        let seconds = unsafe mktime(&parts)
        return unsafe parts.tm_wday == -1 ? nil : Int64(seconds)
    }
}
