import Glibc

/// A system call that failed: what was called, on what, and why.
struct SystemError: Error, CustomStringConvertible {
    var operation: String
    var path: Bytes
    var code: Int32

    init(_ operation: String, _ path: Bytes = "", code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }

    /// Throws this error, with the errno of now, where `result` is -1.
    @discardableResult
    static func check<R: SignedInteger>(_ result: R, _ operation: String, _ path: Bytes = "") throws -> R {
        if result == -1 { throw SystemError(operation, path) }
        return result
    }
}
