import Testing

@testable import Kernel

@Suite struct MountTableTests {
    @Test func B51_theMountPointIsTheFifthField() {
        let line = #"36 35 98:0 /mnt1 /mnt2/a\040b\134c rw,noatime master:1 - ext3 /dev/root rw,errors=continue"#
        #expect(MountTable.point(line.utf8) == Array(#"/mnt2/a b\c"#.utf8))
        #expect(MountTable.point("36 35 98:0 /".utf8) == nil)
        #expect(MountTable.point(#"1 2 3:4 / /odd\9 rw - x y z"#.utf8) == Array(#"/odd\9"#.utf8))
    }
}
