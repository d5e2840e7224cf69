/// T: a tree of a million entries is crawled for the first time, and reconciled after a stop. `find`, which looks at every
/// entry as well, is the measure; bfs, updatedb and watchman are there to be looked at.
struct BigTree {
    let place: Place

    private static let filesADirectory = 20

    /// One round's figures, seconds and bytes.
    private struct Round {
        /// Nil where there is none.
        var find: Double?
        var firstCrawl = 0.0
        var reconcile = 0.0
        var crawlCPU = 0.0
        var reconcileCPU = 0.0
        var peakMemory = 0.0
        var bytes = 0.0
    }

    func run(_ report: inout Report) throws {
        try make()
        let tree = Exactness.walk(place.tree)
        place.say("\(tree.count) entries")
        var others = Indexers(place: place)
        var rounds: [Round] = []
        for number in 0..<place.repetitions {
            var round = Round()
            round.find = try find()
            try crawl(tree, &round)
            others.run()
            rounds.append(round)
            place.say(
                "round \(number + 1): find \(round.find.map(seconds) ?? "is not there"), first crawl \(seconds(round.firstCrawl)), "
                    + "reconcile \(seconds(round.reconcile))")
        }
        let finds = rounds.compactMap(\.find)
        report.record(.firstCrawl, ours: rounds.map(\.firstCrawl), peer: finds)
        report.record(.reconcile, ours: rounds.map(\.reconcile), peer: finds)
        report.record(.memory, ours: rounds.map(\.peakMemory))
        report.record(.stateBytes, ours: rounds.map { $0.bytes / Double(tree.count) })
        report.note(.bigTree, "entries", [Double(tree.count)], .count)
        report.note(.bigTree, "CPU of the first crawl", rounds.map(\.crawlCPU), .seconds)
        report.note(.bigTree, "CPU of the reconcile", rounds.map(\.reconcileCPU), .seconds)
        others.note(&report)
        try change(tree, &report)
    }

    private func seconds(_ value: Double) -> String { Target.Unit.seconds.text(value) }

    private func make() throws {
        try System.makeDirectory(place.tree)
        let share = place.sizes.treeDirectories / place.sizes.treeParents
        for parent in 0..<place.sizes.treeParents {
            try System.makeDirectory("\(place.tree)/\(parent)")
            for number in 0..<share {
                let directory = "\(place.tree)/\(parent)/\(parent * share + number)"
                try System.makeDirectory(directory)
                for file in 0..<BigTree.filesADirectory {
                    try System.create("\(directory)/\(file)", bytes: file % 10 / 9)
                }
            }
        }
        try System.syncFileSystem(place.disk.path)
    }

    /// What a reconcile cannot do without: each entry's inode, size, time and path.
    private func find() throws -> Double? {
        guard Peer.find.isInstalled else { return nil }
        return try Child.run(["find", place.tree, "-printf", "%i %s %T@ %p\\n"]).wall
    }

    private func crawl(_ tree: Set<[UInt8]>, _ round: inout Round) throws {
        let journal = try place.journal()
        try journal.clear()
        let first = try journal.watch(place.tree)
        let live = try first.awaitLive()
        round.firstCrawl = live.seconds
        round.crawlCPU = first.cpu
        round.peakMemory = first.peakMemory
        try first.stop()
        round.bytes = Double(journal.bytesOnDisk)
        try checkStored(journal, tree, "after the first crawl")

        try System.syncFileSystem(place.disk.path)
        let second = try journal.watch(place.tree)
        round.reconcile = try second.awaitLive().seconds
        round.reconcileCPU = second.cpu
        round.peakMemory = max(round.peakMemory, second.peakMemory)
        try Exactness.check(journal.paths(since: live.cursor), is: [], "after the reconcile")
        try second.stop()
        try checkStored(journal, tree, "after the reconcile")
    }

    private func checkStored(_ journal: Journal, _ tree: Set<[UInt8]>, _ when: String) throws {
        let expected = tree.union([Array(place.tree.utf8)])
        try Exactness.check(Exactness.stored(in: journal.database), is: expected, "the view files, \(when)")
    }

    /// What a row of the log takes: every file is touched while it is watched. The rows of the state are there before and
    /// after, so what the database grows by is the log.
    private func change(_ tree: Set<[UInt8]>, _ report: inout Report) throws {
        let files = tree.filter {
            $0.split(separator: UInt8(ascii: "/")).count == place.tree.split(separator: "/").count + 3
        }
        let journal = try place.journal()
        let before = Double(journal.bytesOnDisk)
        let watcher = try journal.watch(place.tree)
        let cursor = try watcher.awaitLive().cursor
        let idle = watcher.settledCPU
        let began = System.now
        for file in files { try System.touch(String(decoding: file, as: UTF8.self)) }
        let touched = System.now - began
        _ = try journal.sync()
        let lag = System.now - began - touched
        let cpu = watcher.settledCPU - idle
        try Exactness.check(journal.paths(since: cursor), is: files, "after a touch of every file")
        let overflows = try journal.overflows()
        let memory = watcher.peakMemory
        try watcher.stop()
        let changes = try Exactness.changes(in: journal.database)
        guard changes == files.count else {
            throw Failed("\(files.count) files were touched, \(changes) changes were logged")
        }
        report.record(.logBytes, ours: [(Double(journal.bytesOnDisk) - before) / Double(changes)])
        report.note(.bigTree, "a touch of each file", [touched], .seconds)
        report.note(.bigTree, "from its end until committed", [lag], .seconds)
        report.note(.bigTree, "CPU of that, until the watcher rests", [cpu], .seconds)
        report.note(.bigTree, "overflows", [Double(overflows)], .count)
        report.note(.bigTree, "peak memory after that", [memory], .megabytes)
    }
}
