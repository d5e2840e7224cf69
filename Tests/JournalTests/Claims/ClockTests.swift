import Foundation
import Testing

/// Clocks that step: `seq` is the order, time is a label, and nothing is hidden.
@Suite struct ClockTests {
    @Test func B60_aClockThatIsSetBackAndForthHidesNothing() throws {
        let session = try Session()
        guard let clock = try SteppedClock(in: session.base) else { return try Skipped.note("no C compiler") }
        session.wrapper = clock.wrapper
        let watcher = try session.start()
        let cursor = try session.sync()
        try Sys.write(session.tree / "0", "1")
        try session.sync()
        let before = "@\(Date().timeIntervalSince1970)"
        let day: Int64 = 86_400
        let steps: [Int64] = [-day, 0, day, 0, -2 * day, -2 * day + 3600]
        for (index, step) in steps.enumerated() {
            try clock.step(real: step)
            try Sys.write(session.tree / Bytes("\(index + 1)"), "1")
            if index == 3 {
                // A start finds all as it left it, whatever the clock says of the time between.
                try watcher.stop()
                try Sys.write(session.tree / "downtime", "1")
                try clock.step(real: -day)
                try watcher.restart()
            }
            let fresh = try session.sync()
            #expect(try session.run("unchanged", "--since", Bytes(fresh)).status == 0)
            #expect(try session.run("status").status == 0)
        }
        let names = ["0", "1", "2", "3", "4", "downtime", "5", "6"].map { session.tree / Bytes($0) }
        let log = try session.query(since: cursor, "--log", "--type", "file").rows
        #expect(log.map(\.path) == names, "seq is not the order")
        #expect(log.map(\.time) == log.map(\.time).sorted(), "time runs backwards")
        #expect(try session.query(since: cursor, "--type", "file").paths == names.sorted())
        let found = try session.query(since: before, "--type", "file").paths
        #expect(Set(found).isSuperset(of: names.dropFirst()), "\(found)")
        #expect(try session.run("unchanged", "--since", Bytes(before)).status == 1)
        try clock.step(real: 0)
        #expect(try Set(session.query(since: before).paths).isSuperset(of: names.dropFirst()))
    }

    /// The boot clock goes on while the machine sleeps; what waits for it wakes up late, and nothing else happens.
    @Test func B65_aLongSleepIsNoMoreThanALateAnswer() throws {
        let session = try Session()
        guard let clock = try SteppedClock(in: session.base) else { return try Skipped.note("no C compiler") }
        session.wrapper = clock.wrapper
        try session.start()
        let cursor = try session.sync()
        for hours in 1...3 as ClosedRange<Int64> {
            try Sys.write(session.tree / Bytes("before-\(hours)"), "1")
            try clock.step(real: hours * 8 * 3600, boot: hours * 8 * 3600)
            try session.sync()
            try Sys.write(session.tree / Bytes("after-\(hours)"), "1")
            // What was committed before the sleep is older than an hour.
            let recent = try session.query(since: "1h").paths
            #expect(recent.contains(session.tree / Bytes("after-\(hours)")))
            #expect(!recent.contains(session.tree / Bytes("after-\(hours - 1)")))
        }
        #expect(try session.query(since: cursor).rows.count == 6)
    }

    @Test func B65_aBootClockThatIsAheadOfTheOthers() throws {
        let session = try Session()
        let ahead: [Bytes] = ["unshare", "--time", "--fork", "--boottime", "86400"]
        guard try Program.run(ahead[0], ahead.dropFirst() + ["true"]).status == 0 else {
            return try Skipped.note("no time name spaces")
        }
        try session.start().stop()
        let cursor = try session.views.journal().cursor
        try Sys.write(session.tree / "old", "1")
        let first = try session.start()
        try session.sync()
        try first.stop()
        session.wrapper = ahead
        let watcher = try session.start()
        for index in 0..<20 {
            try Sys.write(session.tree / Bytes("new\(index)"), "1")
            #expect(try session.query(since: cursor, "--type", "file").rows.count == index + 2)
        }
        let recent = try session.query(since: "1h", "--type", "file").paths
        #expect(recent.count == 20 && !recent.contains(session.tree / "old"), "\(recent)")
        try watcher.stop()
    }
}
