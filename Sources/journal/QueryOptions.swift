import ArgumentParser
import Changes
import Query

/// How an answer is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, csv, paths
}

enum RenameMode: String, ExpressibleByArgument, CaseIterable {
    case follow, split
}

/// Which rows of an answer, and in which form: what `query` is asked and a consumer stores.
struct QueryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only these kinds: created,modified,attrib,deleted,renamed.", valueName: "kinds"))
    var kind: String?
    @Option(help: ArgumentHelp("Only these types: file,directory,symlink,…", valueName: "types"))
    var type: String?
    @Flag(help: "Only paths that exist at the end.")
    var present = false
    @Flag(help: "Only paths that no longer exist at the end.")
    var absent = false
    @Option(help: "A renamed file as one row, or as two.")
    var renames: RenameMode?
    @Flag(help: "Every change in order, instead of the net difference.")
    var log = false
    @Option(help: "At most so many rows; with --log, whole batches.")
    var limit: Int?
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "The list that this tool eats: \(ToolList.all.map(\.name).joined(separator: ", ")).", valueName: "tool"))
    var tool: String?
    @Option(name: .customLong("format"), help: "How to print. (default: text; consume: paths)")
    var askedFormat: OutputFormat?
    @Flag(name: .customShort("0"), help: "End records of paths with NUL.")
    var nul = false
    @Flag(help: "The directories in which something changed, each once, instead of what it was.")
    var byDirectory = false
    @Option(help: ArgumentHelp("Print paths relative to this directory.", valueName: "dir"))
    var relativeTo: String?

    /// A list is paths of a kind, and so are directories.
    var format: OutputFormat { askedFormat ?? (tool != nil || byDirectory ? .paths : .text) }

    /// The options as meant.
    func selection() throws(Failure) -> Selection {
        if let list = try list { return try selection(for: list) }
        var selection = Selection()
        selection.shape = log ? .log : .net
        selection.limit = limit
        if let kind { selection.kinds = try QueryOptions.set(kind, of: Kind.allCases, "--kind", \.word) }
        if let type { selection.types = try QueryOptions.set(type, of: FileType.allCases, "--type", \.word) }
        selection.presence = present ? .present : absent ? .absent : nil
        selection.order = absent && format == .paths ? .deepestFirst : .path
        let followsUnasked =
            [.text, .json].contains(format) && !present && !absent && selection.kinds.contains(.renamed)
        selection.followsRenames = renames.map { $0 == .follow } ?? followsUnasked
        if kind != nil, selection.kinds.contains(.renamed), !selection.followsRenames {
            throw Failure(
                .usage, "--kind renamed: a renamed file is told as deleted and created here",
                hint: "deleted,created in its place, or \(format == .paths ? "--format json" : "--renames follow")")
        }
        if let limit, limit < 0 { throw Failure(.usage, "--limit takes a number from 0 on") }
        if log, limit == 0 { throw Failure(.usage, "a page of --log has at least one row: --limit 0 would not go on") }
        if present, absent { throw Failure(.usage, "--present and --absent leave nothing") }
        if log, present || absent {
            throw Failure(.usage, "--present and --absent are of the net answer, not of --log")
        }
        if byDirectory, format != .paths { throw Failure(.usage, "--by-directory is for --format paths") }
        if nul, format != .paths { throw Failure(.usage, "-0 is for --format paths") }
        if format == .paths, renames == .follow {
            throw Failure(.usage, "--format paths has one path a record, and cannot follow renames")
        }
        return selection
    }

    /// What a consumer stores: equal where the same is asked for, however that was put.
    func description(of selection: Selection, paths: [Path], base: Path?) -> String {
        var words = tool.map { ["--for", $0] } ?? ["--format", format.rawValue]
        if nul { words.append("-0") }
        if log { words.append("--log") }
        if byDirectory { words.append("--by-directory") }
        if selection.kinds.count < Kind.allCases.count {
            words += ["--kind", Kind.allCases.filter(selection.kinds.contains).map(\.word).joined(separator: ",")]
        }
        if selection.types.count < FileType.allCases.count {
            words += ["--type", FileType.allCases.filter(selection.types.contains).map(\.word).joined(separator: ",")]
        }
        switch selection.presence {
        case .present: words.append("--present")
        case .absent: words.append("--absent")
        case nil: break
        }
        words += ["--renames", (selection.followsRenames ? RenameMode.follow : .split).rawValue]
        if let base { words += ["--relative-to", ShellQuote.text(base.shown)] }
        return (words + Set(paths).sorted().map { ShellQuote.text($0.shown) }).joined(separator: " ")
    }

    private static func set<T>(
        _ list: String, of all: [T], _ option: String, _ word: (T) -> String
    ) throws(Failure) -> Set<T> {
        var chosen: Set<T> = []
        for part in list.split(separator: ",") {
            guard let value = all.first(where: { word($0) == part }) else {
                let shown = ArgumentText.shown(part)
                throw Failure(.usage, "\(option): \(shown) is none of \(all.map(word).joined(separator: ","))")
            }
            chosen.insert(value)
        }
        guard !chosen.isEmpty else {
            throw Failure(.usage, "\(option) takes some of \(all.map(word).joined(separator: ","))")
        }
        return chosen
    }
}

/// `30s`, `500ms`, `2m`, `24h`, `30d`, `4w`.
struct Timeout: ExpressibleByArgument {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let digits = argument.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty, digits.count < 10, let count = Int64(digits) else { return nil }
        switch argument.dropFirst(digits.count) {
        case "ms": duration = .milliseconds(count)
        case "s", "": duration = .seconds(count)
        case "m": duration = .seconds(count * 60)
        case "h": duration = .seconds(count * 3600)
        case "d": duration = .seconds(count * 86_400)
        case "w": duration = .seconds(count * 604_800)
        default: return nil
        }
    }

    var nanoseconds: Int64 { duration.nanoseconds }

    var defaultValueDescription: String { "\(duration)" }
}

extension Duration {
    /// The whole nanoseconds of it; what is longer than half of the largest number is as good as for ever.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (value, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow || value > .max / 2 ? .max / 2 : value + attoseconds / 1_000_000_000
    }
}
