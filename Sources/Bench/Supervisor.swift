import Glibc

/// Runs the workloads in a process of their own and cleans up after it, however that ends: by itself, a signal or a trap.
///
/// That process leads a group, which every watcher and peer is in, so that one kill(2) ends them all. Nothing then holds
/// the file systems that are mounted below the scratch directory.
struct Supervisor {
    let directory: String
    let keeps: Bool

    /// Runs the worker, and returns the status to end with.
    func run(_ words: [String]) throws -> Int32 {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] { unsafe sigaddset(&signals, signal) }
        unsafe sigprocmask(SIG_BLOCK, &signals, nil)

        try System.makeDirectory(directory)
        defer { cleanUp() }
        let worker = try Child(words, output: .inherited, ownGroup: true)
        while true {
            var signal: Int32 = 0
            guard unsafe sigwait(&signals, &signal) == 0 else { continue }
            if signal != SIGCHLD {
                kill(-worker.pid, SIGKILL)
                try worker.wait()
                return 128 + signal
            }
            if let ended = worker.end {
                kill(-worker.pid, SIGKILL)
                return ended.status
            }
        }
    }

    private func cleanUp() {
        let points = System.text("/proc/self/mounts").split(separator: "\n").compactMap { line in
            line.split(separator: " ").dropFirst().first.map(String.init)
        }.filter { $0.hasPrefix(directory + "/") }
        guard !keeps else {
            Progress.say("kept: \(([directory] + points).joined(separator: ", mounted: "))")
            return
        }
        do {
            for point in points.reversed() { try Supervisor.unmount(point) }
            try Child.run(["rm", "-rf", "--one-file-system", directory])
        } catch {
            Progress.say("\(directory) is left: \(error)")
        }
    }

    /// Processes that were killed take a moment to let go.
    private static func unmount(_ point: String) throws {
        for _ in 0..<100 {
            if try Child(["umount", point], errors: .null).wait().status == 0 { return }
            System.sleep(0.05)
        }
        try Child.run(["umount", "-l", point])
    }
}
