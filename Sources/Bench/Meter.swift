import Glibc

/// What a running process has cost so far.
enum Meter {
    /// User and system time of a process and of those it has started, seconds.
    ///
    /// The process's CPU clock counts in nanoseconds, and keeps what threads used that have ended. The alternatives fall
    /// short: `utime` and `stime` in /proc/PID/stat come in ticks of 10 ms, and /proc/PID/task/*/schedstat forgets a
    /// thread that ended. Side by side over an untar, the clock and the ticks agree to a tick.
    static func cpu(of pid: pid_t) -> Double {
        var clock = clockid_t()
        guard unsafe clock_getcpuclockid(pid, &clock) == 0 else { return 0 }
        return children(of: pid).reduce(System.read(clock)) { $0 + cpu(of: $1) }
    }

    /// /proc/PID/task/TID/children, which a kernel without CONFIG_PROC_CHILDREN does not have.
    private static func children(of pid: pid_t) -> [pid_t] {
        let tasks = "/proc/\(pid)/task"
        return System.list(Array(tasks.utf8)).flatMap { thread in
            System.text("\(tasks)/\(String(decoding: thread.name, as: UTF8.self))/children").split(separator: " ")
                .compactMap { pid_t($0) }
        }
    }

    /// The most memory that was resident at once (VmHWM), bytes.
    ///
    /// Not the `ru_maxrss` of wait4(2): the kernel counts into that what the process had before it called execve(2),
    /// which is the memory of whoever started it.
    static func peakMemory(of pid: pid_t) -> Int {
        let line = System.text("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }

    /// How many inotify watches a process holds.
    static func watches(of pid: pid_t) -> Int {
        let descriptors = "/proc/\(pid)/fdinfo"
        return System.list(Array(descriptors.utf8)).reduce(0) { count, entry in
            let lines = System.text("\(descriptors)/\(String(decoding: entry.name, as: UTF8.self))").split(
                separator: "\n")
            return count + lines.count { $0.hasPrefix("inotify wd:") }
        }
    }

    /// Waits until a process uses the CPU no more, and returns what it had used by then.
    ///
    /// A program like inotifywait does not say when it has caught up. One that has does nothing.
    static func settled(_ pid: pid_t) -> Double {
        var last = cpu(of: pid)
        while true {
            System.sleep(0.3)
            let next = cpu(of: pid)
            if next - last < 0.001 { return next }
            last = next
        }
    }
}
