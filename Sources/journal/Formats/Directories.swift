import Changes
import Query

/// `--by-directory`: the directories in which something changed, each once, for those who look through directories.
///
/// It is made of all that changed, because also a row that was not asked for tells whether a directory is still there.
struct Directories {
    /// Which rows count.
    private let selection: Selection
    private var newest: [Path: Change] = [:]
    /// Whether a path is a directory by the batch that told of it last; for ``newest`` and what these lie in.
    private var states: [Path: (batch: Int64, isDirectory: Bool)] = [:]

    /// What paths are relative to; nothing above it is told of.
    private let base: Path?

    private init(_ selection: Selection, base: Path?) {
        self.selection = selection
        self.base = base
    }

    /// In the order of paths, each with the newest change in it. What was in a directory that is gone is told by the one that
    /// this was in.
    static func changed(in answer: some ChangeList, _ selection: Selection, base: Path?) throws -> [Change] {
        var directories = Directories(selection, base: base)
        try answer.forEach { directories.note($0) }
        directories.expectStates()
        try answer.forEach { directories.look($0) }
        return directories.told()
    }

    private mutating func note(_ change: Change) {
        guard selection.contains(change) else { return }
        let path = Path(change.path)
        // What changed of a directory that stays is a matter of its own.
        let stays = change.type == .directory && [.modified, .attrib].contains(change.kind)
        Self.note(change, in: stays ? path : path.parent, &newest)
    }

    private static func note(_ change: Change, in directory: Path, _ newest: inout [Path: Change]) {
        if let known = newest[directory], known.seq > change.seq { return }
        newest[directory] = change
    }

    /// Of what nothing is said, that stays.
    private mutating func expectStates() {
        for var path in newest.keys {
            while states.updateValue((0, true), forKey: path) == nil, path != path.parent { path = path.parent }
        }
    }

    /// Rows of one batch are simultaneous: where one says what is there, another one says what was. A net answer is of one
    /// moment, and has one row a path.
    private mutating func look(_ change: Change) {
        let path = Path(change.path)
        guard let known = states[path] else { return }
        let isThere = change.kind != .deleted
        if known.batch == change.batch && !isThere { return }
        states[path] = (change.batch, isThere && change.type == .directory)
    }

    private func told() -> [Change] {
        var told: [Path: Change] = [:]
        for (directory, change) in newest {
            var path = directory
            while states[path]?.isDirectory == false, path != base, path != path.parent { path = path.parent }
            if let base, !base.contains(path) { path = base }
            Self.note(change, in: path, &told)
        }
        return told.sorted { $0.key < $1.key }.map { directory, change in
            var change = change
            change.path = directory.shown
            return change
        }
    }
}
