import Glibc

/// What a table of figures is worth nothing without.
struct Machine: Codable {
    var kernel: String
    var cpus: Int
    var model: String
    var memoryGB: Int
    /// The load average of the last minute, before anything was run and at the end: a machine that has other things to do
    /// shows.
    var load: String
    var loadAtEnd = ""
    var scratch: String
    var sizes: String
    var repetitions: Int
    /// By name; a peer that is not here has no entry.
    var peers: [String: String]

    init(scratch: Scratch, sizes: String, repetitions: Int) {
        kernel = System.text("/proc/sys/kernel/osrelease").trimmed
        cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        model = Machine.field("model name", in: "/proc/cpuinfo") ?? "unknown CPU"
        memoryGB = Machine.kilobytes("MemTotal") >> 20
        load = Machine.currentLoad
        self.scratch = scratch.description
        self.sizes = sizes
        self.repetitions = repetitions
        peers = [:]
        for peer in Peer.allCases { peers[peer.rawValue] = peer.version }
    }

    static var currentLoad: String {
        System.text("/proc/loadavg").split(separator: " ").first.map(String.init) ?? "unknown"
    }

    /// MemAvailable: what can be had without swapping, bytes.
    static var availableMemory: Int { kilobytes("MemAvailable") << 10 }

    private static func kilobytes(_ name: String) -> Int {
        field(name, in: "/proc/meminfo")?.split(separator: " ").first.flatMap { Int($0) } ?? 0
    }

    private static func field(_ name: String, in path: String) -> String? {
        System.text(path).split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { $0.split(separator: ":", maxSplits: 1).last }.map(\.trimmed)
    }
}

/// What is told while it runs: on stderr, so that the table can be piped.
enum Progress {
    static func say(_ text: String) {
        let line = "bench: \(text)\n"
        // Where stderr fails there is nobody left to tell.
        do { try System.write(STDERR_FILENO, Array(line.utf8)[...], "stderr") } catch {}
    }
}

extension StringProtocol {
    /// Without the white space at both ends.
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
