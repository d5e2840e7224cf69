/// Q: questions to a journal of ten million changes, each by a process of its own, as of the last commit.
struct BigJournal {
    let place: Place

    private static let last = 1000

    func run(_ report: inout Report) throws {
        try System.makeDirectory(place.tree)
        let journal = try place.journal()
        try Child.run(journal.words("scan", [place.tree]), errors: .file(journal.errors))
        let content = ManyChanges(changes: place.sizes.changes)
        let began = System.now
        try content.write(to: journal.database)
        place.say(
            "\(content.changes) changes written in \(Target.Unit.seconds.text(System.now - began)), "
                + Target.Unit.megabytes.text(Double(journal.bytesOnDisk)))
        try System.syncFileSystem(place.disk.path)
        try lastThousand(journal, &report)
        try net(journal, content, &report)
    }

    private func lastThousand(_ journal: Journal, _ report: inout Report) throws {
        let (time, nanoseconds) = try ManyChanges.beginning(of: BigJournal.last, in: journal.database)
        let ours = journal.words("query", ["--since", time, "--log", "--no-sync"])
        let theirs = ["sqlite3", "-batch", "-readonly", journal.database, ManyChanges.question(since: nanoseconds)]
        let hasPeer = Peer.sqlite3.isInstalled
        if !hasPeer { place.say("no sqlite3 to compare with") }
        for words in [ours] + (hasPeer ? [theirs] : []) { try checkLines(words, journal) }
        var (waits, peer): ([Double], [Double]) = ([], [])
        for _ in 0..<place.sizes.queryRuns {
            waits.append(try Child.run(ours, errors: .null).wall)
            if hasPeer { peer.append(try Child.run(theirs).wall) }
        }
        report.record(.lastThousand, ours: waits)
        report.record(.lastThousandRatio, ours: waits, peer: peer)
    }

    /// Both have to have found a line a change.
    private func checkLines(_ words: [String], _ journal: Journal) throws {
        let (bytes, ended) = try Child.output(words, errors: .file(journal.errors))
        let lines = bytes.count { $0 == UInt8(ascii: "\n") }
        guard ended.status == 0, lines == BigJournal.last else {
            throw Failed("\(words[0]) ended with status \(ended.status) and \(lines) of \(BigJournal.last) changes")
        }
    }

    private func net(_ journal: Journal, _ content: ManyChanges, _ report: inout Report) throws {
        let (time, _) = try ManyChanges.beginning(of: content.netChanges, in: journal.database)
        let answer = try journal.paths(since: time, ["--no-sync"])
        try Exactness.check(answer, is: content.netPaths(below: place.tree), "the net difference")
        var waits: [Double] = []
        for _ in 0..<place.repetitions {
            waits.append(
                try Child.run(journal.words("query", ["--since", time, "--format", "paths", "--no-sync"])).wall)
        }
        report.record(.netDifference, ours: waits)
        report.note(.bigJournal, "paths of the net difference", [Double(answer.count)], .count)
    }
}
