import Foundation
import Testing

@testable import Bench

/// The archive of workload U, small, unpacked by tar.
@Suite struct TarWriterTests {
    private let directory = FileManager.default.temporaryDirectory.path + "/journal-bench-test.\(getpid())"

    @Test func tarUnpacksWhatTheTreeIsMadeOf() throws {
        try System.makeDirectory(directory)
        defer { do { try Child.run(["rm", "-rf", directory]) } catch { Issue.record(error) } }
        let tree = SourceTree(files: 300, directories: 40)
        #expect(tree.entries.count == 340)
        try tree.write(to: "\(directory)/tar")
        try System.makeDirectory("\(directory)/tree")
        try Child.run(["tar", "-C", "\(directory)/tree", "-xf", "\(directory)/tar"])
        let expected = tree.entries.map { Array("\(directory)/tree/\($0.path)".utf8) }
        #expect(Exactness.walk("\(directory)/tree") == Set(expected))
        for entry in tree.entries {
            if let size = entry.size { #expect(System.size("\(directory)/tree/\(entry.path)") == size) }
        }
    }

    @Test func theTreeIsTheSameEachTime() {
        let paths = SourceTree(files: 300, directories: 40).entries.map(\.path)
        #expect(paths == SourceTree(files: 300, directories: 40).entries.map(\.path))
        #expect(paths.allSatisfy { (2...10).contains($0.split(separator: "/").count) || !$0.contains(".") })
    }
}
