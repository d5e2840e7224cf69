import Foundation
import Testing

/// The sessions of the README and of other pages, as printed.
struct SessionTests {
    /// A command of the session, and the lines printed below it.
    struct Step {
        var command: String
        var output: [String] = []
    }

    /// `$ ` begins a command. What an interactive shell says of a job (`[1] 4711`) no script says.
    static func steps(_ lines: [String]) -> [Step] {
        var steps: [Step] = []
        for line in lines {
            if line.hasPrefix("$ ") {
                steps.append(Step(command: String(line.dropFirst(2))))
            } else if line.wholeMatch(of: /\[\d+\] \d+/) == nil, !steps.isEmpty {
                steps[steps.count - 1].output.append(line)
            }
        }
        return steps
    }

    /// What differs from run to run, replaced by a word for it.
    static func normalized(_ line: String, home: String) -> String {
        line.replacing(home, with: "/home/you")
            .replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d+:[0-9a-f]{16}/, with: "CURSOR")
            .replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, with: "TIME")
            .trimmingCharacters(in: .whitespaces)
    }

    @Test func theReadmeSessionWorksAsPrinted() throws {
        guard try Program.run("sh", ["-c", "command -v bash && command -v sqlite3"]).status == 0 else {
            return try Skipped.note("no bash or no sqlite3")
        }
        try play("README.md")
    }

    @Test func theSessionWithGitWorksAsPrinted() throws {
        guard Repository.isPossible, try Program.run("sh", ["-c", "command -v bash"]).status == 0 else {
            return try Skipped.note("no bash or no git")
        }
        try play(
            "Documentation/git.md",
            before: """
                export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
                git init -q ~/project && cd ~/project && echo one > README && git add .
                git -c user.name=a -c user.email=a@b commit -qm one && cd ~

                """)
    }

    /// Does what the first session of the page says that has a watcher in it, and compares what is printed.
    private func play(_ page: String, before: String = "") throws {
        let blocks = try Document(page).blocks("console").filter { $0.contains { $0.contains("journal watch") } }
        let steps = Self.steps(try #require(blocks.first))
        try #require(steps.count > 5)

        let scratch = try Scratch()
        var script = "set -m\nexec 2>&1\ntrap 'kill %1 2> /dev/null' EXIT\n" + before
        for (index, step) in steps.enumerated() {
            script += "echo '@\(index)'\n\(step.command)\n"
            // A person takes a second to type on; until then the database has been made.
            if step.command.hasSuffix("&") {
                script += "until journal sync > /dev/null 2>&1 || ! kill -0 $!; do sleep 0.02; done\n"
            }
        }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let output = try Program.run(
            "bash", ["-c", Bytes(script)],
            environment: ["PATH": "\(Program.journal.parent):\(path)", "HOME": "\(scratch.path)", "LC_ALL": "C.UTF-8"],
            directory: scratch.path, timeout: .seconds(60))

        var printed: [[String]] = []
        for line in output.lines {
            if line.hasPrefix("@") { printed.append([]) } else { printed[printed.count - 1].append(String(line)) }
        }
        try #require(printed.count == steps.count, "\(output)")
        for (step, lines) in zip(steps, printed) {
            let expected = step.output.map { Self.normalized($0, home: "/home/you") }
            let found = lines.map { Self.normalized($0, home: "\(scratch.path)") }
            #expect(found == expected, "$ \(step.command)")
        }
    }
}
