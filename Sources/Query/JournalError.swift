/// Why a journal could not be read at all. (That it cannot vouch for an answer is a `Refusal`, not an error.)
package enum JournalError: Error, Hashable {
    /// Another application's file, or none of SQLite's.
    case notAJournal
    /// Its schema is of a later version than this program knows.
    case newer(schema: Int, known: Int)
    /// Its schema is of an earlier version: the next writer migrates it, a reader may not.
    case older(schema: Int, known: Int)
    case corrupt(String)
    /// SQLite could not open it, or the files beside it.
    case cannotOpen(String)
    case inputOutput(String)
    /// No consumer of that name is stored.
    case noConsumer(String)
    /// A time that has not come yet.
    case future
    /// The horizon has passed what was being read.
    case forgotten
    /// The question ends before it begins.
    case reversed
}
