// swift-tools-version: 6.2
//
// The targets stand in the order in which data flows: a target may depend only on targets above it.
//
//     kernel queue ─read─▶ Kernel ─events─▶ Capture ─Batch─▶ Store ─log + state─▶ Query ─rows─▶ journal
//
import PackageDescription

/// What every target of ours is compiled with: the compiler is the first reviewer.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests read spans that Swift 6.3 marks unsafe, so they go without strict memory safety.
let tested: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "journal",
    products: [.executable(name: "journal", targets: ["journal"])],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The SQL as files for people, embedded for the binary.
        .target(
            name: "Schema",
            path: "Schema",
            exclude: ["README.md"],
            resources: [.embedInCode("journal.sql"), .embedInCode("migrations/001.sql")],
            swiftSettings: strict),

        // What the Glibc module lacks.
        .target(name: "CLinux"),

        // The only target of the journal with libc in it.
        .target(name: "Kernel", dependencies: ["CLinux"], swiftSettings: strict),

        // The words all share, as pure values.
        .target(name: "Changes", swiftSettings: strict),

        // Kernel events and crawls in, batches out.
        .target(name: "Capture", dependencies: ["Kernel", "Changes"], swiftSettings: strict),

        // What Swift cannot call of SQLite.
        .target(name: "CSQLite"),

        // Statements where each row counts, by SQLite's own functions.
        .target(
            name: "RawSQL",
            dependencies: [
                "Changes", "CSQLite",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),

        // Batches in, log and state out: the only writer.
        .target(
            name: "Store",
            dependencies: [
                "Schema", "Changes", "RawSQL",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),

        // The read side: questions in, rows or a refusal out.
        .target(
            name: "Query",
            dependencies: [
                "Schema", "Changes", "RawSQL",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),

        // One file a subcommand, the formats, and the control socket's two ends.
        .executableTarget(
            name: "journal",
            dependencies: [
                "Kernel", "Changes", "Capture", "Store", "Query",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Random numbers that can be had again, for what measures and what tests.
        .target(name: "Seeded", swiftSettings: strict),

        // Measures the built binary beside its peers: make bench. No product, and no part of the journal.
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Kernel", "Seeded",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        .testTarget(name: "KernelTests", dependencies: ["Kernel"], swiftSettings: tested),
        .testTarget(name: "ChangesTests", dependencies: ["Changes", "Seeded"], swiftSettings: tested),
        .testTarget(
            name: "CaptureTests", dependencies: ["Capture", "Changes", "Kernel", "Seeded"], swiftSettings: tested),
        .testTarget(
            name: "QueryTests",
            dependencies: [
                "Schema", "Changes", "Query", "Seeded",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: tested),

        .testTarget(name: "BenchTests", dependencies: ["Bench"], swiftSettings: tested),

        // What tests provoke and the Glibc module lacks.
        .target(name: "CTestLinux", path: "Tests/CTestLinux"),

        // The claims of the contract, against this machine's kernel and the built binary.
        .testTarget(
            name: "JournalTests",
            dependencies: [
                "journal", "Kernel", "Changes", "Query", "Schema", "Seeded", "CTestLinux",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Kill/killpoint.c"],
            resources: [.copy("Scripts")],
            swiftSettings: tested),
    ],
    swiftLanguageModes: [.v6]
)
