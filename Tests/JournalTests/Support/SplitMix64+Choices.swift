import Seeded

extension SplitMix64 {
    /// A generator that is independent of this one, for a thread of its own.
    mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}
