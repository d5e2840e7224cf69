import CTestLinux
import Foundation
import Seeded

/// What an answer has to be after a round.
extension Oracle {
    /// Asks everything, and compares it with two walks.
    func judge(
        _ kind: Round, _ before: Moment, _ touched: Touched, _ midway: [String], _ gapsBefore: Int, _ place: String
    ) throws {
        // What has to be found again by looking for it (a mount, a directory that can be read again) is refused until then.
        let waits = kind == .remounted || kind == .covered || isNobody
        let net = try waits ? waitFor(before.cursor) : session.query(since: before.cursor, "--renames", "split")
        let log = try session.query(since: before.cursor, "--log")
        let walk = try Tree(walking: session.tree, contents: true)
        let crawled = !(kind == .live || kind == .idle || kind == .programs) || isNobody
        history.append(
            Moment(
                cursor: net.cursor ?? "", walk: walk, touched: touched, crawled: crawled,
                isDoubted: kind == .remounted))
        figures.paths += Set(before.walk.entries.keys).union(walk.entries.keys).count

        // Threads link in the steady directories only, and move some of those names elsewhere; programs link anywhere.
        report(
            "\(place) state",
            Comparison.state(try session.views.files(), walk).filter { line in
                !(Comparison.isOfAPassingName(line)
                    && (kind == .programs || !line.contains(" nlink 1 ")
                        || Worker.steady.contains { line.contains("/tree/\($0)/") }))
            })
        report("\(place) tables", try session.views.contradictions())
        try judge(from: history.count - 2, net.rows, place)
        report(
            "\(place) log",
            Comparison.replay(log.rows, batches: try session.views.batches(after: 0), before.walk, walk))
        // A page that ends while a directory was hidden cannot be gone on from: nobody had seen that directory then.
        if kind != .covered { try paging(since: before.cursor, log.rows, place) }
        let choice = random.below(1 << 16)
        if !midway.isEmpty {
            let cursor = midway[choice % midway.count]
            let rest = try session.query(since: cursor, "--log").rows.map(\.seq)
            if rest != log.rows.map(\.seq).suffix(rest.count) {
                report("\(place) cursor \(cursor)", ["not the rest of the log: \(rest)"])
            }
        }
        let early = random.below(history.count - 1)
        if early < history.count - 2 {
            try judge(
                from: early, session.query(since: history[early].cursor, "--renames", "split").rows,
                "\(place) since round \(early)")
        }
        try gate(before, net.rows, kind, place)
        try sources(kind, log.rows, Array(try session.views.gaps().dropFirst(gapsBefore)), place)
    }

    /// The net answer, once it is vouched for.
    private func waitFor(_ cursor: String) throws -> Answer {
        let limit = ContinuousClock.now + .seconds(40)
        while true {
            let output = try session.run(
                "query", "--format", "json", "--cursor", "--renames", "split", "--since", Bytes(cursor))
            if output.status == 0 { return try Answer(output) }
            guard output.status == 3, .now < limit else {
                throw Session.Refused(description: "\(output)\nwatcher: \(session.watcher?.said.errors ?? "none")")
            }
            usleep(20_000)
        }
    }

    /// While directories cannot be read, or one is covered by a mount, an answer is refused or right all the same. What is
    /// `hidden` by a mount is no part of a question above it.
    func refusedOrExact(_ before: Moment, _ place: String, hidden: Bytes? = nil) throws {
        let output = try session.run(
            "query", "--format", "json", "--cursor", "--renames", "split", "--since", Bytes(before.cursor),
            "--timeout", "1s")
        figures.refused += output.status == 3 ? 1 : 0
        report("\(place) tables while unreadable", try session.views.contradictions())
        if output.status == 3 {
            if !output.bytes.isEmpty { report("\(place) refused", ["but printed: \(output)"]) }
            return
        }
        guard output.status == 0 else { throw Session.Refused(description: "\(output)") }
        func seen(_ tree: Tree) -> Tree {
            var tree = tree
            if let hidden { tree.entries = tree.entries.filter { !hidden.contains($0.key) } }
            return tree
        }
        let walk = seen(try Tree(walking: session.tree, contents: true))
        let rows = try Answer(output).rows.filter { row in hidden.map { !$0.contains(row.path) } ?? true }
        report("\(place) while unreadable", Comparison.net(rows, seen(before.walk), walk) { _ in true })
    }

    /// The net answer since an earlier moment, in both forms.
    private func judge(from index: Int, _ split: [Row], _ place: String) throws {
        guard let now = history.last else { return }
        let (since, steps) = (history[index], history[(index + 1)...])
        let crawled = steps.contains { $0.crawled }
        // What was changed just before a watcher was lost may have been seen before its event was.
        let suspects = crawled ? history[index...] : steps
        report(
            "\(place) net",
            Comparison.net(split, since.walk, now.walk) { path in
                let entry = now.walk[path]
                // A crawl reports what moved a ctime unseen: entries of a directory, a second name that came and went.
                return
                    (crawled
                    && (entry?.type == "directory" || Worker.steady.contains { (session.tree / $0).contains(path) }))
                    || isNobody || steps.contains(where: \.isDoubted)
                    || suspects.contains { $0.touched.contains(path, ino: entry?.ino) }
            })
        let follow = try session.query(since: since.cursor, "--renames", "follow").rows
        report("\(place) follow", Comparison.follow(follow, since.walk, now.walk))
    }

    /// Pages of the log, put together, are the log. Each page is a process, so there are few.
    private func paging(since start: String, _ rows: [Row], _ place: String) throws {
        let limit = Bytes("\(1 + rows.count / (1 + random.below(4)))")
        var (cursor, seqs) = (start, [Int64]())
        for _ in 0...rows.count {
            let page = try session.query(since: cursor, "--log", "--limit", limit)
            guard !page.rows.isEmpty, let next = page.cursor else { break }
            seqs += page.rows.map(\.seq)
            cursor = next
        }
        if seqs != rows.map(\.seq) {
            report(
                "\(place) pages of \(limit)", ["\(seqs.count) rows for \(rows.count): \(seqs)\n  \(rows.map(\.seq))"])
        }
    }

    /// `unchanged`: 1 where something is another, 0 where nothing was done, and between these either.
    private func gate(_ before: Moment, _ net: [Row], _ kind: Round, _ place: String) throws {
        guard let now = history.last else { return }
        let since = try session.run("unchanged", "--since", Bytes(before.cursor))
        let paths = Set(before.walk.entries.keys).union(now.walk.entries.keys)
        let changed = paths.contains { Comparison.change(before.walk[$0], now.walk[$0]) != .none }
        if changed && since.status != 1 { report("\(place) unchanged", ["\(since)"]) }
        if kind == .idle && since.status != 0 { report("\(place) unchanged", ["nothing was done: \(since)"]) }
        if !net.isEmpty && since.status == 0 { report("\(place) unchanged", ["but there are rows: \(net[0])"]) }
        if kind == .idle {
            let still = try session.run("unchanged", "--since", Bytes(now.cursor))
            if still.status != 0 { report("\(place) unchanged", ["nothing was done since: \(still)"]) }
            if !net.isEmpty { report("\(place) idle", net.map(\.description)) }
        }
    }

    /// What was found by a crawl says so, and every time that nobody looked is a row of `gaps`.
    private func sources(_ kind: Round, _ log: [Row], _ gaps: [Views.Gap], _ place: String) throws {
        if kind == .down, !isNobody {
            let wrong = log.filter { $0.source != "crawl" || $0.notBefore == nil || $0.notBefore! > $0.time }
            report("\(place) source", wrong.map(\.description))
        }
        let cause: String? =
            switch kind {
            case .live, .idle, .programs, .covered: nil
            case .killed, .stopped, .down: "downtime"
            case .overflow: "overflow"
            case .remounted: "offline"
            }
        if let cause, !gaps.contains(where: { $0.cause == cause }) {
            report("\(place) gaps", ["no gap by \(cause): \(gaps)"])
        }
        report("\(place) gaps", gaps.filter(\.isOpen).map { "still open: \($0)" })
    }
}

/// What rounds have done, for the summary of a long run: JOURNAL_FIGURES names a file that gets a line a seed.
struct Figures {
    var seeds = 1, rounds = 0, kills = 0, overflows = 0, stops = 0, remounts = 0, cuts = 0, refused = 0, paths = 0
    var differences = 0

    func save() throws {
        guard let file = ProcessInfo.processInfo.environment["JOURNAL_FIGURES"] else { return }
        let line =
            "seeds=\(seeds) rounds=\(rounds) kills=\(kills) overflows=\(overflows) stops=\(stops) remounts=\(remounts) "
            + "power-cuts=\(cuts) refused=\(refused) paths=\(paths) differences=\(differences)\n"
        try Sys.write(Bytes(file), Array(line.utf8), O_WRONLY | O_APPEND | O_CREAT)
    }
}
