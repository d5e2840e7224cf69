/// The names of one directory that came and went between two looks. They are no change and leave no row in the log; but somebody
/// may have looked in between and have seen them, and git believes what it saw until it is told otherwise.
package enum Passing: Sendable, Equatable {
    case names(Set<Name>)
    /// More than are worth keeping.
    case many

    private static let limit = 32
    /// For how many numbers of the log they are kept. Who asks about more looks for itself.
    package static let reach: Int64 = 50_000

    package mutating func insert(_ name: Name) {
        guard case .names(var names) = self else { return }
        self = .many
        names.insert(name)
        if names.count <= Self.limit { self = .names(names) }
    }
}
