import CTestLinux
import Foundation
import Testing

/// The queries of Schema/README.md, put to a live journal by three programs that know nothing of it: all say the same.
@Suite struct SchemaQueryTests {
    /// Prints each answer to a line a query: rows as SQL literals, sorted. Argument 1 is the database, 2 the socket of a
    /// Datasette or nothing; queries come on stdin, with NUL behind each.
    private static let script = """
        import base64, http.client, json, pathlib, socket, sqlite3, sys, urllib.parse

        def literal(value):
            if value is None: return 'NULL'
            if isinstance(value, dict) and value.get('$base64'): value = base64.b64decode(value['encoded'])
            if isinstance(value, bytes): return "X'" + value.hex() + "'"
            if isinstance(value, str): return "'" + value.replace("'", "''") + "'"
            return repr(value)

        class Local(http.client.HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(sys.argv[2])

        def datasette(query):
            connection = Local('localhost')
            name = pathlib.Path(sys.argv[1]).stem
            arguments = urllib.parse.urlencode({'sql': query.rstrip().rstrip(';'), '_shape': 'arrays'})
            connection.request('GET', f'/{name}.json?{arguments}')
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if reply.status != 200: raise SystemExit(f'{reply.status}: {answer}')
            return answer['rows'] if isinstance(answer, dict) else answer

        def plain(query):
            connection = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
            return connection.execute(query).fetchall()

        ask = datasette if sys.argv[2] else plain
        for query in filter(None, sys.stdin.read().split('\\0')):
            print(' | '.join(sorted(','.join(map(literal, row)) for row in ask(query))).replace('\\n', ' '))
        """

    private let session: Session
    private let queries: [String]

    init() throws {
        session = try Session()
        queries = try Document("Schema/README.md").blocks("sql").map { $0.joined(separator: "\n") }
        try Sys.mkdirs(session.tree / "before")
        for name in ["before/f", "g"] as [Bytes] { try Sys.write(session.tree / name, "1") }
        let watcher = try session.start()
        try Sys.write(session.tree / "h", "1")
        let cursor = try session.sync()
        try Sys.write(session.tree / Bytes([0x62, 0xff]), "not UTF-8")
        try Sys.write(session.tree / "setuid", "1")
        let output = try Program.run(
            "sh", ["-c", "chmod 4755 setuid && ln setuid \"it's\" && mv before after && rm after/f"],
            directory: session.tree)
        try #require(output.status == 0, "\(output)")
        try session.sync()
        try watcher.stop()
        try session.put(consumer: "nightly", at: cursor)
        try watcher.restart()
        try #require(try session.run("verify").status == 0)
        try session.prune(before: "consumer:nightly")
        for name in ["g.1", "g.2"] as [Bytes] {
            try Sys.rename(session.tree / (name == "g.1" ? "g" : "g.1"), session.tree / name)
            try session.sync()
        }
        for name in ["h", "after/new"] as [Bytes] { try Sys.write(session.tree / name, "more") }
        try session.sync()
    }

    /// What `sqlite3` says, in the form of the script.
    private func sqlite3() throws -> [String]? {
        guard try Program.run("sh", ["-c", "command -v sqlite3"]).status == 0 else {
            try Skipped.note("no sqlite3")
            return nil
        }
        return try queries.map { query in
            let answer = try Program.run(
                "sqlite3", ["-readonly", "-bail", "-quote", session.database, Bytes(query)])
            #expect(answer.status == 0 && answer.errors.isEmpty, "\(answer)")
            return answer.lines.sorted().joined(separator: " | ")
        }
    }

    private func python(_ socket: Bytes) throws -> [String]? {
        guard try Program.run("sh", ["-c", "command -v python3"]).status == 0 else {
            try Skipped.note("no python3")
            return nil
        }
        let output = try Program.run(
            "python3", ["-c", Bytes(Self.script), session.database, socket],
            input: Array(queries.joined(separator: "\0").utf8))
        #expect(output.status == 0, "\(output)")
        return output.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    private func compare(_ answers: [String], _ others: [String]) {
        #expect(answers.count == queries.count && others.count == queries.count)
        for ((query, one), other) in zip(zip(queries, answers), others) {
            #expect(one == other, "\(query)")
        }
    }

    @Test func everyQueryIsAnsweredAndAlikeByPython() throws {
        try #require(queries.count >= 18)
        guard let answers = try sqlite3() else { return }
        // A query that finds nothing shows nothing.
        for (query, answer) in zip(queries, answers) where !query.contains("1000 ORDER") && !query.contains("/srv/") {
            #expect(!answer.isEmpty, "\(query)")
        }
        guard let others = try python("") else { return }
        compare(answers, others)
    }

    @Test func everyQueryIsAnsweredAlikeByDatasette() throws {
        guard try Program.run("sh", ["-c", "command -v datasette"]).status == 0 else {
            return try Skipped.note("no datasette")
        }
        let socket = session.base / "datasette"
        let server = try Child("datasette", ["serve", "--uds", socket, session.database])
        defer { server.signal(SIGTERM) }
        let isThere = try eventually { try !server.isRunning || Sys.facts(socket) != nil }
        try #require(isThere && server.isRunning, "\(server.output(status: 0))")
        guard let answers = try sqlite3(), let others = try python(socket) else { return }
        compare(answers, others)
        // It reads the live journal, and what is committed while it does.
        try Sys.write(session.tree / "later", "1")
        try session.sync()
        #expect(try python(socket)?.contains { $0.contains("/tree/later'") } == true)
    }

    /// The page's copies, and what becomes of one that is put in the journal's place.
    @Test(arguments: ["VACUUM INTO", ".backup"]) func aCopyIsMadeAndPutInPlaceAsThePageSays(how: String) throws {
        guard try sqlite3() != nil else { return }
        let blocks = try Document("Schema/README.md").blocks("sh").map { $0.joined(separator: "\n") }
        let make = try #require(blocks.first { $0.contains(how) })
        let restore = try #require(blocks.first { $0.contains("mv copy.db") })
        func sh(_ script: String) throws {
            let output = try Program.run(
                "sh", ["-e", "-c", Bytes(script)], environment: ["JOURNAL_DB": session.database.description],
                directory: session.base)
            try #require(output.status == 0 && output.errors.isEmpty, "\(output)")
        }
        let before = try session.sync()
        try sh(make)
        #expect(try Sys.facts(session.base / "copy.db").map { $0.mode & 0o077 } == 0)
        let copy = Views(database: session.base / "copy.db")
        #expect(try copy.value("PRAGMA integrity_check") == "ok")
        let rows = "SELECT group_concat(seq || kind || coalesce(path, hex(path_raw))) FROM changes"
        #expect(try copy.value(rows) == session.views.value(rows))
        try Sys.write(session.tree / "after the copy", "1")
        let after = try session.sync()
        try session.watcher?.stop()
        let uuid = try session.views.journal().uuid
        try sh(restore)
        try session.start()
        #expect(try session.views.journal().uuid != uuid)
        for cursor in [before, after] { try session.expectRefusal(since: cursor) }
        #expect(try session.run("query", "--since", "consumer:nightly").status == 66)
        #expect(try session.views.value("SELECT count(*) FROM consumers") == "0")
        #expect(Comparison.state(try session.views.files(), try Tree(walking: session.tree)).isEmpty)
    }
}
