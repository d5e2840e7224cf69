import Foundation
import Testing

/// The commands of a page in Documentation, run as they are printed there, but for its places.
struct Recipe {
    private let blocks: [[String]]
    private let places: [(printed: String, real: Bytes)]
    private let environment: [String: String]

    /// Installs the page's scripts. `places` are replaced in the order given.
    init(
        _ page: String, _ session: Session, places: [(String, Bytes)], environment: [String: String] = [:]
    ) throws {
        let bin = session.base / "bin"
        let document = try Document("Documentation/\(page)")
        blocks = document.blocks("sh")
        self.places = places + [("/usr/local/bin", bin), ("/srv", session.tree)]
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        self.environment = environment.merging([
            "PATH": "\(Program.journal.parent):\(path)", "JOURNAL_DB": "\(session.database)",
            "HOME": "\(session.base)", "LC_ALL": "C.UTF-8",
        ]) { a, _ in a }
        try Sys.mkdir(bin)
        for block in blocks where block.first?.hasPrefix("#!") ?? false {
            let name = try #require(block[1].firstMatch(of: /\/usr\/local\/bin\/([a-z-]+)/)).1
            try Sys.write(bin / Bytes(String(name)), real(block))
            try Sys.chmod(bin / Bytes(String(name)), 0o755)
        }
    }

    private func real(_ block: [String]) -> String {
        places.reduce(block.joined(separator: "\n") + "\n") {
            $0.replacing($1.printed, with: String(decoding: $1.real.raw, as: UTF8.self))
        }
    }

    /// Runs the block that begins with `# STEP`.
    @discardableResult
    func run(_ step: String) throws -> Program.Output {
        let block = try #require(blocks.first { $0.first == "# \(step)" }, "the page has no # \(step)")
        return try Program.run(
            "sh", ["-ec", Bytes(real(block))], environment: environment, timeout: .seconds(300))
    }

    /// Runs one of the page's scripts.
    func run(script: Bytes) throws -> Program.Output {
        let bin = try #require(places.first { $0.printed == "/usr/local/bin" }).real
        return try Program.run(bin / script, environment: environment, timeout: .seconds(300))
    }

    /// Runs it, and has it succeed.
    func does(_ step: String) throws {
        let output = try run(step)
        try #require(output.status == 0, "\(output)")
    }

    /// What of these programs is not there.
    static func missing(_ programs: String...) throws -> String? {
        try programs.first { try Program.run("sh", ["-c", Bytes("command -v \($0)")]).status != 0 }.map { "no \($0)" }
    }
}
