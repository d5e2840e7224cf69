/// Somebody with a name who takes what has changed, list by list, and whose place the journal keeps.
package struct Consumer: Hashable, Sendable {
    package var name: String
    /// What it asks for each time: paths, filters and format, as text.
    package var selection: String
    /// Up to where it has taken everything.
    package var cursor: Cursor
    /// When it last moved, nanoseconds since 1970.
    package var updated: Int64

    package init(name: String, selection: String, cursor: Cursor, updated: Int64) {
        self.name = name
        self.selection = selection
        self.cursor = cursor
        self.updated = updated
    }

    /// From one place to the next.
    package struct Move: Hashable, Sendable {
        package var name: String
        package var selection: String
        /// Where the list that was taken began; nil for whoever starts anew, wherever it was.
        package var from: Cursor?
        package var to: Cursor

        package init(name: String, selection: String, from: Cursor?, to: Cursor) {
            self.name = name
            self.selection = selection
            self.from = from
            self.to = to
        }
    }

    /// What became of a move.
    package enum Outcome: String, Sendable, CaseIterable {
        case moved
        /// The consumer is not where the list began: another run moved it, or it was dropped.
        case elsewhere
        /// What changed since the new place has been forgotten meanwhile.
        case forgotten
        /// The journal never handed out the new place.
        case unknown
    }
}
