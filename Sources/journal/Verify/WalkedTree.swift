import Changes
import Kernel
import Query

/// The real tree, looked at with eyes of its own: nothing of Capture is used here, because two that share their eyes prove
/// nothing to each other.
///
/// Every path is opened from the root down, a component at a time and never through a link, so that no rename meanwhile
/// leads out of the tree.
struct WalkedTree {
    let root: Path
    private let mount: UInt64
    private let device: UInt64
    private let crossesMounts: Bool

    /// What is at a path. `above` has the directories on the way to it that the state does not know.
    struct Sight: Equatable {
        var status: FileStatus?
        var above: [FileStatus]
    }

    /// Throws where the root is not there, or is not the one that is stored.
    init(_ tree: ComparedTree) throws {
        root = tree.root
        crossesMounts = tree.crossesMounts
        let shown = ShellQuote.text(tree.root.shown)
        do {
            let directory = try Descriptor(opening: tree.root.shown, for: .listing)
            let status = try FileStatus(of: directory)
            (mount, device) = (status.mount, status.device)
            guard try FileSystem(of: directory).key == tree.filesystem else {
                throw Failure(
                    .cannotVouch, "\(shown): cannot vouch: another file system is there",
                    hint: "`journal scan --adopt ROOT` takes it for the root")
            }
        } catch let error as SystemError {
            throw Failure(
                error.reach == .gone ? .noInput : error.isForbidden ? .permission : .inputOutput,
                "\(shown): cannot open: \(error.reason)")
        }
    }

    /// Opens a directory; nil where there is none at that path.
    func open(_ path: Path, for purpose: Descriptor.Purpose) throws(SystemError) -> Descriptor? {
        let components = root.relative(path).split(separator: slash)
        do throws(SystemError) {
            var directory = try Descriptor(opening: root.shown, for: components.isEmpty ? purpose : .anchor)
            for (index, component) in components.enumerated() {
                directory = try Descriptor(
                    at: directory, opening: Array(component), for: index == components.count - 1 ? purpose : .anchor)
            }
            return directory
        } catch {
            guard error.reach == .gone else { throw error }
            return nil
        }
    }

    /// What statx tells of `name` in an open directory; nil where there is no such name.
    static func look(at name: Name, in directory: borrowing Descriptor) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try FileStatus(of: name.bytes, in: directory)
        } catch {
            guard error.reach == .gone else { throw error }
            return nil
        }
    }

    /// Looks at one path. Of the directories on the way to it, the root first, the state knows the first `known`.
    func look(at path: Path, known: Int) throws(SystemError) -> Sight {
        var sight = Sight(status: nil, above: [])
        let components = root.relative(path).split(separator: slash)
        do throws(SystemError) {
            var directory = try Descriptor(opening: root.shown, for: .anchor)
            guard let last = components.last else {
                sight.status = try FileStatus(of: directory)
                return sight
            }
            for (depth, component) in components.enumerated() {
                if depth >= known { sight.above.append(try FileStatus(of: directory)) }
                if depth == components.count - 1 { break }
                directory = try Descriptor(at: directory, opening: Array(component), for: .anchor)
            }
            sight.status = try FileStatus(of: Array(last), in: directory)
        } catch {
            guard error.reach == .gone else { throw error }
        }
        return sight
    }

    /// Whether a directory belongs to a mount that the root does not cross into.
    func isElsewhere(_ status: FileStatus) -> Bool {
        guard status.isDirectory, !crossesMounts else { return false }
        return status.mount == 0 ? status.device != device : status.mount != mount
    }
}
