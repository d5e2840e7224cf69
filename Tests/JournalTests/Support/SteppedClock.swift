import Foundation

/// Clocks of a program's own that a test can step while it runs: a library that is loaded before libc and adds to
/// CLOCK_REALTIME and CLOCK_BOOTTIME what stands in a mapped file. The machine's clocks stay as they are.
final class SteppedClock {
    /// What stands before `journal` on a command line.
    let wrapper: [Bytes]
    private let steps: Bytes

    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>

        static volatile int64_t *steps;

        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("CLOCK_STEPS");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *mapped = mmap(0, 16, PROT_READ, MAP_SHARED, file, 0);
            if (mapped != MAP_FAILED) steps = mapped;
            close(file);
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            int result = (int)syscall(SYS_clock_gettime, clock, time);
            if (result != 0 || !steps) return result;
            if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += steps[0];
            if (clock == CLOCK_BOOTTIME) time->tv_sec += steps[1];
            return result;
        }
        """

    /// Builds the library in `directory`; nil where there is no compiler.
    init?(in directory: Bytes) throws {
        let (code, library) = (directory / "clock.c", directory / "clock.so")
        try Sys.write(code, SteppedClock.source)
        steps = directory / "clock.steps"
        try Sys.write(steps, [UInt8](repeating: 0, count: 16))
        wrapper = ["env", Bytes("LD_PRELOAD=\(Sanitizer.preload(library))"), Bytes("CLOCK_STEPS=\(steps)")]
        let found = try ["cc", "clang"].contains { compiler in
            try Program.run("sh", ["-c", Bytes("command -v \(compiler)")]).status == 0
                && Program.run(Bytes(compiler), ["-shared", "-fPIC", "-o", library, code]).status == 0
        }
        if !found { return nil }
    }

    /// From now on the wall clock is `real` seconds ahead, and the boot clock `boot`.
    func step(real: Int64, boot: Int64 = 0) throws {
        let bytes = [real, boot].flatMap { step in (0..<8).map { UInt8(truncatingIfNeeded: step >> ($0 * 8)) } }
        try Sys.write(steps, bytes, O_WRONLY)
    }
}
