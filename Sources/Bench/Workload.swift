/// The workloads, by the letters `--only` takes.
enum Workload: String, Codable, CaseIterable {
    case untar = "U"
    case flood = "F"
    case rename = "R"
    case bigTree = "T"
    case bigJournal = "Q"
    case idle = "S"
    case git = "G"

    /// What it does, in a few words.
    var summary: String {
        switch self {
        case .untar: "an archive is unpacked and removed"
        case .flood: "two writers create, write, close and unlink at full speed"
        case .rename: "a directory with many files below is renamed"
        case .bigTree: "a large tree is crawled, reconciled and changed"
        case .bigJournal: "questions to a journal of many changes"
        case .idle: "barriers while nothing happens"
        case .git: "git status through a hook"
        }
    }

    /// Where files come and go fastest, a queue overflows first.
    private var diskKind: Disk.Kind { self == .flood ? .tmpfs : .ext4 }

    /// Runs it on a disk of its own. What has no figure when it fails is void, and the others go on.
    func run(_ stage: Stage, _ report: inout Report) {
        Progress.say("\(rawValue): \(summary)")
        do {
            let disk = try Disk(diskKind, rawValue, in: stage.scratch, bytes: stage.sizes.diskBytes)
            // What cannot be removed now goes with all the rest at the end.
            defer { if !stage.keeps { do { try disk.remove() } catch { Progress.say("\(error)") } } }
            try measure(Place(stage: stage, disk: disk), &report)
        } catch {
            report.void(self, "\(error)")
            Progress.say("\(rawValue) is void: \(error)")
        }
    }

    private func measure(_ place: Place, _ report: inout Report) throws {
        switch self {
        case .untar: try Untar(place: place).run(&report)
        case .flood: try Flood(place: place).run(&report)
        case .rename: try Rename(place: place).run(&report)
        case .bigTree: try BigTree(place: place).run(&report)
        case .bigJournal: try BigJournal(place: place).run(&report)
        case .idle: try Idle(place: place).run(&report)
        case .git: try GitStatus(place: place).run(&report)
        }
    }
}

/// What all workloads of a run share.
struct Stage {
    let binary: String
    let scratch: Scratch
    let sizes: Sizes
    let repetitions: Int
    let keeps: Bool
}

/// Where one workload does its work.
struct Place {
    let stage: Stage
    let disk: Disk

    var sizes: Sizes { stage.sizes }
    var repetitions: Int { stage.repetitions }
    /// The watched tree.
    var tree: String { "\(disk.path)/tree" }

    /// The journal lies beside the tree on the same disk, as it does on most machines.
    func journal() throws -> Journal { try Journal(stage.binary, in: "\(disk.path)/journal") }

    func say(_ text: String) { Progress.say("   \(text)") }
}
