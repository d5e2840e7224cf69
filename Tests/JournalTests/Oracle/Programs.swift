import CTestLinux
import Foundation
import Seeded

/// Random work by programs: other processes than the workers', with more than one file open, which close what they have
/// open by exiting, and some of which are killed over it.
///
/// They stay out of the steady directories, where names of one file are.
struct Programs {
    let tree: Bytes
    var random: SplitMix64

    /// Runs `count` commands in one shell. What fails because others are at work has not happened; and where one of them put a
    /// FIFO in the place of a file, nobody reads what is written to it, until the shell is killed.
    mutating func work(_ count: Int) throws {
        var script = "cd \"$0\" || exit 99\n"
        for _ in 0..<count { script += try command() + "\n" }
        Deeds.current?.note(["sh", "-c", script.debugDescription], nil)
        let output = try Program.run("timeout", ["-s", "KILL", "10", "sh", "-c", Bytes(script + "exit 0"), tree])
        guard [0, 128 + SIGKILL].contains(output.status) else { throw Session.Refused(description: "\(output)") }
    }

    private mutating func command() throws -> String {
        let (a, b) = (try existing(), try existing())
        let new = "n\(random.below(6))"
        switch random.below(12) {
        case 0: return "cp -a -- \(a) \(new)"
        case 1: return "cp -r -- \(a) \(b)/"
        case 2: return "mv -- \(a) \(new)"
        case 3: return "rm -rf -- \(a)"
        case 4: return "test -f \(a) && sed -i s/a/bb/g -- \(a)"
        case 5: return "mkdir -p \(new)/x/y && tar -cf - -- \(a) | tar -C \(new)/x -xf -"
        case 6: return "find ./\(new) -type f -exec touch {} +"
        case 7: return "dd if=/dev/zero of=\(new)f bs=1000 count=\(1 + random.below(9)) status=none"
        case 8: return "seq 9999 > \(new)f; truncate -s 100 \(new)f; ln -s \(new)f \(new)l"
        case 9: return "cat /dev/zero > \(new)z & sleep 0.00\(random.below(10)); kill -9 $!; truncate -s 9 \(new)z"
        case 10: return "find . -path ./\(new)/\\* -type d -exec mv {} \(new)d \\;"
        default: return "install -D -m 600 /dev/null \(new)/p/q; chmod -R a+rX \(new)"
        }
    }

    /// Something outside of the steady directories, quoted, relative to the tree.
    private mutating func existing() throws -> String {
        var place = tree
        while true {
            // Others are at work: it may be gone, or no directory any more.
            let names = ((try? Sys.list(place)) ?? []).filter { place != tree || !Worker.steady.contains($0) }
            guard !names.isEmpty else { break }
            place = place / random.pick(names)
            guard random.chance(60), try Sys.facts(place).map({ $0.mode & S_IFMT == S_IFDIR }) == true else { break }
        }
        let path = place.relative(to: tree)
        guard let text = path.text, !text.contains("\0"), text != "" else { return "none" }
        return "'./" + text.replacing("'", with: "'\\''") + "'"
    }
}
