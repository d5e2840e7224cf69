/// F: two writers create, write, close and unlink files in the watched tree at full speed, and leave every hundredth. The
/// kernel's queue has its default length.
///
/// A queue that overflows is a crawl of everything, so a watcher may be late only as long as the queue is long. On tmpfs,
/// where no disk slows the writers down.
struct Flood {
    let place: Place

    private static let writers = 2
    /// Every so many files one is left.
    static let interval = 100

    func run(_ report: inout Report) throws {
        try System.makeDirectory(place.tree)
        var (overflows, missing, rates, lags, cpus): ([Double], [Double], [Double], [Double], [Double]) = (
            [], [], [], [], []
        )
        for round in 0..<place.repetitions {
            let journal = try place.journal()
            try journal.clear()
            let watcher = try journal.watch(place.tree)
            let before = try watcher.awaitLive().cursor
            let cpu = watcher.settledCPU
            let created = try flood(round)
            let end = System.now
            _ = try journal.sync()
            lags.append(System.now - end)
            cpus.append(watcher.cpu - cpu)

            let tree = Exactness.walk(place.tree)
            let answer = try journal.paths(since: before)
            overflows.append(Double(try journal.overflows()))
            try watcher.stop()
            let stored = try Exactness.stored(in: journal.database).subtracting([Array(place.tree.utf8)])
            // Counted rather than void: that none is missing is the target.
            let survivors = tree.filter { $0.starts(with: "\(place.tree)/\(round)".utf8) }
            missing.append(Double(survivors.subtracting(answer).union(tree.subtracting(stored)).count))
            try Exactness.check(stored.union(tree), is: tree, "the view files, after the flood")
            try Exactness.check(answer.union(survivors), isBelow: place.tree, survivors, "the answer, after the flood")
            guard survivors.count == Flood.writers + created / Flood.interval else {
                throw Failed("the writers left \(survivors.count) names of \(created)")
            }
            rates.append(Double(created) / place.sizes.floodSeconds)
            place.say("round \(round + 1): \(created) files, overflows \(Int(overflows[round]))")
        }
        report.record(.floodOverflows, ours: [overflows.reduce(0, +)])
        report.record(.floodMissing, ours: [missing.reduce(0, +)])
        report.note(.flood, "files a second, on tmpfs", rates, .count)
        report.note(.flood, "from the end until committed", lags, .seconds)
        report.note(.flood, "CPU until then", cpus, .seconds)
    }

    /// Runs the writers, each in a process and a directory of its own. Returns how many files they have created.
    private func flood(_ round: Int) throws -> Int {
        let writers = try (0..<Flood.writers).map { number in
            let directory = "\(place.tree)/\(round)-\(number)"
            try System.makeDirectory(directory)
            let count = "\(place.disk.path)/written-\(number)"
            try System.remove(count)
            return (
                count,
                try Child(
                    [Program.own, "flood", directory, String(place.sizes.floodSeconds)], output: .file(count))
            )
        }
        return try writers.reduce(0) { sum, writer in
            let ended = try writer.1.wait()
            guard ended.status == 0, let count = Int(System.text(writer.0).trimmed) else {
                throw Failed("a writer ended with status \(ended.status)")
            }
            return sum + count
        }
    }

    /// One writer: returns how many files it has created, a multiple of the interval.
    static func write(in directory: String, seconds: Double) throws -> Int {
        let end = System.now + seconds
        var count = 0
        repeat {
            for _ in 0..<interval {
                count += 1
                let path = "\(directory)/\(count)"
                try System.create(path, bytes: 1)
                if count % interval != 0 { try System.remove(path) }
            }
        } while System.now < end
        return count
    }
}
