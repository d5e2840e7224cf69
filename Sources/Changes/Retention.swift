/// How much of the log is kept.
package struct Retention: Sendable, Equatable {
    /// So far back from now, nanoseconds.
    package var age: Int64
    /// Less where the database would be larger, bytes.
    package var size: Int64
    /// But to the cursor of a consumer that has moved so short ago, nanoseconds.
    package var consumer: Int64

    package init(age: Int64, size: Int64, consumer: Int64) {
        self.age = age
        self.size = size
        self.consumer = consumer
    }
}

/// A consumer up to whose cursor the log can be forgotten, and no further.
package struct Holder: Sendable, Equatable {
    package var name: String
    package var seq: Int64
    /// When it last moved, nanoseconds since 1970.
    package var updated: Int64

    package init(name: String, seq: Int64, updated: Int64) {
        self.name = name
        self.seq = seq
        self.updated = updated
    }
}
