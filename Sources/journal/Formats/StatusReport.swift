import Changes
import Kernel
import Query

/// The journal's state for people, or as one JSON object.
struct StatusReport {
    var database: Path
    var overview: Overview
    /// Nil where none is live.
    var watcher: WatcherStatus?
    var size: Int64
    var logSize: Int64
    /// Who keeps the WAL as large as it is; asked for only where it is large.
    var logReaders: [LogReader]

    /// Whether every root that is to be watched is live and vouched for.
    var isWell: Bool {
        watcher?.isLive == true && overview.openGaps.isEmpty && !overview.roots.isEmpty
            && overview.roots.allSatisfy { $0.state == .live && $0.sinceSeq != nil }
    }

    var text: String {
        var lines = [
            "journal   \(ShellQuote.text(database.shown))  \(ByteCount.text(size))\(logSize > 0 ? " + \(ByteCount.text(logSize)) WAL" : "")"
        ]
        for reader in logReaders {
            lines.append(
                "          WAL held back by PID \(reader.pid) (\(ShellQuote.text(reader.program))), which reads")
        }
        if let watcher {
            lines.append(
                "watcher   \(watcher.obstacle?.words ?? (watcher.isLive ? "live" : "crawling")), PID \(watcher.pid)")
            let limit = watcher.watchLimit.map { " of \(Grouped.text($0))" } ?? ""
            lines.append(
                "          \(Grouped.text(watcher.watches))\(limit) watches, \(watcher.overflows) overflows, \(watcher.queued) bytes queued"
            )
            if watcher.unwatched > 0 {
                let watched = watcher.directories - watcher.unwatched
                lines.append(
                    "          \(Grouped.text(watched)) of \(Grouped.text(watcher.directories)) directories are watched; the others wait for fs.inotify.max_user_watches=\((watcher.watchLimit ?? 8192) + 2 * watcher.unwatched)"
                )
            }
            if let crawl = watcher.crawl {
                lines.append(
                    "          crawling \(ShellQuote.text(crawl.path.shown)): \(Grouped.text(crawl.entries)) entries in \(crawl.nanoseconds / 1_000_000_000) s"
                )
            }
        } else {
            let absence = Client.silentWriter(database).map { "PID \($0) does not answer; it" } ?? "none; the last one"
            lines.append("watcher   \(absence) looked until \(Timestamp.local(overview.vouchedNS))")
        }
        lines.append("head      \(overview.head)")
        lines.append(
            "          committed \(Timestamp.local(overview.headNS)), \(Grouped.text(overview.changes)) changes kept"
        )
        lines.append("horizon   \(horizon)")
        lines += kept
        lines.append("audits    \(audits)")
        for root in overview.roots {
            lines.append("")
            let state = watcher == nil && root.state == .live ? "not watched" : root.state.word
            lines.append("root      \(ShellQuote.text(root.path.shown))  \(state)")
            lines.append(
                "          \(Grouped.text(root.files)) files, \(Grouped.text(root.directories)) directories by \(root.backend)\(root.crossesMounts ? ", crossing mounts" : "")"
            )
            lines.append(
                root.sinceNS.map { "          covered since \(Timestamp.local($0))" } ?? "          not covered yet")
            if !root.excludes.isEmpty {
                lines.append("          excludes \(root.excludes.map(ShellQuote.text).joined(separator: " "))")
            }
        }
        if !overview.uncovered.isEmpty { lines.append("") }
        for uncovered in overview.uncovered {
            lines.append(
                "uncovered \(ShellQuote.text(uncovered.path.shown))  \(uncovered.coverage.word)\(remedy(uncovered.coverage))"
            )
        }
        if !overview.openGaps.isEmpty { lines.append("") }
        for gap in overview.openGaps {
            let closing = watcher?.closing.contains(gap.id) == true ? ", being closed" : ""
            lines.append(
                "gap       \(ShellQuote.text(gap.path.shown))  \(gap.cause) since \(Timestamp.local(gap.openedNS))\(closing)\(remedy(gap.cause))"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What would cover it.
    private func remedy(_ coverage: Coverage) -> String {
        switch coverage {
        case .mount: "; --cross-mounts covers it, or it can be a root of its own"
        case .unreadable: "; covered as soon as it can be read"
        case .covered, .pseudo: ""
        }
    }

    private func remedy(_ cause: String) -> String {
        switch GapCause(rawValue: cause) {
        case .watchLimit: "; crawled from time to time, watched when fs.inotify.max_user_watches allows"
        case .remote: "; others change it, so it is crawled from time to time"
        case .unreadable: "; reconciled as soon as it can be read"
        case .offline: "; reconciled when it is back"
        case .overflow, .downtime, .beginning, .hidden, .stopped, .doubt, nil: ""
        }
    }

    private var horizon: String {
        overview.horizonNS.map { "\(overview.horizon), \(Timestamp.local($0)): what changed before has been forgotten" }
            ?? "none: nothing has been forgotten"
    }

    /// How much is kept, and what is kept although it is more.
    private var kept: [String] {
        let kept = overview.kept
        var lines = [
            "          keeps \(Duration.text(nanoseconds: kept.age)) up to \(ByteCount.text(kept.size)), for consumers \(Duration.text(nanoseconds: kept.consumer))"
        ]
        if let holder = watcher?.holder {
            lines.append(
                "          held back by consumer \(ShellQuote.text(Array(holder.name.utf8))), which moved last \(Timestamp.local(holder.updated))"
            )
        }
        if watcher?.isTooLarge == true {
            let reason = watcher?.holder == nil ? "so much takes what is there now" : "for that consumer's sake"
            lines.append("          larger than --keep-size: \(reason)")
        }
        for consumer in overview.droppedConsumers {
            lines.append(
                "          dropped consumer \(ShellQuote.text(Array(consumer.name.utf8))) \(Timestamp.local(consumer.droppedNS)), which had moved last \(Timestamp.local(consumer.updatedNS))"
            )
        }
        return lines
    }

    private var audits: String {
        let audits = overview.audits
        guard let last = audits.lastNS else { return "none while a watcher was live; `journal verify` makes one" }
        return
            "\(Grouped.text(audits.count)) \(audits.count == 1 ? "audit" : "audits"), \(Grouped.short(audits.entries)) entries, \(Grouped.text(audits.missed)) missed; the last one ended \(Timestamp.local(last))"
    }

    var json: String {
        let roots = overview.roots.map { root in
            JSON.object([
                ("path", JSON.path(root.path)), ("state", .string(root.state.word)), ("backend", .string(root.backend)),
                ("since_seq", root.sinceSeq.map { .number($0) } ?? .null),
                ("since", root.sinceNS.map(JSON.time) ?? .null), ("directories", .number(root.directories)),
                ("files", .number(root.files)), ("cross_mounts", .bool(root.crossesMounts)),
                ("excludes", .array(root.excludes.map(JSON.bytes))),
            ])
        }
        let gaps = overview.openGaps.map { gap in
            JSON.object([
                ("path", JSON.path(gap.path)), ("cause", .string(gap.cause)), ("opened", JSON.time(gap.openedNS)),
                ("closing", .bool(watcher?.closing.contains(gap.id) == true)),
            ])
        }
        let uncovered = overview.uncovered.map { uncovered in
            JSON.object([("path", JSON.path(uncovered.path)), ("reason", .string(uncovered.coverage.word))])
        }
        return JSON.object([
            ("well", .bool(isWell)), ("live", .bool(watcher?.isLive == true)), ("database", JSON.path(database)),
            ("uuid", .string(overview.uuid)), ("cursor", .string(overview.head.description)),
            ("head_seq", .number(overview.head.seq)), ("head_time", JSON.time(overview.headNS)),
            ("horizon_seq", .number(overview.horizon)), ("horizon_time", overview.horizonNS.map(JSON.time) ?? .null),
            (
                "keep",
                .object([
                    ("seconds", .number(overview.kept.age / 1_000_000_000)), ("size", .number(overview.kept.size)),
                    ("consumer_seconds", .number(overview.kept.consumer / 1_000_000_000)),
                ])
            ),
            ("dropped_consumers", .array(overview.droppedConsumers.map(json))),
            ("vouched_until", JSON.time(overview.vouchedNS)),
            ("size", .number(size)), ("wal_size", .number(logSize)),
            ("wal_readers", .array(logReaders.map(json))), ("changes", .number(overview.changes)),
            ("watcher", watcher.map(json) ?? .null), ("roots", .array(roots)), ("gaps", .array(gaps)),
            ("closed_gaps", .number(overview.closedGaps)), ("uncovered", .array(uncovered)),
            (
                "audits",
                .object([
                    ("count", .number(overview.audits.count)), ("entries", .number(overview.audits.entries)),
                    ("missed", .number(overview.audits.missed)),
                    ("last", overview.audits.lastNS.map(JSON.time) ?? .null),
                    ("without_watcher", .number(overview.audits.withoutWatcher)),
                ])
            ),
        ]).text + "\n"
    }

    private func json(_ consumer: Overview.DroppedConsumer) -> JSON {
        .object([
            ("name", .string(consumer.name)), ("updated", JSON.time(consumer.updatedNS)),
            ("dropped", JSON.time(consumer.droppedNS)),
        ])
    }

    private func json(_ reader: LogReader) -> JSON {
        .object([("pid", .number(Int64(reader.pid))), ("program", JSON.bytes(reader.program))])
    }

    private func json(_ watcher: WatcherStatus) -> JSON {
        .object([
            ("pid", .number(Int64(watcher.pid))), ("live", .bool(watcher.isLive)),
            (
                "cannot_commit",
                watcher.obstacle.map { .object([("reason", .string($0.cause.words)), ("since", JSON.time($0.since))]) }
                    ?? .null
            ),
            ("watches", .number(Int64(watcher.watches))), ("directories", .number(Int64(watcher.directories))),
            ("unwatched", .number(Int64(watcher.unwatched))),
            ("watch_limit", watcher.watchLimit.map { .number(Int64($0)) } ?? .null),
            ("overflows", .number(Int64(watcher.overflows))), ("queued_bytes", .number(Int64(watcher.queued))),
            (
                "held_back_by",
                watcher.holder.map {
                    .object([
                        ("consumer", .string($0.name)), ("seq", .number($0.seq)), ("updated", JSON.time($0.updated)),
                    ])
                } ?? .null
            ),
            ("too_large", .bool(watcher.isTooLarge)),
            (
                "crawl",
                watcher.crawl.map {
                    .object([
                        ("path", JSON.path($0.path)), ("entries", .number(Int64($0.entries))),
                        ("seconds", .number($0.nanoseconds / 1_000_000_000)),
                    ])
                } ?? .null
            ),
        ])
    }
}
