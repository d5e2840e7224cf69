/// `cd SRC; borg create --paths-from-stdin --paths-delimiter '\0' ::NAME < LIST`, and to restore, in the directory that an older
/// archive was extracted to: `xargs -0 -r -a DELETES rm -rf --`, then `borg extract ::NAME`.
///
/// - It takes each path by itself, the base as `.`, and never descends. An empty list makes an empty archive.
/// - It reads the list as text, in which CR is a newline, whatever the delimiter: names with one are refused.
/// - All names of a file with hard links, or it comes back as two files.
/// - Extracting puts nothing in place of a directory that is not empty, and deletes nothing.
extension ToolList {
    static let borg = ToolList(
        name: "borg", companions: withOtherNames, carries: { !$0.contains(UInt8(ascii: "\r")) },
        rule: { PresentPaths() })
    static let borgDeletes = ToolList(name: "borg:deletes", rule: { DepartedPaths() })
}
