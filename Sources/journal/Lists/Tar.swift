import Changes
import Query

/// `tar -C SRC --null --no-recursion -T LIST -cpf INCREMENT`, and to restore, over what was restored before:
/// `xargs -0 -r -a DELETES rm -rf --`, then `tar -xpf INCREMENT`.
///
/// - With --null, names need no escaping, and a leading `-` is no option.
/// - All names of a file with hard links, or it comes back as two files.
/// - Without the deletes neither deletions nor changes between file and directory are restored (2). `--recursive-unlink`, which
///   the manual offers for the latter, empties each directory in the increment, though only its mode had changed.
extension ToolList {
    static let tar = ToolList(name: "tar", companions: withOtherNames, rule: { PresentPaths() })
    static let tarDeletes = ToolList(name: "tar:deletes", rule: { DepartedPaths() })

    /// For tools that know hard links by what is in one list.
    @Sendable static func withOtherNames(_ base: Path?) -> Selection.Companions {
        var companions = Selection.Companions()
        companions.otherNames = true
        return companions
    }
}
