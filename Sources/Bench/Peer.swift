import Glibc

enum Program {
    /// The path of this one; valgrind would take /proc/self/exe for itself.
    static let own: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink("/proc/self/exe", &path, path.count)
        return String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// Whether a program is in PATH.
    static func isInstalled(_ name: String) -> Bool {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
    }
}

/// The programs that are measured beside.
enum Peer: String, CaseIterable {
    case inotifywait, find, bfs, updatedb, watchman, sqlite3, git

    var isInstalled: Bool { Program.isInstalled(rawValue) }

    /// The first version it tells of; nil where it is not installed. inotifywait has no option for that but its help.
    var version: String? {
        guard isInstalled,
            let told = try? Child.output([rawValue, self == .inotifywait ? "--help" : "--version"], errors: .null)
        else { return nil }
        let line = String(decoding: told.bytes, as: UTF8.self).split(separator: "\n").first ?? ""
        let words = line.split(whereSeparator: { " ()".contains($0) })
        return String(words.first { $0.first?.isNumber == true && $0.contains(".") } ?? "unknown")
    }
}
