/// What the journal aims for: a limit on a figure of its own, or on its ratio to a peer's in the same run.
struct Target: Codable {
    /// What a row is called in JSON, and by the workload that fills it.
    enum ID: String, Codable {
        case untarCPU, removeCPU, untarWall, untarLag
        case floodOverflows, floodMissing
        case rename
        case firstCrawl, reconcile, memory, stateBytes, logBytes
        case lastThousand, lastThousandRatio, netDifference
        case idleSync
        case gitStatus
    }

    enum Unit: String, Codable {
        case seconds, milliseconds, megabytes, bytes, count

        /// How the base unit (seconds, bytes, a number) is shown: times what, with how many digits, and which sign.
        private var form: (scale: Double, digits: Int, sign: String) {
            switch self {
            case .seconds: (1, 3, " s")
            case .milliseconds: (1e3, 2, " ms")
            case .megabytes: (1e-6, 1, " MB")
            case .bytes: (1, 1, " B")
            case .count: (1, 0, "")
            }
        }

        /// A value in the base unit as people read it.
        func text(_ value: Double) -> String { (value * form.scale).text(digits: form.digits) + form.sign }

        /// A limit, which has no more digits than it needs.
        func limit(_ value: Double) -> String { "≤ \((value * form.scale).shortest)\(form.sign)" }
    }

    /// What is held against the limit.
    enum Judged: String, Codable {
        case ours, ratio
    }

    var id: ID
    var workload: Workload
    var title: String
    /// What it is compared with, where it is.
    var peer: String?
    var unit: Unit
    var judged: Judged
    /// The most that is reached; of `ours` in the base unit.
    var limit: Double

    /// The targets, in the order of the table.
    static let all = [
        ratio(.untarCPU, .untar, "CPU of an untar, committed", to: "inotifywait", .seconds, 0.25),
        ratio(.removeCPU, .untar, "CPU of its rm -rf, committed", to: "inotifywait", .seconds, 0.25),
        ratio(.untarWall, .untar, "tar, wall", to: "unwatched", .seconds, 1.03),
        own(.untarLag, .untar, "from tar's end until committed", .seconds, 0.5),
        own(.floodOverflows, .flood, "overflows in a flood by two writers", .count, 0),
        own(.floodMissing, .flood, "survivors of it that are missing", .count, 0),
        own(.rename, .rename, "rename above 100,000 files, until committed", .seconds, 1),
        ratio(.firstCrawl, .bigTree, "first crawl, committed", to: "find", .seconds, 0.8),
        ratio(.reconcile, .bigTree, "reconcile, nothing changed", to: "find", .seconds, 0.6),
        own(.memory, .bigTree, "peak memory of both", .megabytes, 60e6),
        own(.stateBytes, .bigTree, "state, bytes a file", .bytes, 85),
        own(.logBytes, .bigTree, "log, bytes a change", .bytes, 50),
        own(.lastThousand, .bigJournal, "the last 1,000 of 10 M changes", .milliseconds, 0.015),
        ratio(.lastThousandRatio, .bigJournal, "the same", to: "sqlite3", .milliseconds, 3),
        own(.netDifference, .bigJournal, "net difference over 1 M changes", .seconds, 1.5),
        own(.idleSync, .idle, "journal sync, idle, p99", .milliseconds, 0.010),
        ratio(.gitStatus, .git, "git status of 200,000 files by the hook", to: "without", .seconds, 0.12),
    ]

    private static func ratio(
        _ id: ID, _ workload: Workload, _ title: String, to peer: String, _ unit: Unit, _ limit: Double
    ) -> Target {
        Target(id: id, workload: workload, title: title, peer: peer, unit: unit, judged: .ratio, limit: limit)
    }

    private static func own(_ id: ID, _ workload: Workload, _ title: String, _ unit: Unit, _ limit: Double) -> Target {
        Target(id: id, workload: workload, title: title, peer: nil, unit: unit, judged: .ours, limit: limit)
    }

    /// The limit as the table has it.
    var limitText: String { judged == .ratio ? Unit.count.limit(limit) : unit.limit(limit) }
}

extension Double {
    /// With so many digits after the point.
    func text(digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let scaled = Int((magnitude * Double(scale)).rounded())
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// With as many as it takes.
    fileprivate var shortest: String { self == rounded() ? String(Int(self)) : String(self) }
}
