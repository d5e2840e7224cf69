internal import CLinux
internal import Glibc

/// Reads a directory with getdents64(2), in blocks.
///
/// The corresponding C structure is `linux_dirent64`: inode (8), offset (8), record length (2), type (1), name.
@safe package struct DirectoryReader: ~Copyable {
    private let block: UnsafeMutableRawBufferPointer

    /// Bytes of a block: about 1,000 entries, so that a directory of usual size takes two calls.
    private static let blockSize = 32 * 1024

    package init() {
        unsafe block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockSize, alignment: 8)
    }

    deinit { unsafe block.deallocate() }

    /// Hands the name of each entry but `.` and `..` to `body`, in the kernel's order.
    package borrowing func forEachName(
        in directory: borrowing Descriptor, _ body: ([UInt8]) -> Void
    ) throws(SystemError) {
        let raw = directory.raw
        while true {
            let count = try check("getdents64") {
                unsafe clinux_getdents64(raw, block.baseAddress, UInt(Self.blockSize))
            }
            if count == 0 { return }
            var offset = 0
            while offset < count {
                let length = unsafe Int(block.load(fromByteOffset: offset + 16, as: UInt16.self))
                let name = unsafe block.baseAddress!.advanced(by: offset + 19).assumingMemoryBound(to: CChar.self)
                let bytes = unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
                let isDot =
                    unsafe bytes[0] == UInt8(ascii: ".")
                    && (bytes.count == 1 || (bytes.count == 2 && bytes[1] == UInt8(ascii: ".")))
                if !isDot { unsafe body(Array(bytes)) }
                offset += length
            }
        }
    }
}
