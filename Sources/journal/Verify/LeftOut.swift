import Changes
import Kernel
import Query

/// What a comparison was not about: said in a line for each kind, so that nobody takes it for compared.
struct LeftOut {
    private var excluded = 0
    private var ownFiles = 0
    private var mounts: [Path] = []
    private var uncovered: [(path: Path, coverage: Coverage)] = []
    private var gaps: Set<OpenSubtree> = []
    private var unreadable: [SystemError] = []
    private var unreadableCount = 0
    private var unsettled = 0

    /// Paths named in one line.
    private static let shownPaths = 5

    mutating func addExcluded() { excluded += 1 }
    mutating func addOwnFile() { ownFiles += 1 }
    mutating func addMount(_ path: Path) { mounts.append(path) }
    mutating func addUncovered(_ path: Path, _ coverage: Coverage) { uncovered.append((path, coverage)) }
    mutating func addGap(_ gap: OpenSubtree) { gaps.insert(gap) }
    mutating func addUnsettled() { unsettled += 1 }

    mutating func addUnreadable(_ error: SystemError, _ path: Path) {
        unreadableCount += 1
        if unreadable.count < LeftOut.shownPaths {
            unreadable.append(SystemError(error.operation, path.shown, errno: error.errno))
        }
    }

    /// How it ends when no difference was found and something could not be looked at.
    var failure: ExitStatus? {
        guard !unreadable.isEmpty else { return nil }
        return unreadable.allSatisfy(\.isForbidden) ? .permission : .inputOutput
    }

    var lines: [String] {
        var lines: [String] = []
        if excluded > 0 { lines.append("not compared: \(excluded) excluded \(excluded == 1 ? "name" : "names")") }
        if ownFiles > 0 {
            lines.append("not compared: \(ownFiles) \(ownFiles == 1 ? "file" : "files") of the journal itself")
        }
        if !mounts.isEmpty { lines.append("not compared: other mounts: \(LeftOut.list(mounts))") }
        for coverage in [Coverage.mount, .unreadable, .pseudo] {
            let paths = uncovered.filter { $0.coverage == coverage }.map(\.path)
            if !paths.isEmpty { lines.append("not compared: not covered (\(coverage.word)): \(LeftOut.list(paths))") }
        }
        for gap in gaps.sorted(by: { ($0.path, $0.cause) < ($1.path, $1.cause) }) {
            lines.append("not compared: \(ShellQuote.text(gap.path.shown)): an open gap (\(gap.cause))")
        }
        for error in unreadable {
            lines.append("\(ShellQuote.text(error.path ?? [])): cannot look: \(error.operation): \(error.reason)")
        }
        if unreadableCount > unreadable.count {
            lines.append("cannot look at \(unreadableCount - unreadable.count) more")
        }
        if unsettled > 0 {
            lines.append(
                "not compared: \(unsettled) \(unsettled == 1 ? "name" : "names") that changed whenever looked at")
        }
        return lines
    }

    private static func list(_ paths: [Path]) -> String {
        let shown = paths.sorted().prefix(shownPaths).map { ShellQuote.text($0.shown) }.joined(separator: " ")
        return paths.count > shownPaths ? "\(shown) and \(paths.count - shownPaths) more" : shown
    }
}
