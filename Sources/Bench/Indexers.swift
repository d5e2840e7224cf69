/// What else makes a list of a tree. No target is about them: they say what such a thing costs elsewhere.
struct Indexers {
    let place: Place
    private var times: [(what: String, seconds: [Double])] = []
    private var memory: [Double] = []

    init(place: Place) {
        self.place = place
        for peer in [Peer.bfs, .updatedb, .watchman] where !peer.isInstalled {
            place.say("no \(peer.rawValue) to look at")
        }
    }

    private mutating func add(_ what: String, _ seconds: Double) {
        if let index = times.firstIndex(where: { $0.what == what }) {
            times[index].seconds.append(seconds)
        } else {
            times.append((what, [seconds]))
        }
    }

    /// One that fails is told of, and has no figure.
    mutating func run() {
        for peer in Peer.allCases where peer.isInstalled {
            do {
                switch peer {
                case .bfs: try bfs()
                case .updatedb: try updatedb()
                case .watchman: try watchman()
                case .inotifywait, .find, .sqlite3, .git: break
                }
            } catch {
                place.say("\(peer.rawValue): \(error)")
            }
        }
    }

    private mutating func bfs() throws {
        add("bfs -printf", try Child.run(["bfs", place.tree, "-printf", "%i %s %T@ %p\\n"]).wall)
    }

    /// Its configuration prunes file systems and directories that scratch may be in.
    private mutating func updatedb() throws {
        let output = "\(place.disk.path)/updatedb"
        try System.remove(output)
        let words = [
            "updatedb", "-U", place.tree, "-o", output, "--prunepaths", "", "--prunefs", "", "--prune-bind-mounts",
            "no",
            "--require-visibility", "no",
        ]
        add("updatedb (names only)", try Child.run(words).wall)
        add("updatedb again", try Child.run(words).wall)
    }

    /// From its start until it has seen all of the tree.
    private mutating func watchman() throws {
        let directory = "\(place.disk.path)/watchman"
        try Child.run(["rm", "-rf", directory])
        try System.makeDirectory(directory)
        let socket = ["--sockname", "\(directory)/socket"]
        let began = System.now
        let server = try Child(
            ["watchman"] + socket + [
                "--foreground", "--no-save-state", "--logfile", "\(directory)/log", "--pidfile", "\(directory)/pid",
                "--statefile", "\(directory)/state",
            ], errors: .null)
        while !System.exists("\(directory)/socket") {
            guard server.end == nil else { throw Failed("watchman has ended") }
            System.sleep(0.01)
        }
        let client = ["watchman"] + socket + ["--no-spawn", "--no-pretty"]
        try Child.run(client + ["watch", place.tree], errors: .null)
        // Its answer waits until the crawl is done.
        try Child.run(client + ["clock", place.tree], errors: .null)
        add("watchman", System.now - began)
        memory.append(Double(Meter.peakMemory(of: server.pid)))
        try Child.run(client + ["shutdown-server"], errors: .null)
        try server.wait()
    }

    func note(_ report: inout Report) {
        for (what, seconds) in times { report.note(.bigTree, what, seconds, .seconds) }
        report.note(.bigTree, "peak memory of watchman", memory, .megabytes)
    }
}
