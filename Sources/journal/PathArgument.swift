import Changes
import Kernel

/// PATHs as given, made what the journal knows them by.
enum PathArgument {
    /// Absolute, with the links of its directory resolved and its last component as it is: a question about a link is
    /// about the link, and with a slash behind it about what it leads to, be that gone.
    static func canonical(_ given: [UInt8]) throws(Failure) -> Path {
        let absolute = try absolute(given)
        var components = absolute.split(separator: slash).filter { $0 != [UInt8(ascii: ".")] }
        let last = follows(given) ? nil : components.popLast()
        let directory = [slash] + components.joined(separator: [slash])
        do throws(SystemError) {
            let real = Path(try Paths.real(Array(directory)))
            return last.map { real.appending(Name(Array($0))) } ?? real
        } catch {
            // What is gone is found as far as it goes, and what no call takes for its length likewise.
            if error.isMissing || error.isTooLong { return Path(Paths.walk(absolute, follows: follows(given)).end) }
            throw Failure(
                error.isForbidden ? .permission : .inputOutput,
                "\(ShellQuote.text(Array(directory))): cannot resolve: \(error.reason)")
        }
    }

    /// Where the path leads if all of it exists, its last component followed too; nil where it does not.
    static func target(_ path: Path) -> Path? {
        do { return Path(try Paths.real(path.shown)) } catch { return nil }
    }

    /// The entries by whose way `given` is found.
    static func way(_ given: [UInt8], toTarget: Bool) throws(Failure) -> [(path: Path, isLink: Bool)] {
        try Paths.walk(absolute(given), follows: toTarget || follows(given)).entries.map { (Path($0.path), $0.isLink) }
    }

    /// The same without what makes it follow a link at its end: `/` and `/.`.
    static func withoutSlash(_ given: [UInt8]) -> [UInt8] {
        var path = given[...]
        while path.count > 1, path.last == slash || path.suffix(2).elementsEqual("/.".utf8) { path.removeLast() }
        return Array(path)
    }

    /// A directory, such as a root: with all links resolved, its own included. One that is not there is as given.
    static func directory(_ given: [UInt8]) throws(Failure) -> Path {
        let path = try canonical(given)
        return target(path) ?? path
    }

    /// Whether a link at the end is followed, as the kernel does it: `link/`, `link/.`. And `..` after a link leads elsewhere than
    /// the text says, so that a path that ends so is for the kernel.
    private static func follows(_ given: [UInt8]) -> Bool {
        guard let last = given.split(separator: slash, omittingEmptySubsequences: false).last else { return false }
        return last.isEmpty || last == [UInt8(ascii: ".")] || last == dotDot
    }

    private static let dotDot = ArraySlice("..".utf8)

    private static func absolute(_ given: [UInt8]) throws(Failure) -> [UInt8] {
        guard !given.isEmpty else { throw Failure(.usage, "an empty path names nothing") }
        guard given.first != slash else { return given }
        do {
            return try Paths.currentDirectory() + [slash] + given
        } catch {
            throw Failure(.inputOutput, "the current directory: cannot resolve: \(error.reason)")
        }
    }
}
