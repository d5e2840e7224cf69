import ArgumentParser
import Changes
import Store

/// How much of the log is kept, as `watch` and `scan` take it. What is given is stored, as roots and excludes are: whoever
/// writes next, be it a scan by hand, forgets no more than that.
struct RetentionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Forget changes that are older; 30d at first.", valueName: "duration"))
    var keep: Age?
    @Option(
        help: ArgumentHelp(
            "Forget the oldest changes where the database would be larger; 2GiB at first.", valueName: "size"))
    var keepSize: ByteCount?
    @Option(
        help: ArgumentHelp(
            "But nothing that a consumer needs, unless it has not moved for so long; 90d at first.",
            valueName: "duration"))
    var keepConsumer: Age?

    var isEmpty: Bool { keep == nil && keepSize == nil && keepConsumer == nil }

    /// A second, and a byte, are the least: what is to be kept of nothing is nothing that anyone can mean.
    func validate() throws {
        for (option, duration) in [("--keep", keep), ("--keep-consumer", keepConsumer)] {
            if let duration, !duration.hasUnit {
                throw ValidationError("\(option) takes a duration with its unit: 30d, 12h")
            }
            if let duration, duration.nanoseconds < 1_000_000_000 {
                throw ValidationError("\(option) takes a duration from 1s on")
            }
        }
        if let keepSize, keepSize.bytes < 1 { throw ValidationError("--keep-size takes a size from 1 byte on") }
    }

    /// Stores what was given.
    func keep(in store: Store) throws {
        guard !isEmpty else { return }
        var retention = try store.retention()
        if let keep { retention.age = keep.nanoseconds }
        if let keepSize { retention.size = keepSize.bytes }
        if let keepConsumer { retention.consumer = keepConsumer.nanoseconds }
        try store.setRetention(retention)
    }
}

/// `30d`, `12h`: a ``Timeout`` of which the unit has to be said. Where it is forgotten, the log would be.
struct Age: ExpressibleByArgument {
    let nanoseconds: Int64
    let hasUnit: Bool

    init?(argument: String) {
        guard let duration = Timeout(argument: argument) else { return nil }
        nanoseconds = duration.nanoseconds
        hasUnit = argument.last?.isNumber == false
    }
}
