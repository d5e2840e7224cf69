import Changes
import Kernel
import Query
import Store

/// Which roots a writer takes up, and how they are stored.
struct RootSelection {
    let store: Store
    let coverage: CoverageOptions

    /// A root and the lists of excludes that were in force since it was last crawled to its end.
    typealias Taken = (root: Root, formerExcludes: [[[UInt8]]])

    /// The roots of `journal watch`: those that are named, new ones among them, or all that are stored. Stored roots that are
    /// not named are stopped.
    func watch(_ paths: [Path]) throws -> [Taken] {
        let stored = try store.roots()
        if paths.isEmpty {
            guard !stored.isEmpty else {
                throw Failure(.noInput, "no root is stored", hint: "`journal watch DIRECTORY` begins one")
            }
            return try stored.map(taken)
        }
        let paths = paths.reduce(into: [Path]()) { if !$0.contains($1) { $0.append($1) } }
        for path in paths where !stored.contains(where: { $0.path == path }) {
            try check(path, among: stored.map(\.path) + paths)
        }
        for root in stored where !paths.contains(root.path) && root.state != .stopped { try store.stop(root) }
        return try paths.map { path in
            if let root = stored.first(where: { $0.path == path }) { return try taken(root) }
            return try join(path)
        }
    }

    /// A new root.
    func join(_ path: Path) throws -> Taken {
        let patterns = coverage.exclude.map(ArgumentText.bytes)
        return (try store.join(path, crossesMounts: coverage.crossMounts, excludes: patterns), [])
    }

    /// A stored root, with the options of this time where some are given.
    func taken(_ stored: Root) throws -> Taken {
        var root = stored
        if coverage.noExclude { root.excludes = [] }
        if !coverage.exclude.isEmpty { root.excludes = coverage.exclude.map(ArgumentText.bytes) }
        if coverage.crossMounts { root.crossesMounts = true }
        if root != stored {
            try store.setOptions(of: stored, crossesMounts: root.crossesMounts, excludes: root.excludes)
        }
        return (root, try store.formerExcludes(of: root.id))
    }

    /// Whether a new root can be one.
    func check(_ path: Path, among others: [Path]) throws {
        let shown = ShellQuote.text(path.shown)
        do {
            guard try FileStatus(at: path.shown, follow: true).isDirectory else {
                throw Failure(.noInput, "\(shown): not a directory")
            }
            guard try !FileSystem(of: Descriptor(opening: path.shown, for: .listing)).isPseudo else {
                throw Failure(.usage, "\(shown): a pseudo file system, which makes no events")
            }
        } catch let error as SystemError {
            throw Failure(
                error.isMissing ? .noInput : error.isForbidden ? .permission : .inputOutput,
                "\(shown): cannot watch: \(error.reason)")
        }
        for other in others where other != path {
            if other.contains(path) {
                throw Failure(
                    .usage, "\(shown): lies inside the root \(ShellQuote.text(other.shown))",
                    hint: "it is covered by that")
            }
            if path.contains(other) {
                throw Failure(
                    .usage, "\(shown): has the root \(ShellQuote.text(other.shown)) inside",
                    hint: "`journal forget` that first")
            }
        }
    }
}
