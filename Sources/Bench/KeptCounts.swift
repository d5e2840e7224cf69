/// Instruction counts by scenario, as a file of tab-separated lines.
struct KeptCounts {
    private var counts: [(name: String, count: Int)] = []

    /// What may come on top: several times what counts differ by from one run to the next.
    static let tolerance = 0.02

    private static let heading = """
        # Instructions a scenario of `make perf-guard` takes, by callgrind. `make perf-guard-accept` writes this file.
        """

    /// Lines that are none are comments.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            if fields.count == 2, let count = Int(fields[1]) { counts.append((String(fields[0]), count)) }
        }
    }

    subscript(name: String) -> Int? {
        get { counts.first { $0.name == name }?.count }
        set {
            counts.removeAll { $0.name == name }
            if let newValue { counts.append((name, newValue)) }
        }
    }

    var text: String {
        ([KeptCounts.heading] + counts.map { "\($0.name)\t\($0.count)" }).joined(separator: "\n") + "\n"
    }

    /// What is to be said of a difference, a part of what is kept; nil where nothing is.
    static func verdict(_ difference: Double?) -> (text: String, isWorse: Bool) {
        guard let difference else { return ("nothing kept", true) }
        if difference > tolerance { return ("more", true) }
        return (difference < -tolerance ? "less: worth keeping" : "", false)
    }

    /// A line of the table.
    static func line(_ name: String, _ count: String, _ kept: String, _ difference: String) -> String {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return name + String(repeating: " ", count: max(0, 10 - name.count)) + right(count, 14) + right(kept, 14)
            + right(difference, 12)
    }
}
