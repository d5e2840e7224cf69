/// Numbers for people.
enum Grouped {
    /// 1234567 as 1,234,567.
    static func text(_ number: some BinaryInteger) -> String {
        let digits = Array(String(number))
        return String(
            digits.enumerated().flatMap { index, digit in
                index > 0 && (digits.count - index).isMultiple(of: 3) ? [",", digit] : [digit]
            })
    }

    /// 999,999, then 1.2 M: enough to know how much it is.
    static func short(_ number: Int64) -> String {
        guard number >= 1_000_000 else { return text(number) }
        let tenths = number / 100_000
        return "\(text(tenths / 10)).\(tenths % 10) M"
    }
}
