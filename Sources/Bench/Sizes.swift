/// How large the workloads are. The limits are those of the full sizes; the quick ones are a tenth of them, to see whether
/// everything works and which way a figure moves.
struct Sizes {
    /// U.
    var untarFiles = 80_000
    var untarDirectories = 5_000
    /// Pairs of a watched and an unwatched run: their times differ by less than their spread.
    var untarPairs = 5
    /// F, seconds.
    var floodSeconds = 10.0
    /// R.
    var renamedFiles = 100_000
    /// T: directories of 20 files, in some parents.
    var treeParents = 200
    var treeDirectories = 50_000
    /// Q.
    var changes = 10_000_000
    /// S, and how often Q's short questions are asked.
    var syncRuns = 300
    var queryRuns = 40
    /// G: directories of 100 files, and how often git is asked.
    var gitDirectories = 2_000
    var gitRuns = 15
    /// The size of a disk, which is sparse.
    var diskBytes = 16 << 30

    static let full = Sizes()
    static let quick = Sizes(
        untarFiles: 8_000, untarDirectories: 500, floodSeconds: 3, renamedFiles: 10_000, treeParents: 20,
        treeDirectories: 5_000, changes: 1_000_000, syncRuns: 300, queryRuns: 40, gitDirectories: 200,
        diskBytes: 4 << 30)
}
