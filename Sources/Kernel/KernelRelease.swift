internal import Glibc

/// The version of the running kernel, for what a kernel does wrong and nothing else tells.
package struct KernelRelease: Comparable, Sendable {
    package let major: Int
    package let minor: Int

    package init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `6.1.0-18-amd64` and the like; nil where the text does not begin with two numbers.
    package init?(_ text: String) {
        let numbers = text.split(separator: ".", maxSplits: 2).prefix(2).map { Int($0.prefix { $0.isNumber }) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major, minor)
    }

    /// The release that uname(2) tells.
    package static var current: KernelRelease? {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return nil }
        return KernelRelease(
            unsafe withUnsafeBytes(of: names.release) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }

    package static func < (a: KernelRelease, b: KernelRelease) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
