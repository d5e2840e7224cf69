import Foundation
import Testing

/// Documentation/kernel.md, held to the tests it names.
struct KernelDocumentTests {
    /// One fact: `#### NUMBER. Title`, then a list.
    struct Fact {
        var number: Int
        /// What stands after `- Linux:`, `- journal:` and the like, by that word.
        var items: [String: String] = [:]

        /// The tests it names anywhere: `B20_…`, `B20_aDirectory…`, `claim B20 …`.
        var named: [String] {
            items.values.flatMap { $0.matches(of: /`((?:claim )?B[0-9]+[_ ][^`]+)`/).map { String($0.1) } }
        }
    }

    static let text = Result { try Document("Documentation/kernel.md").text }

    private func facts() throws -> [Fact] {
        var facts: [Fact] = []
        for line in try Self.text.get().split(separator: "\n") {
            if let heading = line.wholeMatch(of: /#### ([0-9]+)\. .+/) {
                facts.append(Fact(number: Int(heading.1)!))
            } else if let item = line.wholeMatch(of: /- ([A-Za-z ]+): (.+)/), !facts.isEmpty {
                #expect(facts[facts.count - 1].items.updateValue(String(item.2), forKey: String(item.1)) == nil)
            }
        }
        return facts
    }

    /// The tests in the sources that carry a number, as the document names them: functions and claims of scripts.
    private func tests() throws -> Set<String> {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var tests = Set(Script.all.filter { $0.title.hasPrefix("B") }.map { "claim \($0.title)" })
        let files = try #require(FileManager.default.enumerator(at: top, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.lastPathComponent.hasSuffix("Tests.swift") {
            let source = try String(contentsOf: file, encoding: .utf8)
            tests.formUnion(source.matches(of: /func (B[0-9]+_[A-Za-z0-9_]+)\(/).map { String($0.1) })
        }
        return tests
    }

    /// The number that a test, or a reference to tests, carries.
    private func number(_ test: String) -> Int? { test.firstMatch(of: /B([0-9]+)/).flatMap { Int($0.1) } }

    /// Whether a name in the document is the one of a test, or (ending in `…`) the beginning of one.
    private func names(_ name: String, _ test: String) -> Bool {
        name.hasSuffix("…") ? test.hasPrefix(name.dropLast()) : test == name
    }

    @Test func everyFactHasOneEntryWithAllThereIsToSay() throws {
        let facts = try facts()
        #expect(facts.map(\.number) == Array(1...82))
        for fact in facts {
            let ends = Set(fact.items.keys).subtracting(["Linux", "journal"])
            #expect(fact.items.count == 3 && ends.count == 1, "\(fact.number): \(fact.items.keys)")
            #expect(ends.isSubset(of: ["Tests", "Not provoked", "Not tested"]), "\(fact.number): \(ends)")
        }
    }

    @Test func everyTestItNamesExistsAndCarriesTheNumber() throws {
        let tests = try tests()
        for fact in try facts() {
            for name in fact.named {
                #expect(tests.contains { names(name, $0) }, "\(fact.number): no such test: \(name)")
                #expect(number(name) == fact.number, "\(fact.number) names \(name)")
            }
            if let line = fact.items["Tests"] {
                // Nothing but names: a test that is not in backquotes would not be looked for.
                let rest = line.replacing(/`[^`]+`/, with: "")
                #expect(rest.allSatisfy { $0 == "," || $0 == " " }, "\(fact.number): \(line)")
                #expect(!fact.named.isEmpty, "\(fact.number): \(line)")
            }
        }
    }

    @Test func everyTestThatCarriesANumberStandsInItsEntry() throws {
        let facts = try Dictionary(uniqueKeysWithValues: facts().map { ($0.number, $0) })
        for test in try tests().sorted() {
            let fact = try #require(number(test).flatMap { facts[$0] }, "\(test): no such fact")
            #expect(fact.named.contains { names($0, test) }, "\(fact.number) does not name \(test)")
        }
    }

    @Test func theCountIsTrue() throws {
        let facts = try facts()
        func count(_ end: String) -> Int { facts.filter { $0.items[end] != nil }.count }
        let line =
            "\(count("Tests")) of \(facts.count) tested, \(count("Not provoked")) not provoked, "
            + "\(count("Not tested")) wait for fanotify."
        #expect(try Self.text.get().split(separator: "\n").last == Substring(line))
    }
}
