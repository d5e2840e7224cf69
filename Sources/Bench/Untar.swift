import Glibc

/// U: tar unpacks a tree that is shaped like a kernel's source into a watched, empty directory; then rm removes it.
///
/// Watched by the journal, by nobody, and by `inotifywait -m -r` that throws away what it hears, in turns. The journal's
/// CPU is counted until `journal sync` has returned, inotifywait's until it rests.
struct Untar {
    let place: Place

    /// What one round found, seconds and bytes.
    private struct Round {
        var tarWall: Double
        var untarCPU = 0.0
        var removeCPU = 0.0
        var lag = 0.0
        var settledCPU = 0.0
        var removeWall = 0.0
        var peakMemory = 0.0
        var bytes = 0.0
        var overflows = 0.0
    }

    private var archive: String { "\(place.stage.scratch.path)/source.tar" }
    private var unpacked: String { "\(place.tree)/\(SourceTree.top)" }

    func run(_ report: inout Report) throws {
        try SourceTree(files: place.sizes.untarFiles, directories: place.sizes.untarDirectories).write(to: archive)
        defer { do { try System.remove(archive) } catch { place.say("\(error)") } }
        try System.makeDirectory(place.tree)
        let hasPeer = Peer.inotifywait.isInstalled
        if !hasPeer { place.say("no inotifywait to compare with") }

        // The first on a new file system is slower than any other.
        _ = try unwatched()
        var (ours, bare, peer): ([Round], [Round], [Round]) = ([], [], [])
        for round in 0..<max(place.repetitions, place.sizes.untarPairs) {
            // Who comes first changes, so that neither always finds what the other leaves.
            if round % 2 == 0 { bare.append(try unwatched()) }
            ours.append(try watched())
            if round % 2 == 1 { bare.append(try unwatched()) }
            if hasPeer, round < place.repetitions { peer.append(try watchedByPeer()) }
            place.say(
                "round \(round + 1): tar took \(seconds(bare[round].tarWall)), watched \(seconds(ours[round].tarWall))")
        }
        report.record(.untarCPU, ours: ours.map(\.untarCPU), peer: peer.map(\.untarCPU))
        report.record(.removeCPU, ours: ours.map(\.removeCPU), peer: peer.map(\.removeCPU))
        report.record(.untarWall, ours: ours.map(\.tarWall), peer: bare.map(\.tarWall))
        report.record(.untarLag, ours: ours.map(\.lag))
        let names = Double(place.sizes.untarFiles + place.sizes.untarDirectories)
        report.note(.untar, "CPU of the untar until the watcher rests", ours.map(\.settledCPU), .seconds)
        report.note(.untar, "rm, wall", ours.map(\.removeWall), .seconds)
        report.note(.untar, "rm, unwatched", bare.map(\.removeWall), .seconds)
        report.note(.untar, "peak memory", ours.map(\.peakMemory), .megabytes)
        report.note(.untar, "database, for a name that came and went", ours.map { $0.bytes / names }, .bytes)
        report.note(.untar, "overflows", ours.map(\.overflows), .count)
        report.note(.untar, "tar, watched by inotifywait", peer.map(\.tarWall), .seconds)
        report.note(.untar, "rm, watched by inotifywait", peer.map(\.removeWall), .seconds)
        report.note(.untar, "peak memory of inotifywait", peer.map(\.peakMemory), .megabytes)
    }

    private func seconds(_ value: Double) -> String { Target.Unit.seconds.text(value) }

    private func untar() throws -> Double {
        try System.syncFileSystem(place.disk.path)
        return try Child.run(["tar", "-C", place.tree, "-xf", archive]).wall
    }

    private func remove() throws -> Double {
        try System.syncFileSystem(place.disk.path)
        return try Child.run(["rm", "-rf", unpacked]).wall
    }

    private func unwatched() throws -> Round {
        var round = Round(tarWall: try untar())
        round.removeWall = try remove()
        return round
    }

    private func watched() throws -> Round {
        let journal = try place.journal()
        try journal.clear()
        let watcher = try journal.watch(place.tree)
        let empty = try watcher.awaitLive().cursor
        let before = watcher.settledCPU

        var round = Round(tarWall: try untar())
        let tarEnd = System.now
        let full = try journal.sync()
        round.lag = System.now - tarEnd
        round.untarCPU = watcher.cpu - before
        round.settledCPU = watcher.settledCPU - before
        let tree = Exactness.walk(place.tree)
        guard tree.count == place.sizes.untarFiles + place.sizes.untarDirectories else {
            throw Failed("the archive made \(tree.count) names")
        }
        try Exactness.check(journal.paths(since: empty), isBelow: place.tree, tree, "after the untar")

        let between = watcher.settledCPU
        round.removeWall = try remove()
        let gone = try journal.sync()
        round.removeCPU = watcher.cpu - between
        try Exactness.check(journal.paths(since: full), isBelow: place.tree, tree, "after the rm")
        try Exactness.check(journal.paths(since: gone), is: [], "after all of it")
        round.overflows = Double(try journal.overflows())
        round.peakMemory = watcher.peakMemory
        try watcher.stop()
        try Exactness.check(
            Exactness.stored(in: journal.database), is: [Array(place.tree.utf8)], "the view files, at the end")
        round.bytes = Double(journal.bytesOnDisk)
        return round
    }

    private func watchedByPeer() throws -> Round {
        let child = try Child(["inotifywait", "-m", "-r", "-q", place.tree])
        while Meter.watches(of: child.pid) == 0 {
            guard child.end == nil else { throw Failed("inotifywait has ended") }
            System.sleep(0.01)
        }
        let before = Meter.settled(child.pid)
        var round = Round(tarWall: try untar())
        let between = Meter.settled(child.pid)
        round.untarCPU = between - before
        round.removeWall = try remove()
        round.removeCPU = Meter.settled(child.pid) - between
        round.peakMemory = Double(Meter.peakMemory(of: child.pid))
        child.signal(SIGTERM)
        try child.wait()
        return round
    }
}
