import Changes
import Query

/// `--by-directory`: the directories in which something changed, each once, for those who look through directories.
enum Directories {
    /// In the order of paths, each with the newest change in it. A directory that is gone is told by the one it was in.
    static func changed(in answer: some ChangeList) throws -> [Change] {
        var newest: [Path: Change] = [:]
        var gone: Set<Path> = []
        func note(_ directory: Path, _ change: Change) {
            if let known = newest[directory], known.seq > change.seq { return }
            newest[directory] = change
        }
        try answer.forEach { change in
            let path = Path(change.path)
            // What changed of a directory that stays is a matter of its own.
            let stays = change.type == .directory && [.modified, .attrib].contains(change.kind)
            note(stays ? path : path.parent, change)
            if let old = change.oldPath { note(Path(old).parent, change) }
            guard change.type == .directory else { return }
            // In the log one may go and come back.
            if change.kind == .deleted { gone.insert(path) } else { gone.remove(path) }
            if let old = change.oldPath { gone.insert(Path(old)) }
        }
        return newest.filter { !gone.contains($0.key) }.sorted { $0.key < $1.key }.map { directory, change in
            var change = change
            change.path = directory.shown
            return change
        }
    }
}
