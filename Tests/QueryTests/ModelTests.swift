import Changes
import Query
import Seeded
import Testing

/// A tree as a plain dictionary, changed by random steps; every batch is the difference of two of its moments, and
/// the net answer has to be the difference of the first and the last.
struct Model {
    struct File: Hashable {
        /// Which file this really is, whatever its inode number.
        var identity: Int
        var ino: Int64
        var birth: Int64
    }
    var files: [String: File] = [:]
    /// How often the content of a file, by its identity, has been written.
    var written: [Int: Int] = [:]
    private var next = 1
    private var freed: [Int64] = []
    /// Whether the file system has birth times; without, inode numbers are reused at once.
    let births: Bool

    init(births: Bool) { self.births = births }

    static let names = ["a", "b", "c", "d/a", "d/b", "d/c", "e/a", "e/f/b"].map { "/r/\($0)" }

    mutating func step(_ random: inout some RandomNumberGenerator) {
        let path = Model.names.randomElement(using: &random)!
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
            guard files[path] == nil else { return }
            let ino = births ? Int64(next) : freed.popLast() ?? Int64(next)
            files[path] = File(identity: next, ino: ino, birth: births ? Int64(1000 + next) : 0)
            next += 1
        case 2:
            guard let file = files.removeValue(forKey: path) else { return }
            free(file)
        case 3, 4:
            let to = Model.names.randomElement(using: &random)!
            guard to != path, let file = files.removeValue(forKey: path) else { return }
            if let replaced = files.updateValue(file, forKey: to) { free(replaced) }
        default:
            if let file = files[path] { written[file.identity, default: 0] += 1 }
        }
    }

    private mutating func free(_ file: File) {
        if !files.values.contains(file) { freed.append(file.ino) }
    }

    /// The rows that lead from `before` to `after`, in random order.
    static func rows(_ before: Model, _ after: Model, _ random: inout some RandomNumberGenerator) -> [LogRow] {
        var rows: [LogRow] = []
        let from = Dictionary(uniqueKeysWithValues: before.files.map { ($1, $0) })
        var left = before.files
        var arrived: [(String, File)] = []
        for (path, file) in after.files {
            if before.files[path] == file {
                left[path] = nil
                if before.written[file.identity] != after.written[file.identity] {
                    rows.append(LogRow(kind: .modified, path: path, flags: 1, ino: file.ino, birth: file.birth))
                }
            } else if let old = from[file] {
                left[old] = nil
                let flags: Int64 = before.written[file.identity] != after.written[file.identity] ? 1 : 0
                rows.append(
                    LogRow(kind: .renamed, path: path, old: old, flags: flags, ino: file.ino, birth: file.birth))
            } else {
                arrived.append((path, file))
            }
        }
        for (path, file) in arrived {
            // Another file under a name is one row or two: both are allowed.
            if let prior = left[path], Bool.random(using: &random) {
                left[path] = nil
                rows.append(
                    LogRow(
                        kind: .modified, path: path, flags: 1, ino: file.ino, birth: file.birth,
                        prior: (prior.ino, prior.birth)))
            } else {
                rows.append(LogRow(kind: .created, path: path, ino: file.ino, birth: file.birth))
            }
        }
        for (path, file) in left {
            rows.append(LogRow(kind: .deleted, path: path, ino: file.ino, birth: file.birth))
        }
        return rows.shuffled(using: &random)
    }
}

@Suite struct ModelTests {
    @Test(arguments: 0..<120)
    func theNetAnswerIsTheDifferenceOfTheTwoEnds(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let births = seed % 3 != 0
        let fixture = try Fixture()
        var model = Model(births: births)
        for _ in 0..<8 { model.step(&random) }
        let start = model
        for index in 0..<Int.random(in: 1...6, using: &random) {
            let before = model
            for _ in 0..<Int.random(in: 1...8, using: &random) { model.step(&random) }
            try fixture.batch(at: Int64(100 + index), Model.rows(before, model, &random))
        }
        try follow(start, model, fixture.answer(), births: births)
        var split = Selection()
        split.followsRenames = false
        try self.split(start, model, fixture.answer([], split))
        // A part of the tree is answered as if the rest were not there.
        let inside = { (model: Model) in
            var part = model
            part.files = model.files.filter { $0.key.hasPrefix("/r/d/") || $0.key == "/r/a" }
            return part
        }
        try follow(inside(start), inside(model), fixture.answer(["/r/d", "/r/a"]), births: births)
        try self.split(inside(start), inside(model), fixture.answer(["/r/d", "/r/a"], split))
    }

    /// One row a path, and nothing that differs is missing.
    func split(_ start: Model, _ end: Model, _ rows: [Change]) throws {
        let told = Dictionary(uniqueKeysWithValues: rows.map { (String(decoding: $0.path, as: UTF8.self), $0) })
        for path in Model.names {
            switch (start.files[path], end.files[path]) {
            case (nil, nil): #expect(told[path] == nil, "\(path)")
            case (nil, .some): #expect(told[path]?.kind == .created, "\(path)")
            case (.some, nil): #expect(told[path]?.kind == .deleted, "\(path)")
            case (let before?, let after?):
                if before.identity != after.identity || start.written[before.identity] != end.written[after.identity] {
                    #expect(told[path]?.kind == .modified, "\(path)")
                } else if let row = told[path] {
                    #expect([.modified, .attrib].contains(row.kind), "\(path)")
                }
            }
        }
    }

    func follow(_ start: Model, _ end: Model, _ rows: [Change], births: Bool) throws {
        let told = Dictionary(uniqueKeysWithValues: rows.map { (String(decoding: $0.path, as: UTF8.self), $0) })
        let oldPaths = Set(rows.compactMap { $0.oldPath.map { String(decoding: $0, as: UTF8.self) } })
        let from = Dictionary(uniqueKeysWithValues: start.files.map { ($1.identity, $0) })
        #expect(rows.map(\.path) == rows.map(\.path).sorted { $0.lexicographicallyPrecedes($1) })
        for path in Model.names {
            let (before, after) = (start.files[path], end.files[path])
            if let row = told[path], row.kind == .renamed {
                // Never another file; and what was written is told.
                let file = try #require(after)
                #expect(from[file.identity] == String(decoding: row.oldPath ?? [], as: UTF8.self), "\(path)")
                if start.written[file.identity] != end.written[file.identity] {
                    #expect(row.difference.contains(.content), "\(path)")
                }
                continue
            }
            if births, let after, let old = from[after.identity] { #expect(old == path, "\(path) was \(old)") }
            switch (before, after) {
            case (nil, nil): #expect(told[path] == nil, "\(path)")
            case (nil, .some): #expect(told[path]?.kind == .created, "\(path)")
            case (.some, nil):
                #expect(told[path]?.kind == .deleted || (told[path] == nil && oldPaths.contains(path)), "\(path)")
            case (let before?, let after?):
                if before.identity != after.identity || start.written[before.identity] != end.written[after.identity] {
                    #expect(told[path]?.kind == .modified, "\(path)")
                }
            }
        }
    }
}
