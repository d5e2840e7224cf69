/// A tree of names and shapes that lists have lost, and what happens to it in rounds.
struct HostileTree {
    let root: Bytes
    private let names: [Bytes]

    /// Names that some tool, format or shell takes for something else.
    static let names: [Bytes] =
        [
            "new\nline", "tab\tx", "\"quo'ted\"", "back\\slash", "star*?[a]", "-dash", "--files-from", "-", "#hash",
            ";semi",
            " lead", "trail ", "cr\r", "q\u{201B}FF", "AC\u{FF0F}DC", "\u{FF0E}", "\u{2400}", "%s%n", "$(x)`y`", "~",
            "{}",
            ".hidden", "!", "^", "x.rclonelink", "plain",
        ] + [Bytes([0x63, 0x61, 0x66, 0xE9]), Bytes([0xFF])]

    static let rounds = 1...4

    init(at root: Bytes, names: [Bytes] = HostileTree.names) throws {
        self.root = root
        self.names = names
        for name in names {
            for directory in ["files", "dirs" / name / "deep", "links"] as [Bytes] { try Sys.mkdirs(root / directory) }
            try Sys.write(root / name, "top")
            try Sys.write(root / "files" / name, "1")
            try Sys.write(root / "dirs" / name / "in", "1")
            try Sys.write(root / "dirs" / name / "deep" / name, "1")
            try Sys.symlink("../files" / name, root / "links" / name)
        }
        for directory in [
            "d2f/x/y", "e2f", "d2l/x", "swapped", "chmod/only/sub", "chmod/links", "gone/a/b", "old name/sub/deep",
            "emptied", "hard/one", "hard/two", "hard/moved", "hard/kept", "exchanged/a", "exchanged/b", "sealed",
        ] as [Bytes] {
            try Sys.mkdirs(root / "shapes" / directory)
        }
        for file in [
            "d2f/x/y/z", "d2l/x/y", "f2d", "f2l", "f2f", "swapped/s", "chmod/only/sub/f", "gone/g", "gone/a/b/c",
            "old name/o", "old name/sub/deep/o", "emptied/e", "hard/one/a", "hard/one/b", "hard/moved/m",
            "hard/one/broken",
            "exchanged/a/a", "exchanged/b/b", "gone-f-now-d", "sealed/s", "d2l-target",
        ] as [Bytes] {
            try Sys.write(root / "shapes" / file, "1 \(file)")
        }
        // Each in a directory where nothing else happens.
        for directory in ["f2d", "d2f/d/e", "l2d", "gone"] as [Bytes] { try Sys.mkdirs(root / "alone" / directory) }
        for file in ["f2d/f", "d2f/d/e/f", "gone/g"] as [Bytes] { try Sys.write(root / "alone" / file, "1 \(file)") }
        try Sys.symlink("f2d", root / "alone/l2d/l")
        let shapes = root / "shapes"
        for link in ["l2d", "l2f", "retarget", "chmod/links/l"] as [Bytes] { try Sys.symlink("e2f", shapes / link) }
        try Sys.link(shapes / "hard/one/a", shapes / "hard/two/a")
        try Sys.link(shapes / "hard/one/b", shapes / "hard/two/b")
        try Sys.link(shapes / "hard/moved/m", shapes / "hard/kept/m")
        try Sys.link(shapes / "hard/one/broken", shapes / "hard/two/broken")
    }

    /// Does what belongs to a round; `sync` ends a batch within it.
    func change(_ round: Int, sync: () throws -> Void) throws {
        switch round {
        case 1: try changeNames()
        case 2: try changeShapes()
        case 3: try changeTwice(sync)
        default: try changeLittle()
        }
    }

    /// What a name has to bear.
    private func changeNames() throws {
        for (index, name) in names.enumerated() {
            let (file, directory, link) = (root / "files" / name, root / "dirs" / name, root / "links" / name)
            switch index % 3 {
            case 0:
                try Sys.write(file, "22")
                try Sys.unlink(root / name)
                try Sys.unlink(link)
                try Sys.symlink("elsewhere", link)
            case 1:
                try Sys.unlink(file)
                try Sys.chmod(root / name, 0o600)
                try Sys.unlink(link)
                try Sys.write(link, "no link")
            default:
                try Sys.chmod(file, 0o755)
                try Sys.write(root / name, "changed")
                try Sys.unlink(link)
            }
            switch index % 4 {
            case 0: try Sys.removeTree(directory)
            case 1: try Sys.rename(directory, root / "dirs" / Bytes(name.raw + "2".utf8))
            case 2: try Sys.chmod(directory, 0o711)
            default:
                try Sys.mkdir(directory / "empty")
                try Sys.write(directory / "new", "new")
            }
        }
    }

    /// Types, moves and links.
    private func changeShapes() throws {
        let shapes = root / "shapes"
        for gone in ["d2f", "d2l", "gone", "l2d", "l2f", "f2d", "f2l", "e2f"] as [Bytes] {
            try Sys.removeTree(shapes / gone)
        }
        try Sys.write(shapes / "d2f", "a file")
        try Sys.write(shapes / "e2f", "a file")
        try Sys.symlink("swapped", shapes / "d2l")
        try Sys.mkdir(shapes / "l2d")
        try Sys.write(shapes / "l2d/in", "in")
        try Sys.write(shapes / "l2f", "a file")
        try Sys.mkdirs(shapes / "f2d/deep")
        try Sys.write(shapes / "f2d/deep/in", "in")
        try Sys.symlink("f2f", shapes / "f2l")
        try Sys.write(shapes / "f2f.new", "another")
        try Sys.rename(shapes / "f2f.new", shapes / "f2f")
        try Sys.unlink(shapes / "retarget")
        try Sys.symlink("f2f", shapes / "retarget")

        for gone in ["f2d/f", "d2f/d", "l2d/l", "gone/g"] as [Bytes] { try Sys.removeTree(root / "alone" / gone) }
        for directory in ["f2d/f", "l2d/l"] as [Bytes] {
            try Sys.mkdir(root / "alone" / directory)
            try Sys.write(root / "alone" / directory / "in", "in")
        }
        try Sys.write(root / "alone/d2f/d", "a file")

        try Sys.rename(shapes / "swapped", shapes / "swapped.old")
        try Sys.mkdir(shapes / "swapped")
        try Sys.rename(shapes / "swapped.old/s", shapes / "swapped/s")
        try Sys.rmdir(shapes / "swapped.old")
        try Sys.rename(shapes / "exchanged/a", shapes / "exchanged/b", flags: 2)
        try Sys.rename(shapes / "old name", shapes / "new name")
        try Sys.unlink(shapes / "emptied/e")
        try Sys.mkdirs(shapes / "very/deep/new/tree")
        try Sys.write(shapes / "very/deep/new/tree/f", "f")
        try Sys.mkdirs(shapes / "empty/new")

        try Sys.chmod(shapes / "chmod/only", 0o700)
        try Sys.chmod(shapes / "chmod/links", 0o700)
        try Sys.chmod(shapes / "sealed", 0o555)

        try Sys.write(shapes / "hard/two/a", "through the other name")
        try Sys.chmod(shapes / "hard/one/b", 0o600)
        try Sys.rename(shapes / "hard/moved", shapes / "hard/moved2")
        try Sys.write(shapes / "hard/two/new", "no link any more")
        try Sys.rename(shapes / "hard/two/new", shapes / "hard/two/broken")
        try Sys.link(shapes / "f2f", shapes / "hard/linked")
        try Sys.mknod(shapes / "fifo", 0o010644)
        try Sys.bindSocket(shapes / "socket")
    }

    /// What takes several batches.
    private func changeTwice(_ sync: () throws -> Void) throws {
        let shapes = root / "shapes"
        try Sys.unlink(shapes / "gone-f-now-d")
        try Sys.removeTree(shapes / "f2d")
        try Sys.write(shapes / "passing", "gone soon")
        try Sys.rename(shapes / "exchanged", shapes / "away")
        try Sys.chmod(shapes / "sealed", 0o755)
        try sync()
        try Sys.mkdir(shapes / "gone-f-now-d")
        try Sys.write(shapes / "gone-f-now-d/x", "x")
        try Sys.write(shapes / "f2d", "a file again")
        try Sys.unlink(shapes / "passing")
        try Sys.write(shapes / "away/a/new", "new")
        try sync()
        try Sys.rename(shapes / "away", shapes / "exchanged")
        try Sys.removeTree(shapes / "gone-f-now-d")
        try Sys.symlink("f2d", shapes / "gone-f-now-d")
        try Sys.removeTree(shapes / "l2d")
        try Sys.symlink("f2d", shapes / "l2d")
        for (index, name) in names.enumerated() where index % 4 == 2 {
            try Sys.removeTree(root / "dirs" / name)
            try Sys.write(root / "dirs" / name, "a file")
        }
    }

    /// Nothing but the base, and nothing but deletions.
    private func changeLittle() throws {
        try Sys.chmod(root, 0o755)
        try Sys.removeTree(root / "shapes/very")
    }
}

/// What differs between a tree and its copy.
struct Likeness {
    /// Entries of this type need not be there, and their modes need not be equal.
    var without: Set<String> = ["socket"]
    var modes = true
    var hardLinks = true

    func differences(_ original: Bytes, _ copy: Bytes) throws -> [String] {
        let (a, b) = (try Self.relative(original), try Self.relative(copy))
        var wrong: [String] = []
        for path in Set(a.keys).union(b.keys).sorted() {
            let there = [a[path], b[path]].map { entry in entry.flatMap { without.contains($0.type) ? nil : $0 } }
            switch (there[0], there[1]) {
            case (nil, nil): continue
            case (let entry?, nil): wrong.append("\(path): missing: \(entry)")
            case (nil, let entry?): wrong.append("\(path): too much: \(entry)")
            case (let a?, let b?):
                let isAlike = a.type == b.type && (a.type == "directory" || a.content == b.content)
                if !isAlike || (modes && a.type != "symlink" && a.mode != b.mode) {
                    wrong.append("\(path): \(a) is \(b)")
                }
            }
        }
        if hardLinks, Self.groups(a) != Self.groups(b) {
            wrong += Self.groups(a).symmetricDifference(Self.groups(b)).map { "linked: \($0.sorted())" }
        }
        return wrong
    }

    private static func relative(_ root: Bytes) throws -> [Bytes: Entry] {
        let tree = try Tree(walking: root, contents: true)
        return Dictionary(uniqueKeysWithValues: tree.entries.map { ($0 == root ? "." : $0.relative(to: root), $1) })
    }

    /// The names of each file that has several.
    private static func groups(_ entries: [Bytes: Entry]) -> Set<Set<Bytes>> {
        let linked = entries.filter { $1.type == "file" && $1.nlink > 1 }
        return Set(Dictionary(grouping: linked, by: \.value.ino).values.map { Set($0.map(\.key)) })
    }
}
