import Changes
import Testing

@Suite struct CursorTests {
    let text = "01234567-89ab-cdef-0123-456789abcdef:42:00000000deadbeef"

    @Test func aCursorComesBackAsItWasHandedOut() throws {
        let cursor = try #require(Cursor(text))
        #expect(cursor.seq == 42)
        #expect(cursor.check == 0xdead_beef)
        #expect(cursor.description == text)
        let largest = Cursor(journal: cursor.journal, seq: .max, check: .max)
        #expect(Cursor(largest.description) == largest)
    }

    @Test(arguments: [
        "", "42", "01234567-89ab-cdef-0123-456789abcdef:42", "01234567-89ab-cdef-0123-456789abcdef:-1:00000000deadbeef",
        "01234567-89AB-cdef-0123-456789abcdef:42:00000000deadbeef", "01234567-89ab-cdef-0123-456789abcdef:42:deadbeef",
        "01234567-89ab-cdef-0123-456789abcdef:99999999999999999999:00000000deadbeef",
        "01234567-89ab-cdef-0123-456789abcdef:42:00000000deadbeef ", "x:42:00000000deadbeef",
    ])
    func whatHasNotItsFormIsNoCursor(_ text: String) {
        #expect(Cursor(text) == nil)
    }
}
