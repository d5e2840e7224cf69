import Foundation

/// One row of `query --format json`.
struct Row: CustomStringConvertible {
    var seq: Int64
    var time: Int64
    var notBefore: Int64?
    var kind: String
    var type: String
    var path: Bytes
    var oldPath: Bytes?
    var content: Bool
    var metadata: Bool
    var size: Int64?
    var mtime: Int64?
    var mode: UInt32?
    var uid: UInt32?
    var gid: UInt32?
    var ino: UInt64?
    var source: String
    var movedWith: Int64?

    var description: String {
        let flags = (content ? " content" : "") + (metadata ? " metadata" : "")
        let place = oldPath.map { "\($0) -> \(path)" } ?? path.description
        return "\(seq) \(kind) \(place) (\(type)\(flags), \(source)\(movedWith.map { ", with \($0)" } ?? ""))"
    }
}

extension Row {
    init(_ line: JSON) throws {
        func wrong(_ what: String) -> JSON.Malformed { JSON.Malformed(what: what, text: "\(line)") }
        guard let seq = line["seq"]?.integer else { throw wrong("seq") }
        guard let time = try line["time"]?.text.map(Time.parse) else { throw wrong("time") }
        guard let kind = line["kind"]?.text else { throw wrong("kind") }
        guard let type = line["type"]?.text else { throw wrong("type") }
        guard let path = try Row.bytes(line, "path") else { throw wrong("path") }
        guard let source = line["source"]?.text else { throw wrong("source") }
        guard let content = line["content"]?.truth, let metadata = line["metadata"]?.truth else {
            throw wrong("content")
        }
        if case .number? = line["ino"] { throw wrong("ino as a number") }
        self.seq = seq
        self.time = time
        notBefore = try line["not_before"]?.text.map(Time.parse)
        self.kind = kind
        self.type = type
        self.path = path
        oldPath = try Row.bytes(line, "old_path")
        self.content = content
        self.metadata = metadata
        size = line["size"]?.integer
        mtime = try line["mtime"]?.text.map(Time.parse)
        mode = Row.mode(line["mode"])
        uid = line["uid"]?.integer.map { UInt32($0) }
        gid = line["gid"]?.integer.map { UInt32($0) }
        ino = line["ino"]?.text.flatMap { UInt64($0) }
        self.source = source
        movedWith = line["moved_with"]?.integer
    }

    /// `path`, or `path_base64` **instead of** it.
    private static func bytes(_ line: JSON, _ name: String) throws -> Bytes? {
        let text = line[name]?.text
        guard let encoded = line["\(name)_base64"]?.text else { return text.map { Bytes($0) } }
        guard let data = Data(base64Encoded: encoded), text == nil else {
            throw JSON.Malformed(what: "\(name)_base64", text: "\(line)")
        }
        guard String(validating: data, as: UTF8.self) == nil else {
            throw JSON.Malformed(what: "\(name)_base64 for valid UTF-8", text: "\(line)")
        }
        return Bytes(data)
    }

    /// Permission bits as a number, or as octal text; the type bits are told by `type`.
    private static func mode(_ value: JSON?) -> UInt32? {
        switch value {
        case .number(let digits): UInt32(digits).map { $0 & 0o7777 }
        case .string(let digits): UInt32(digits, radix: 8).map { $0 & 0o7777 }
        default: nil
        }
    }
}

/// What `query --format json --cursor` printed on status 0.
struct Answer: CustomStringConvertible {
    var rows: [Row] = []
    /// The cursor to go on from; nil where it was not asked for.
    var cursor: String?

    init(_ output: Program.Output) throws {
        for line in output.bytes.split(separator: UInt8(ascii: "\n")) {
            let json = try JSON(line)
            if let cursor = json["cursor"]?.text {
                guard json["complete"] == .bool(true), self.cursor == nil else {
                    throw JSON.Malformed(what: "the last line", text: "\(output)")
                }
                self.cursor = cursor
            } else {
                guard cursor == nil else { throw JSON.Malformed(what: "rows after the cursor", text: "\(output)") }
                rows.append(try Row(json))
            }
        }
    }

    /// The paths, without the directories of which a crawl reports only that their ctime has moved.
    var paths: [Bytes] {
        rows.filter { !($0.source == "crawl" && $0.kind == "attrib" && $0.type == "directory") }.map(\.path)
    }

    var description: String { rows.map(\.description).joined(separator: "\n") }
}

/// RFC 3339 in UTC, to the nanosecond.
enum Time {
    static func parse(_ text: String) throws -> Int64 {
        let fields = text.split(whereSeparator: { "-T:.Z".contains($0) }).map(String.init)
        let form = text.map { $0.isASCII && $0.isNumber ? "9" : String($0) }.joined()
        guard form == "9999-99-99T99:99:99.999999999Z", let year = Int64(fields[0]), let month = Int64(fields[1]),
            let day = Int64(fields[2]), let hour = Int64(fields[3]), let minute = Int64(fields[4]),
            let second = Int64(fields[5]), let fraction = Int64(fields[6])
        else { throw JSON.Malformed(what: "no RFC 3339 time in UTC with nanoseconds", text: text) }
        // Days from civil, after Hinnant: the year begins in March, so that the leap day is its last.
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000 + fraction
    }

    /// The clock's time as RFC 3339, rounded to the second.
    static func text(_ date: Date) -> String { ISO8601DateFormatter().string(from: date) }
}
