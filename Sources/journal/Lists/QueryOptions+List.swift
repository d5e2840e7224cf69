import Changes
import Kernel
import Query

/// `--for`, as meant.
extension QueryOptions {
    var list: ToolList? {
        get throws(Failure) {
            guard let tool else { return nil }
            return try ToolList.named(tool)
        }
    }

    /// A list is all that the tool needs and nothing else, in one form.
    func selection(for list: ToolList) throws(Failure) -> Selection {
        let given = [
            ("--format", askedFormat != nil), ("-0", nul), ("--kind", kind != nil), ("--type", type != nil),
            ("--present", present), ("--absent", absent), ("--renames", renames != nil), ("--log or --follow", log),
            ("--by-directory", byDirectory),
            ("--limit", limit != nil), ("--relative-to", list.base == .root && relativeTo != nil),
        ]
        if let other = given.first(where: \.1) {
            throw Failure(.usage, "--for \(list.name) says what is listed and how: \(other.0) does not go with it")
        }
        var selection = Selection()
        selection.followsRenames = false
        return selection
    }

    /// What a list needs beside what changed.
    func companions(of base: Path?) throws(Failure) -> Selection.Companions {
        try list?.companions(base) ?? Selection.Companions()
    }

    /// What paths are printed relative to: `--relative-to`, and for a list otherwise the directory that is asked about, which the
    /// tool is to be told. That is to be the same each time, whatever becomes of it.
    ///
    /// `isNew` says that nobody has been told of it before.
    func base(of paths: [Path], _ file: JournalFile, _ database: Path, isNew: Bool) throws -> Path? {
        let list = try list
        guard relativeTo != nil || list?.base == .directory else { return nil }
        let about = try paths.isEmpty ? QuestionArguments.roots(file, database, withStopped: false) : paths
        if let relativeTo {
            let base = try PathArgument.directory(ArgumentText.bytes(relativeTo))
            // text and json tell of what lies elsewhere by its whole path.
            if list != nil || [.paths, .csv].contains(format), let outside = about.first(where: { !base.contains($0) })
            {
                throw Failure(
                    .usage,
                    "--relative-to \(ShellQuote.text(base.shown)): \(ShellQuote.text(outside.shown)) is asked about, and lies outside"
                )
            }
            return base
        }
        guard let list else { return nil }
        guard Set(about).count == 1, let directory = about.first else {
            let things = paths.isEmpty ? "\(about.count) roots are" : "\(about.count) paths are"
            throw Failure(
                .usage, "--for \(list.name): \(things) asked about, and its paths are relative to one directory",
                hint: "ask about one, or say which with --relative-to DIR")
        }
        guard try !isNew || mayBeDirectory(directory) else {
            throw Failure(
                .usage,
                "--for \(list.name): \(ShellQuote.text(directory.shown)): no directory that its paths could be relative to",
                hint: "say which with --relative-to DIR")
        }
        return directory
    }

    /// Whether it is one, or may have been.
    private func mayBeDirectory(_ path: Path) throws(Failure) -> Bool {
        do {
            return try FileStatus(at: path.shown).isDirectory
        } catch {
            if error.isMissing { return true }
            throw Failure(error.isForbidden ? .permission : .inputOutput, error.shown)
        }
    }
}
