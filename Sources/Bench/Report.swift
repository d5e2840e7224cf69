import Foundation

/// What a run has found: an outcome a target, and what was measured on the way.
struct Report: Codable {
    var machine: Machine
    private(set) var outcomes: [Outcome] = []
    /// What no target is about.
    private(set) var notes: [Note] = []

    struct Note: Codable {
        var workload: Workload
        var title: String
        var unit: Target.Unit
        /// Each repetition's figure, in the base unit.
        var values: [Double]
    }

    init(_ machine: Machine) { self.machine = machine }

    mutating func record(_ id: Target.ID, ours: [Double], peer: [Double] = []) {
        for target in Target.all where target.id == id { outcomes.append(Outcome(target, ours: ours, peer: peer)) }
    }

    /// What was not measured is no note.
    mutating func note(_ workload: Workload, _ title: String, _ values: [Double], _ unit: Target.Unit) {
        if !values.isEmpty { notes.append(Note(workload: workload, title: title, unit: unit, values: values)) }
    }

    /// The targets of a workload that have no outcome are void.
    mutating func void(_ workload: Workload, _ reason: String) {
        for target in Target.all
        where target.workload == workload && !outcomes.contains(where: { $0.target.id == target.id }) {
            outcomes.append(Outcome(target, void: reason))
        }
    }

    /// 0 only if every target was reached, 2 if a run was void, else 1.
    var status: Int32 {
        if outcomes.contains(where: { $0.verdict == .void }) { return 2 }
        return outcomes.allSatisfy { $0.verdict == .pass } ? 0 : 1
    }

    /// The tables, as people read them.
    var text: String {
        let peers = machine.peers.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
        let about = """
            journal bench, medians of \(machine.repetitions)\(machine.sizes == "quick" ? ", a tenth of the sizes" : "")
            Linux \(machine.kernel), \(machine.cpus) CPUs (\(machine.model)), \(machine.memoryGB) GB
            load \(machine.load), at the end \(machine.loadAtEnd)
            on \(machine.scratch)
            peers: \(peers.joined(separator: ", "))
            """
        let header = ["", "target", "ours", "", "peer", "ratio", "limit", ""]
        let rows = outcomes.sorted { Target.position($0.target.id) < Target.position($1.target.id) }.map(\.cells)
        let reasons = Set(outcomes.compactMap(\.voidReason)).sorted()
        let besides = notes.map { note in
            [note.workload.rawValue, note.title, median(note.values).map(note.unit.text) ?? ""]
        }
        let lines =
            [about, ""] + Report.aligned([header] + rows, figures: [2, 4, 5, 6]) + reasons + [""]
            + Report.aligned([["", "besides", ""]] + besides, figures: [2])
        return lines.joined(separator: "\n") + "\n"
    }

    /// Columns as wide as their widest cell; figures stand at the right.
    private static func aligned(_ rows: [[String]], figures: Set<Int>) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return figures.contains(column) ? space + row[column] : row[column] + space
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Writes all of it, with every repetition, as JSON.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try System.replace(path, Array(encoder.encode(self)) + [UInt8(ascii: "\n")])
    }
}

extension Outcome {
    /// A line for it, the same for all of its workload.
    fileprivate var voidReason: String? { reason.map { "\(target.workload.rawValue) is void: \($0)" } }

    fileprivate var cells: [String] {
        [
            target.workload.rawValue, target.title, figure.map(target.unit.text) ?? "", target.peer ?? "",
            peerFigure.map(target.unit.text) ?? "", target.judged == .ratio ? ratio?.text(digits: 2) ?? "" : "",
            target.limitText, verdict.rawValue,
        ]
    }
}

extension Target {
    fileprivate static func position(_ id: ID) -> Int { all.firstIndex { $0.id == id } ?? 0 }
}
