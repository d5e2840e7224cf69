import Changes
import Kernel

/// PATHs as given, made what the journal knows them by.
enum PathArgument {
    /// Absolute, with the links of its directory resolved and its last component as it is: a question about a link is
    /// about the link. With a slash behind it is about what the link leads to. What is gone has the links of the deepest directory that is there resolved.
    static func canonical(_ given: [UInt8]) throws(Failure) -> Path {
        let absolute = try absolute(given)
        let isFollowed = follows(given)
        var rest: [ArraySlice<UInt8>] = []
        var components = absolute.split(separator: slash).filter { $0 != [UInt8(ascii: ".")] }
        if !isFollowed, let last = components.popLast() { rest = [last] }
        while true {
            let path = [slash] + components.joined(separator: [slash])
            do {
                let real = Path(try Paths.real(Array(path)))
                return try append(rest, to: real)
            } catch let error as SystemError {
                // Beyond PATH_MAX no call takes it whole: then as much as one takes is resolved.
                guard error.isMissing || error.isTooLong, let last = components.popLast() else {
                    throw Failure(
                        error.isForbidden ? .permission : .inputOutput,
                        "\(ShellQuote.text(Array(path))): cannot resolve: \(error.reason)")
                }
                rest.insert(last, at: 0)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.inputOutput, String(describing: error))
            }
        }
    }

    /// Where the path leads if all of it exists, its last component followed too; nil where it does not.
    static func target(_ path: Path) -> Path? {
        do { return Path(try Paths.real(path.shown)) } catch { return nil }
    }

    /// The entries by whose way `given` is found.
    static func way(_ given: [UInt8], toTarget: Bool) throws(Failure) -> [Path] {
        try Paths.way(absolute(given), follows: toTarget || follows(given)).map { Path($0) }
    }

    /// A directory: with all links resolved, its own included.
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

    /// What is gone has no links any more: its `..` can only be taken by text.
    private static func append(_ rest: [ArraySlice<UInt8>], to real: Path) throws(Failure) -> Path {
        var path = real
        for component in rest {
            path = component == dotDot ? path.parent : path.appending(Name(Array(component)))
        }
        return path
    }
}
