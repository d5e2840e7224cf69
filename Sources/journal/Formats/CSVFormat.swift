import Changes
import Kernel
import Query

/// RFC 4180: a header line, CRLF, quotes where a field needs them. The columns are those of json.
struct CSVFormat: RowFormat {
    func begin(_ output: inout Output) throws(SystemError) {
        try output.write(
            "seq,time,not_before,kind,type,path,old_path,content,metadata,size,mtime,mode,uid,gid,ino,source,moved_with\r\n"
        )
    }

    /// The RFC's fields are text: bytes that are none would be repaired, or refused, by whoever reads them.
    func canCarry(_ path: [UInt8]) -> Bool { path.validText != nil }

    mutating func row(_ change: Change, _ output: inout Output) throws(SystemError) {
        var line = Line()
        line.append(change.seq)
        line.append(",")
        Timestamp.append(utc: change.time, to: &line)
        line.append(",")
        if let notBefore = change.notBefore { Timestamp.append(utc: notBefore, to: &line) }
        line.append(",\(change.kind.word),\(change.type.word),")
        append(change.path, to: &line)
        line.append(",")
        if let old = change.oldPath { append(old, to: &line) }
        line.append(change.difference.contains(.content) ? ",true" : ",false")
        line.append(change.difference.contains(.metadata) ? ",true," : ",false,")
        line.append(change.size)
        line.append(",")
        Timestamp.append(utc: change.mtime, to: &line)
        for number in [UInt64(change.mode & 0o7777), UInt64(change.uid), UInt64(change.gid), change.ino] {
            line.append(",")
            line.append(number)
        }
        line.append(",\(change.source.word),")
        if let movedWith = change.movedWith { line.append(movedWith) }
        line.append("\r\n")
        try output.write(line.bytes)
    }

    /// > Fields containing line breaks (CRLF), double quotes, and commas should be enclosed in double-quotes.
    private func append(_ field: [UInt8], to line: inout Line) {
        guard field.contains(where: { "\",\r\n ".utf8.contains($0) }) else {
            line.append(field)
            return
        }
        line.append("\"")
        for byte in field {
            if byte == UInt8(ascii: "\"") { line.append(byte: byte) }
            line.append(byte: byte)
        }
        line.append("\"")
    }
}
