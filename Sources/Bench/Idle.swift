/// S: `journal sync` while nothing happens, as a script sees it: the whole process.
struct Idle {
    let place: Place

    func run(_ report: inout Report) throws {
        try System.makeDirectory(place.tree)
        for file in 0..<100 { try System.create("\(place.tree)/\(file)") }
        let journal = try place.journal()
        let watcher = try journal.watch(place.tree)
        let cursor = try watcher.awaitLive().cursor
        var waits: [Double] = []
        for _ in 0..<place.sizes.syncRuns { waits.append(try Child.run(journal.words("sync")).wall) }
        try Exactness.check(journal.paths(since: cursor), is: [], "while nothing happened")
        try watcher.stop()
        if let slow = percentile(99, waits) { report.record(.idleSync, ours: [slow]) }
        report.note(.idle, "journal sync, idle, median", waits, .milliseconds)
    }
}
