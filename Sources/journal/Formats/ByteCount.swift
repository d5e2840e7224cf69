import ArgumentParser

/// A size as it is given: `2GiB`, `500M`, or plain bytes. Units are powers of 1024, with or without `iB`.
struct ByteCount: ExpressibleByArgument, Equatable {
    var bytes: Int64

    private static let units = ["", "K", "M", "G", "T"]

    init?(argument: String) {
        let digits = argument.prefix { ("0"..."9").contains($0) }
        var unit = argument.dropFirst(digits.count)
        if unit.hasSuffix("iB") { unit = unit.dropLast(2) }
        guard let count = Int64(digits), let power = ByteCount.units.firstIndex(of: String(unit)),
            power > 0 || argument.count == digits.count
        else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << (10 * Int64(power)))
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    /// For people: `1.5 GiB`.
    static func text(_ count: Int64) -> String {
        var (value, unit) = (Double(count), 0)
        while value >= 1024 && unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        let tenths = Int(value * 10)
        return unit == 0 ? "\(count) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])iB"
    }
}

extension Duration {
    /// The form in which it is given, in the largest unit that has it whole: `30d`, `90s`.
    static func text(nanoseconds: Int64) -> String {
        let units: [(name: String, length: Int64)] = [
            ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ]
        for unit in units where nanoseconds.isMultiple(of: unit.length) {
            return "\(nanoseconds / unit.length)\(unit.name)"
        }
        return "\(nanoseconds / 1_000_000)ms"
    }
}
