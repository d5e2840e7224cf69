import Glibc
internal import Seeded

/// The middle value, or the mean of the two in the middle; nil of nothing.
func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The smallest value that at least `percent` of the values do not exceed (nearest rank); nil of nothing.
func percentile(_ percent: Double, _ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let rank = Int((percent / 100 * Double(values.count)).rounded(.up))
    return values.sorted()[min(max(rank, 1), values.count) - 1]
}

extension SplitMix64 {
    /// Above 0, up to 1.
    mutating func fraction() -> Double { Double((next() >> 11) + 1) / Double(UInt64(1) << 53) }

    /// A value whose logarithm is normally distributed (Box and Muller), `sigma` wide.
    mutating func lognormal(median: Double, sigma: Double) -> Double {
        let normal = sqrt(-2 * log(fraction())) * cos(2 * Double.pi * fraction())
        return median * exp(sigma * normal)
    }
}
