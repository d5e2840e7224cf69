/// R: a directory with a hundred thousand files below is renamed, there and back. Each is in the answer under both its
/// paths.
struct Rename {
    let place: Place

    private static let filesADirectory = 1000

    func run(_ report: inout Report) throws {
        let names = ["\(place.tree)/here", "\(place.tree)/there"]
        try System.makeDirectory(place.tree)
        try System.makeDirectory(names[0])
        for directory in 0..<place.sizes.renamedFiles / Rename.filesADirectory {
            let path = "\(names[0])/\(directory)"
            try System.makeDirectory(path)
            for file in 0..<Rename.filesADirectory { try System.create("\(path)/\(file)") }
        }
        let before = Exactness.walk(place.tree)
        let journal = try place.journal()
        let watcher = try journal.watch(place.tree)
        var cursor = try watcher.awaitLive().cursor
        let idle = watcher.settledCPU
        var waits: [Double] = []
        for round in 0..<place.repetitions {
            let began = System.now
            try System.rename(names[round % 2], names[1 - round % 2])
            let next = try journal.sync()
            waits.append(System.now - began)
            let both = before.union(Exactness.walk(place.tree)).union(renamed(before, from: names[0], to: names[1]))
            try Exactness.check(journal.paths(since: cursor), isBelow: place.tree, both, "after the rename")
            cursor = next
            place.say("round \(round + 1): \(Target.Unit.seconds.text(waits[round]))")
        }
        let cpu = watcher.settledCPU - idle
        try watcher.stop()
        let expected = Exactness.walk(place.tree).union([Array(place.tree.utf8)])
        try Exactness.check(Exactness.stored(in: journal.database), is: expected, "the view files, after the renames")
        report.record(.rename, ours: waits)
        report.note(.rename, "CPU of one, until the watcher rests", [cpu / Double(place.repetitions)], .seconds)
    }

    private func renamed(_ paths: Set<[UInt8]>, from old: String, to new: String) -> Set<[UInt8]> {
        Set(paths.map { Array(new.utf8) + $0.dropFirst(old.utf8.count) })
    }
}
