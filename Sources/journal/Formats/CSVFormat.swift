import Changes
import Kernel
import Query

/// RFC 4180: a header line, CRLF, quotes where a field needs them. The columns are those of json.
struct CSVFormat: RowFormat {
    func begin(_ output: inout Output) throws(SystemError) {
        try output.write(
            "seq,time,not_before,kind,type,path,old_path,content,metadata,size,mtime,mode,uid,gid,ino,source,moved_with\r\n")
    }

    /// The RFC's fields are text: bytes that are none would be repaired, or refused, by whoever reads them.
    func canCarry(_ path: [UInt8]) -> Bool { path.validText != nil }

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        var line = Array("\(change.seq),".utf8)
        Timestamp.append(utc: change.time, to: &line)
        line.append(comma)
        if let notBefore = change.notBefore { Timestamp.append(utc: notBefore, to: &line) }
        line += ",\(change.kind.word),\(change.type.word),".utf8
        append(change.path, to: &line)
        line.append(comma)
        if let old = change.oldPath { append(old, to: &line) }
        line += ",\(change.difference.contains(.content)),\(change.difference.contains(.metadata)),\(change.size),".utf8
        Timestamp.append(utc: change.mtime, to: &line)
        line += ",\(change.mode & 0o7777),\(change.uid),\(change.gid),\(change.ino),\(change.source.word),".utf8
        if let movedWith = change.movedWith { line += "\(movedWith)".utf8 }
        line += "\r\n".utf8
        try output.write(line)
    }

    private var comma: UInt8 { UInt8(ascii: ",") }

    /// > Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in double-quotes.
    private func append(_ field: [UInt8], to line: inout [UInt8]) {
        guard field.contains(where: { "\",\r\n ".utf8.contains($0) }) else {
            line += field
            return
        }
        line.append(UInt8(ascii: "\""))
        for byte in field {
            if byte == UInt8(ascii: "\"") { line.append(byte) }
            line.append(byte)
        }
        line.append(UInt8(ascii: "\""))
    }
}
