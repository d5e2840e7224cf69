import Glibc

/// Waits for what another process does at its own pace and nothing tells of; true when it has happened before `limit`.
func eventually(_ limit: Duration = .seconds(30), _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + limit * Sanitizer.patience
    while true {
        if try condition() { return true }
        if .now >= end { return false }
        usleep(10_000)
    }
}
