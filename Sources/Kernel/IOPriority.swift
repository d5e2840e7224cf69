internal import CLinux

/// The share of the disk that this thread gets.
package enum IOPriority {
    /// Runs `body` with the class that gets the disk only when nobody else wants it, and sets back what was before.
    ///
    /// The corresponding C constant is `IOPRIO_CLASS_IDLE`. A scheduler without classes takes no notice of it, and where the
    /// kernel refuses the thread stays as it is: either costs the others a little, and changes no answer.
    package static func whileIdle<Result>(_ body: () throws -> Result) rethrows -> Result {
        let before = clinux_ioprio_get()
        guard before >= 0, clinux_ioprio_set(3 << 13) == 0 else { return try body() }
        defer { _ = clinux_ioprio_set(before) }
        return try body()
    }
}
