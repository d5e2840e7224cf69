/// What an answer of the journal has to be, from two fresh walks alone. Each function returns what is wrong, in words.
///
/// A directory's size, link count and times move with its entries, which is no change of the directory: they are not
/// compared.
enum Comparison {
    /// The view `files` against a walk: every path, and all that lstat tells of it.
    /// The ctime of those `stale` may be an old one.
    static func state(_ files: Tree, _ walk: Tree, stale: [Bytes] = []) -> [String] {
        var wrong: [String] = []
        for path in Set(files.entries.keys).union(walk.entries.keys).sorted() {
            switch (files[path], walk[path]) {
            case (let known?, let real?):
                let fields = differences(known, real)
                if !fields.isEmpty && !(fields == ["ctime"] && stale.contains(path)) {
                    wrong.append("files: \(path): \(fields.joined(separator: ", ")): has \(known), is \(real)")
                }
            case (let known?, nil): wrong.append("files: \(path) is gone, but listed as \(known)")
            case (nil, let real?): wrong.append("files: \(path) is missing: \(real)")
            case (nil, nil): break
            }
        }
        return wrong
    }

    /// Whether ``state(_:_:stale:)`` says no more than that a ctime is an old one: a second name that came and went between two reads
    /// moves the ctime of the first, and nothing else.
    static func isOfAPassingName(_ line: String) -> Bool {
        line.contains(": ctime: has ") && !line.contains(": ctime: has directory")
    }

    /// The fields of a row of `files` that are not as lstat has them.
    private static func differences(_ known: Entry, _ real: Entry) -> [String] {
        var fields: [String] = []
        if known.type != real.type { fields.append("type") }
        if known.mode != real.mode { fields.append("mode") }
        if known.uid != real.uid || known.gid != real.gid { fields.append("owner") }
        if known.ino != real.ino { fields.append("ino") }
        if real.type == "directory" { return fields }
        if known.size != real.size { fields.append("size") }
        if known.mtime != real.mtime { fields.append("mtime") }
        if known.ctime != real.ctime { fields.append("ctime") }
        if known.nlink != real.nlink { fields.append("nlink") }
        return fields
    }

    /// What happened to one path between two walks.
    enum Change: Equatable { case none, created, deleted, modified, attrib }

    static func change(_ before: Entry?, _ after: Entry?) -> Change {
        switch (before, after) {
        case (nil, nil): .none
        case (nil, _): .created
        case (_, nil): .deleted
        case (let a?, let b?): change(a, b)
        }
    }

    private static func change(_ a: Entry, _ b: Entry) -> Change {
        if a.type != b.type || a.identity != b.identity || a.content != b.content { return .modified }
        let isDirectory = a.type == "directory"
        if !isDirectory && a.size != b.size { return .modified }
        if a.mode != b.mode || a.uid != b.uid || a.gid != b.gid || a.xattrs != b.xattrs { return .attrib }
        return !isDirectory && (a.mtime != b.mtime || a.nlink != b.nlink) ? .attrib : .none
    }

    /// The net answer with `--renames split` against the difference of two walks: exactly what was created and deleted;
    /// nothing modified or touched missing, and more only where `touched` says that somebody was at it.
    static func net(_ rows: [Row], _ before: Tree, _ after: Tree, touched: (Bytes) -> Bool) -> [String] {
        var wrong: [String] = []
        var listed: [Bytes: Row] = [:]
        for row in rows {
            if let other = listed.updateValue(row, forKey: row.path) {
                wrong.append("net: listed twice: \(other) and \(row)")
            }
        }
        if rows.map(\.path) != rows.map(\.path).sorted() { wrong.append("net: not ordered by path bytes") }
        for path in Set(before.entries.keys).union(after.entries.keys).union(listed.keys).sorted() {
            let (a, b) = (before[path], after[path])
            let row = listed[path]
            let said = row?.kind ?? "nothing"
            let right =
                switch change(a, b) {
                case .created: said == "created"
                case .deleted: said == "deleted"
                case .modified: said == "modified"
                case .attrib: said == "attrib" || said == "modified"
                case .none:
                    row == nil || (a != nil && b != nil && (said == "attrib" || said == "modified") && touched(path))
                }
            if !right {
                wrong.append(
                    "net: \(path): \(change(a, b)), said \(row?.description ?? "nothing")"
                        + "\n    before: \(a?.description ?? "absent")\n    after:  \(b?.description ?? "absent")")
            } else if let row, let b {
                let fields = differences(row, b)
                if !fields.isEmpty {
                    wrong.append("net: \(row): \(fields.joined(separator: ", ")) are not of now: \(b)")
                }
            }
        }
        return wrong
    }

    /// The fields of a row of an answer that are not as lstat has them now.
    private static func differences(_ row: Row, _ real: Entry) -> [String] {
        var fields: [String] = []
        if row.type != real.type { fields.append("type") }
        if let mode = row.mode, mode != real.mode { fields.append("mode \(mode)") }
        if let uid = row.uid, uid != real.uid { fields.append("uid \(uid)") }
        if let gid = row.gid, gid != real.gid { fields.append("gid \(gid)") }
        if let ino = row.ino, ino != real.ino { fields.append("ino \(ino)") }
        if real.type == "directory" { return fields }
        if let size = row.size, size != real.size { fields.append("size \(size)") }
        if let mtime = row.mtime, mtime != real.mtime { fields.append("mtime \(mtime)") }
        return fields
    }

    /// The net answer with `--renames follow`: a renamed row has the same file on both sides, every path is accounted
    /// for once as what was there and once as what is there, and a file with one name that has another now is renamed.
    static func follow(_ rows: [Row], _ before: Tree, _ after: Tree) -> [String] {
        var wrong: [String] = []
        var newNames: [Bytes: Row] = [:]
        var oldNames: [Bytes: Row] = [:]
        var plain: [Bytes: Row] = [:]
        for row in rows {
            guard row.kind == "renamed" else {
                if let other = plain.updateValue(row, forKey: row.path) {
                    wrong.append("follow: twice: \(other), \(row)")
                }
                continue
            }
            guard let old = row.oldPath else {
                wrong.append("follow: no old path: \(row)")
                continue
            }
            if let other = newNames.updateValue(row, forKey: row.path) {
                wrong.append("follow: two to one: \(other), \(row)")
            }
            if let other = oldNames.updateValue(row, forKey: old) {
                wrong.append("follow: one to two: \(other), \(row)")
            }
            guard let a = before[old], let b = after[row.path] else {
                wrong.append(
                    "follow: \(row): old path \(before[old] == nil ? "was not" : "was"), new \(after[row.path] == nil ? "is not" : "is") there"
                )
                continue
            }
            if a.identity != b.identity { wrong.append("follow: \(row): not the same file: \(a), \(b)") }
            if a.type == "file" && (a.content != b.content || a.size != b.size) && !row.content {
                wrong.append("follow: \(row): its content is another too")
            }
            if (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid) && !row.metadata && !row.content {
                wrong.append("follow: \(row): its metadata is another too")
            }
            if let directory = row.movedWith, !rows.contains(where: { $0.seq == directory && $0.type == "directory" }) {
                wrong.append("follow: \(row): no row \(directory)")
            }
        }
        let places = Dictionary(grouping: after.entries, by: { $0.value.identity }).mapValues { $0.map(\.key) }
        for path in Set(before.entries.keys).union(after.entries.keys).union(plain.keys).sorted() {
            let (a, b, row) = (before[path], after[path], plain[path])
            let isOld = oldNames[path] != nil
            let isNew = newNames[path] != nil
            if let a, b?.identity != a.identity, a.nlink == 1 || a.type == "directory", let now = places[a.identity],
                now.count == 1, !isOld
            {
                wrong.append("follow: \(path) is \(now[0]) now, said \(row?.description ?? "nothing")")
            }
            let said = row?.kind
            let right =
                switch change(a, b) {
                case .created: isNew ? said == nil : said == "created"
                case .deleted: isOld ? said == nil : said == "deleted"
                // A new file where an old one was moved away from.
                case .modified where isOld: isNew ? said == nil : said == "created" || said == "modified"
                case .modified: isNew ? said == nil : said == "modified"
                case .attrib: !isNew && (said == "attrib" || said == "modified")
                case .none: !isNew && !isOld && (said == nil || (a != nil && (said == "attrib" || said == "modified")))
                }
            if !right {
                wrong.append(
                    "follow: \(path): \(change(a, b)), said \(row?.description ?? "nothing")"
                        + ", \(newNames[path]?.description ?? "not renamed to"), \(oldNames[path]?.description ?? "not renamed from")"
                )
            }
        }
        return wrong
    }

    /// The log replayed batch by batch: what a row needs is there, what it makes is not, and in the end all is as walked.
    static func replay(_ rows: [Row], batches: [Int64: Int64], _ before: Tree, _ after: Tree) -> [String] {
        var wrong: [String] = []
        var known = Set(before.entries.keys)
        var last: [Bytes: Row] = [:]
        if rows.map(\.seq) != rows.map(\.seq).sorted() || Set(rows.map(\.seq)).count != rows.count {
            wrong.append("log: not in the order of seq")
        }
        for (batch, rows) in Dictionary(grouping: rows, by: { batches[$0.seq] ?? -1 }).sorted(by: { $0.key < $1.key }) {
            if batch == -1 { wrong.append("log: of no batch in the view: \(rows[0])") }
            var sources: Set<Bytes> = []
            var results: Set<Bytes> = []
            for row in rows {
                // What the row needs to have been there before the batch, and what is there after it.
                let needs = row.kind == "created" ? nil : row.kind == "renamed" ? row.oldPath : row.path
                let makes = row.kind == "deleted" ? nil : row.path
                if let needs {
                    if !known.contains(needs) { wrong.append("log: batch \(batch): was not there: \(row)") }
                    if !sources.insert(needs).inserted { wrong.append("log: batch \(batch): was used up: \(row)") }
                }
                if let makes, !results.insert(makes).inserted {
                    wrong.append("log: batch \(batch): was made already: \(row)")
                }
                if let directory = row.movedWith,
                    !rows.contains(where: { $0.seq == directory && $0.kind == "renamed" && $0.path.contains(row.path) })
                {
                    wrong.append("log: batch \(batch): no row of its directory: \(row)")
                }
            }
            // The target of a rename is replaced by it; a row that creates has to find nothing.
            for row in rows where row.kind == "created" && known.contains(row.path) && !sources.contains(row.path) {
                wrong.append("log: batch \(batch): was there: \(row)")
            }
            known.subtract(sources)
            known.formUnion(results)
            for row in rows {
                if row.kind != "created", let gone = row.oldPath ?? Optional(row.path), !results.contains(gone) {
                    last[gone] = nil
                }
                if row.kind != "deleted" { last[row.path] = row }
            }
        }
        for path in known.symmetricDifference(after.entries.keys).sorted() {
            wrong.append("log: \(path) is \(known.contains(path) ? "left over from" : "missing in") the log")
        }
        for (path, row) in last.sorted(by: { $0.key < $1.key }) {
            guard let real = after[path] else { continue }
            let fields = differences(row, real)
            if !fields.isEmpty {
                wrong.append("log: last of \(path): \(row): \(fields.joined(separator: ", ")) are not of now: \(real)")
            }
        }
        // What the log says nothing of has to be as it was.
        for path in after.entries.keys.sorted() where last[path] == nil && change(before[path], after[path]) != .none {
            wrong.append("log: \(path): \(change(before[path], after[path])) and not in the log")
        }
        return wrong
    }
}
