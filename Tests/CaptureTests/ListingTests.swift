import Changes
import Foundation
import Kernel
import Seeded
import Testing

@testable import Capture

/// Names and rows of one directory, walked down together.
@Suite struct ListingTests {
    private let node = NodeID(rawValue: 7)

    /// Names of any bytes, valid UTF-8 and not, some equal in their first eight bytes.
    private func names(_ count: Int, _ random: inout some RandomNumberGenerator) -> [Name] {
        var names: Set<Name> = []
        while names.count < count {
            var bytes = Bool.random(using: &random) ? Array("the same".utf8) : []
            let isText = Bool.random(using: &random)
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                bytes +=
                    isText
                    ? Array(["a", "z", "é", "中", "😀"].randomElement(using: &random)!.utf8)
                    : [UInt8.random(in: 1...255, using: &random)]
            }
            if bytes.contains(slash) || bytes == [46] || bytes == [46, 46] { continue }
            names.insert(Name(bytes))
        }
        // Sets have an order of their own in each process.
        return names.sorted().shuffled(using: &random)
    }

    /// A directory with these names.
    private func withDirectory<Result>(
        of names: [Name], _ body: (borrowing Descriptor, DirectoryListing) throws -> Result
    ) throws -> Result {
        let path = "/dev/shm/journal-listing-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { _ = try? FileManager.default.removeItem(atPath: path) }
        for name in names {
            let file = open(
                (Array(path.utf8) + [slash] + name.bytes + [0]).map { CChar(bitPattern: $0) }, O_CREAT, 0o600)
            try #require(file >= 0)
            close(file)
        }
        let directory = try Descriptor(opening: Array(path.utf8), for: .listing)
        return try body(directory, DirectoryReader().names(in: directory))
    }

    @Test(arguments: 0..<20) func namesAreListedInTheOrderOfTheirRows(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let names = names(300, &random)
        try withDirectory(of: names) { _, listing in
            let listed = (0..<listing.count).map { Name(listing.name($0)) }
            #expect(listed == names.sorted(by: Name.storageOrder))
            #expect(listing.items.map(\.isText) == listed.map(\.isText))
        }
    }

    /// Each name and each row comes once, beside its other half if there is one, whatever the pages are; between two pages
    /// rows may come.
    @Test(arguments: 0..<3) func eachNameMeetsItsRow(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let all = names(seed == 0 ? 40 : 2 * Listing.pageSize + 500, &random)
        let listed = all.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
        var stored = Set(all.filter { _ in Int.random(in: 0..<4, using: &random) > UInt64(seed) % 4 })
        try withDirectory(of: listed) { directory, names in
            let listing = Listing(node: node, names: names, isFolded: false)
            let first = stored
            var seen: [Name: (name: Bool, row: Bool)] = [:]
            var isDone = false
            while !isDone {
                listing.look(in: directory)
                let rows = page(stored, behind: listing.last)
                isDone = listing.forEachOfPage(rows) { name, row in
                    let known = name.map { Name(names.name($0)) } ?? rows.name(row!)
                    if let row { #expect(rows.name(row) == known) }
                    if let name { #expect(listing.names.status(name)?.isFile == true) }
                    #expect(seen.updateValue((name != nil, row != nil), forKey: known) == nil, "\(known) came twice")
                }
                // The state goes on while the directory is at its next page.
                if let late = all.last(where: { !stored.contains($0) && seen[$0] == nil }) { stored.insert(late) }
            }
            #expect(Set(seen.filter(\.value.name).keys) == Set(listed))
            #expect(Set(seen.filter(\.value.row).keys).isSubset(of: stored))
            // One that came late was told of by what brought it.
            #expect(first.allSatisfy { seen[$0]?.row == true })
        }
    }

    private func page(_ stored: Set<Name>, behind last: Name?) -> RowList {
        var rows = RowList()
        let rest = stored.filter { name in last.map { Name.storageOrder($0, name) } ?? true }
        for name in rest.sorted(by: Name.storageOrder).prefix(Listing.pageSize) {
            rows.append(entry(1), isText: name.isText) { $0 += name.bytes }
        }
        return rows
    }

    private func entry(_ inode: UInt64) -> Entry {
        Entry(
            id: FileID(filesystem: 1, inode: inode, birth: 1), mode: 0o100644, size: 0, mtime: 0, ctime: 0, nlink: 1,
            uid: 0, gid: 0)
    }

    /// What is said of one later takes it out, and leaves the others as they are.
    @Test func anArrivalIsTakenOutOnce() {
        var random = SplitMix64(seed: 1)
        let (mine, other) = (NodeID(rawValue: 9), NodeID(rawValue: 3))
        var arrivals = Arrivals()
        var places: [Place] = []
        // Of this one nothing is left: it may be gone.
        let gone = NodeID(rawValue: 5)
        arrivals.begin(gone, isLogged: true)
        arrivals.append(entry(1), isText: true) { $0 += Array("a".utf8) }
        #expect(arrivals.take(Place(gone, Name("a"))) != nil)
        for node in [mine, other, mine] {
            arrivals.begin(node, isLogged: node == mine)
            for name in names(50, &random).sorted(by: Name.storageOrder) where !places.contains(Place(node, name)) {
                arrivals.append(entry(UInt64(places.count)), isText: name.isText) { $0 += name.bytes }
                places.append(Place(node, name))
            }
        }
        let total = places.count
        for (index, place) in places.enumerated() where index % 3 == 0 {
            #expect(arrivals.has(place))
            let taken = arrivals.take(place)
            #expect(taken?.entry.id.inode == UInt64(index) && taken?.isLogged == (place.node == mine))
            #expect(!arrivals.has(place) && arrivals.take(place) == nil)
        }
        #expect(arrivals.count == total - (total + 2) / 3)
        let left = arrivals.sorted()
        #expect(left.groups.map(\.node) == [other, mine, mine])
        let rest = left.groups.flatMap { group in group.rows.map { Place(group.node, left.list.name($0)) } }
        #expect(
            Set(rest) == Set(places.enumerated().filter { $0.offset % 3 != 0 }.map(\.element))
                && rest.count == arrivals.count)
        #expect(left.logged == left.groups.filter { $0.node == mine }.map(\.rows.count).reduce(0, +))
    }
}
