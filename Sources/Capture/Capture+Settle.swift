internal import Changes
internal import Kernel

/// From what was read to one commit: how often, and in which order, names are looked at.
extension Capture {
    /// Commits all that was read up to `take`, and what of later events it takes to make sense of it.
    func settleEvents(_ first: Drain.Take, _ state: some StoredState) throws {
        try flush(state)
        // What is held back was found by a crawl: then only the interval is known.
        if pending.isEmpty {
            pending.source = .event
            pending.notBefore = nil
        }
        absorb(first)
        if isQueueUnread {
            isQueueUnread = false
            try absorbQueued()
        }
        dirty.takeUp()
        unpark()
        if roots.values.contains(where: \.isUnmounted) { try checkRoots(state) }
        var attempts = 0
        try find(&attempts, state)
        try settleDetached(state)
        try lookAgainAtLinks(state, isRead: !first.buffers.isEmpty || first.completed > settled)
        // Those may lie in directories that have left meanwhile.
        try find(&attempts, state)
        try settleDetached(state)
        // What came even of that is due next, and nobody is answered before; the rest waits for a crawl, which has its turn
        // when nothing is due.
        let isComplete = !isUnresolved && expansions.isEmpty
        unpark { !isReconciling($0) }
        try flush(state, complete: isComplete ? first.readUpTo : nil)
        // Not before the next barrier, but before this one is answered.
        if roots.values.contains(where: \.isUnmounted) { try checkRoots(state) }
        dirty.forgetRenames()
        guard isComplete else { return }
        vouched = first.readUpTo
        settled = first.completed
    }

    /// Looks at the names that are due, and for the directories that were not where the tree has them: what left may be about to
    /// arrive. Both halves of a rename are queued before it returns, so one more look at the queue decides, and another where
    /// that took something from its place. A name whose directory is not where the tree has it waits for that directory's own
    /// events, which may be queued a moment later than what it saw.
    private func find(_ attempts: inout Int, _ state: some StoredState) throws {
        while true {
            expansions.append(contentsOf: unlisted)
            unlisted = []
            let known = detached
            try lookAndList(state)
            let hasLeft =
                attempts == 0 ? hasLeft : attempts == 1 && detached.contains { !known.contains($0) && !isHeld($0) }
            guard isUnresolved ? attempts < Self.resolveAttempts : hasLeft else { break }
            if attempts > 1 { ThisProcess.sleep(nanoseconds: Int64(attempts) * 500_000) }
            attempts += 1
            try absorbQueued()
            unpark(where: isLost)
            dirty.takeUpMoves()
        }
        giveUpUnresolved()
    }

    /// Looks at the names that are due and lists what is new, until nothing more comes of it.
    func lookAndList(_ state: some StoredState) throws {
        var rounds = 0
        repeat {
            try resolve(state)
            try expand(state)
            rounds += 1
        } while dirty.isDue && rounds < Self.roundLimit
    }

    /// How often the queue is drained again for directories that are not where they should be; from the third time on with a
    /// pause, about 100 ms in all.
    private static let resolveAttempts = 20
    /// How often listing and looking follow each other for one read; what is written to all the time would go on for ever.
    private static let roundLimit = 64
}
