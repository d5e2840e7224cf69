import Changes
import Foundation
import Kernel
import Testing

@testable import Capture

/// Crawls beside all that may happen while they run.
@Suite struct CrawlTests {
    /// Commits nothing, and knows nothing of what was committed.
    private final class NoState: StoredState {
        /// Whether the sizes are kept of all that is committed.
        var keepsSizes = false
        private(set) var sizes: [Place: Int64] = [:]
        /// Called before each commit.
        var willCommit: (Batch) throws -> Void = { _ in }
        /// Called before names are looked at.
        var willLook: () throws -> Void = {}
        /// Called before the rows of a directory are read.
        var willRead: (NodeID) throws -> Void = { _ in }
        private var seq: Int64 = 0

        func commit(_ batch: Batch) throws -> Cursor {
            try willCommit(batch)
            if keepsSizes { note(batch) }
            seq += 1
            return Cursor(journal: "", seq: seq, check: 0)
        }
        private func note(_ batch: Batch) {
            let list = batch.arrivals.list
            for group in batch.arrivals.groups {
                for row in group.rows { sizes[Place(group.node, list.name(row))] = list[row].entry.size }
            }
            for row in batch.rows { sizes[row.place] = row.entry?.size }
        }
        func row(at place: Place) -> StoredRow? { nil }
        func read(_ page: inout RowList, of node: NodeID, after: Name?, limit: Int) throws { try willRead(node) }
        func rows(linkedTo files: Set<FileID>) -> [StoredRow] { [] }
        func linkedRows(of nodes: some Sequence<NodeID>) -> [StoredRow] { [] }
        func rows(ofInodes inodes: Set<UInt64>) -> [StoredRow] { [] }
        func inSnapshot<Result>(_ body: () throws -> Result) throws -> Result {
            try willLook()
            return try body()
        }
    }

    private struct Failed: Error {}

    /// One root, in a directory of its own.
    private final class Watched {
        let tree: URL
        let drain: Drain
        let capture: Capture
        let state = NoState()

        init() throws {
            tree = URL(filePath: "/dev/shm/journal-crawl-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: tree, withIntermediateDirectories: false)
            drain = try Drain(latency: 1_000_000)
            capture = try Capture(
                drain: drain, nextNode: 3, nextGap: 1, filesystems: [:], vouchedUntil: Clock.wall(), unwrittenSince: 0,
                sweepInterval: .max / 2, auditInterval: nil, notify: { _ in })
            try drain.start()
        }

        /// Lets go of all; what is called by the state may hold this.
        func end() {
            drain.stop()
            state.willCommit = { _ in }
            state.willLook = {}
            state.willRead = { _ in }
            try? FileManager.default.removeItem(at: tree)
        }

        func take() {
            let root = Root(
                id: RootID(rawValue: 1), path: Path(Array(tree.path.utf8)), node: NodeID(rawValue: 2),
                container: NodeID(rawValue: 1), state: .live, crossesMounts: false, excludes: [], since: nil,
                crawled: nil)
            capture.add(root, nodes: [], gaps: [:], formerExcludes: [], adopting: nil)
        }

        /// A step in which somebody waits for an answer.
        func askedStep() throws {
            _ = drain.request()
            while try !drain.wakeWork.wait(timeout: 1000) {}
            try capture.step(state)
        }

        func fill(_ directories: Int, _ files: Int, below name: String) throws {
            for directory in 0..<directories {
                let path = tree.appending(path: "\(name)/\(directory)")
                try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
                for file in 0..<files { close(creat(path.appending(path: "\(file)").path, 0o644)) }
            }
        }

        func write(_ text: String, to place: Place) throws {
            let path = try #require(capture.tree.path(of: place.node)).appending(place.name)
            try Descriptor(opening: path.bytes, for: .writing).write(Array(text.utf8))
        }

        func run(_ program: String, _ arguments: String...) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [program] + arguments
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { throw Failed() }
        }
    }

    /// Whoever asks is answered first, but not for ever.
    @Test func aCrawlEndsWhileSomebodyAlwaysAsks() throws {
        let watched = try Watched()
        defer { watched.end() }
        try watched.fill(3, 1000, below: "d")
        watched.take()
        let end = Clock.boot() + 240_000_000_000
        while !watched.capture.isLive && Clock.boot() < end { try watched.askedStep() }
        #expect(watched.capture.isLive)
    }

    /// A directory that moves while it is crawled is walked once more, not as often as it moves.
    @Test func aCrawlEndsWhileADirectoryMovesAllTheTime() throws {
        let watched = try Watched()
        defer { watched.end() }
        try watched.fill(400, 100, below: "a")
        watched.take()
        var (from, to) = ("a", "b")
        let end = Clock.boot() + 240_000_000_000
        while !watched.capture.isLive && Clock.boot() < end {
            guard rename(watched.tree.appending(path: from).path, watched.tree.appending(path: to).path) == 0 else {
                throw Failed()
            }
            swap(&from, &to)
            try watched.askedStep()
        }
        #expect(watched.capture.isLive)
    }

    /// A directory is watched and looked at before its turn, by another thread. What is written there between the look and the turn
    /// makes an event whose watch nobody knew of before.
    @Test func whatIsWrittenToWhatWasLookedAtAheadIsSeen() throws {
        let watched = try Watched()
        defer { watched.end() }
        try watched.fill(400, 100, below: "d")
        watched.take()
        let capture = watched.capture
        watched.state.keepsSizes = true
        var written: [Place] = []
        while !capture.isLive {
            try watched.askedStep()
            // One that nobody has taken, and that has been looked at to the end.
            guard let flight = capture.crawls.first?.ahead.last, let asked = flight.flight, written.isEmpty else {
                continue
            }
            capture.readAhead?.awaitEnd(of: asked)
            let place = Place(flight.node, Name(Array("7".utf8)))
            try watched.write("hello", to: place)
            written.append(place)
        }
        #expect(written.count == 1)
        #expect(written.allSatisfy { watched.state.sizes[$0] == 5 })
    }

    /// Watches that were made ahead are removed, as by an unmount, and all that is said of them is heard before the crawl comes to
    /// their directories: each gets another one.
    @Test func whatWasWatchedAheadAndIsNoMoreIsWatchedAnew() throws {
        let watched = try Watched()
        defer { watched.end() }
        try watched.fill(400, 100, below: "d")
        watched.take()
        watched.state.keepsSizes = true
        let capture = watched.capture
        var ahead: [NodeID] = []
        while !capture.isLive {
            try watched.askedStep()
            guard ahead.isEmpty, let crawl = capture.crawls.first, crawl.ahead.count > 10 else { continue }
            for flight in crawl.ahead.compactMap(\.flight) { capture.readAhead?.awaitEnd(of: flight) }
            capture.noteWatchesAhead()
            ahead = crawl.ahead.map(\.node)
            let watches = ahead.compactMap { capture.tree[$0]?.watch }
            #expect(watches.count == ahead.count)
            for watch in watches { capture.drain.inotify.remove(watch) }
            try capture.absorbQueued()
            #expect(ahead.allSatisfy { capture.tree[$0]?.watch == nil })
        }
        #expect(!ahead.isEmpty)
        let places = ahead.map { Place($0, Name(Array("7".utf8))) }
        for place in places { try watched.write("hello", to: place) }
        let asked = capture.drain.request()
        while capture.settled < asked { try watched.askedStep() }
        #expect(places.filter { watched.state.sizes[$0] != 5 }.isEmpty)
    }

    /// A directory is away when one below it has its turn, and back before anybody could tell: what is below that is walked as
    /// well. It is back between two slices of the crawl, or with the commit at its end.
    @Test(arguments: [false, true]) func aDirectoryThatIsAwayAtItsTurnIsWalked(isAtEnd: Bool) throws {
        let watched = try Watched()
        defer { watched.end() }
        try watched.fill(1, 10, below: "a/b/c")
        watched.take()
        while !watched.capture.isLive { try watched.askedStep() }
        let (tree, capture) = (watched.tree, watched.capture)
        var isAway = false
        func move(_ from: String, _ to: String) throws {
            guard rename(tree.appending(path: from).path, tree.appending(path: to).path) == 0 else { throw Failed() }
            isAway.toggle()
        }
        func child(_ name: String, of node: NodeID?) -> NodeID? {
            node.flatMap { capture.tree.child(at: Place($0, Name(Array(name.utf8)))) }
        }

        let root = try #require(capture.roots[RootID(rawValue: 1)])
        let b = try #require(child("b", of: child("a", of: root.root.node)))
        capture.reconcile(root, cause: .overflow)
        var read: Set<NodeID> = []
        watched.state.willRead = { node in
            if node == b, !read.contains(b) {
                try move("a", "away")
                // Longer than a slice.
                if !isAtEnd { ThisProcess.sleep(nanoseconds: 30_000_000) }
            }
            read.insert(node)
        }
        watched.state.willCommit = { batch in
            if isAtEnd, isAway, capture.crawls.first?.isWalked ?? false { try move("away", "a") }
        }
        while !capture.isLive {
            try watched.askedStep()
            if isAway { try move("away", "a") }
        }
        // Each directory was compared with its rows: the root, a, b, c, and the one with files.
        #expect(read.count == 5)
        #expect(capture.gaps.isEmpty)
    }

    /// The file system of a root goes at the very end of the crawl that was to close its gap: nobody vouches for it again.
    @Test(.enabled(if: geteuid() == 0, "only root may mount"))
    func aCrawlWhoseRootGoesAtItsEndClosesNothing() throws {
        let watched = try Watched()
        defer { watched.end() }
        let (tree, image) = (watched.tree.path, watched.tree.path + ".image")
        defer {
            try? watched.run("umount", "-lq", tree)
            unlink(image)
        }
        try watched.run("truncate", "-s", "16M", image)
        try watched.run("mkfs.ext4", "-Fq", image)
        func mount() throws { try watched.run("mount", "-o", "loop", image, tree) }
        try mount()
        try watched.fill(1, 10, below: "d")
        watched.take()
        while !watched.capture.isLive { try watched.askedStep() }
        try watched.run("umount", tree)
        while watched.capture.gaps.isEmpty { try watched.askedStep() }

        try mount()
        var isMounted = true
        watched.state.willCommit = { batch in
            guard isMounted, batch.source == .crawl, !batch.rows.isEmpty else { return }
            isMounted = false
            try watched.run("umount", tree)
        }
        while isMounted { try watched.askedStep() }
        #expect(watched.capture.gaps.values.map(\.cause) == [.offline])
    }

    /// The root is mounted anew just before a new directory is looked at, and has another mount id: nothing hides the directory,
    /// which is covered from the beginning.
    @Test(.enabled(if: geteuid() == 0, "only root may mount"))
    func aDirectoryOfARootThatIsMountedAnewIsCovered() throws {
        let watched = try Watched()
        defer { watched.end() }
        let (tree, image, other) = (watched.tree.path, watched.tree.path + ".image", watched.tree.path + ".other")
        defer {
            try? watched.run("umount", "-lq", tree)
            try? watched.run("umount", "-lq", other)
            rmdir(other)
            unlink(image)
        }
        mkdir(other, 0o755)
        try watched.run("truncate", "-s", "16M", image)
        try watched.run("mkfs.ext4", "-Fq", image)
        try watched.run("mount", "-o", "loop", image, tree)
        try watched.fill(1, 1, below: "d")
        watched.take()
        while !watched.capture.isLive { try watched.askedStep() }

        var (isAnew, begun) = (false, 0)
        watched.state.willLook = {
            if isAnew { return }
            isAnew = true
            try watched.run("umount", tree)
            // It takes the id that has become free.
            try watched.run("mount", "-t", "tmpfs", "none", other)
            try watched.run("mount", "-o", "loop", image, tree)
        }
        watched.state.willCommit = { begun += $0.openedGaps.filter { $0.cause == .beginning }.count }
        try watched.fill(1, 1, below: "new")
        while !isAnew || !watched.capture.isLive { try watched.askedStep() }
        let root = try #require(watched.capture.roots[RootID(rawValue: 1)])
        let new = Place(root.root.node, Name(Array("new".utf8)))
        let node = try #require(watched.capture.tree.child(at: new))
        #expect(watched.capture.tree[node]?.coverage == .covered)
        #expect(begun == 0)
    }
}
