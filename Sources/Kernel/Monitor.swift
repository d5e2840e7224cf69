internal import Glibc

/// A value behind a pthread_mutex_t, with a pthread_cond_t for those who wait for it to become something: no descriptor, and
/// no system call while nobody waits. (`Mutex` of the standard library has no condition.)
@safe package final class Monitor<Value>: @unchecked Sendable {
    // Sendable: all access to `value` and `waiters` is under the mutex.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var value: Value
    private var waiters = 0

    package init(_ value: Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Changes the value, and wakes those who wait.
    package func change<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let result = body(&value)
        if waiters > 0 { unsafe pthread_cond_broadcast(condition) }
        return result
    }

    /// Waits until `body` gives something; what it changes then wakes nobody.
    package func wait<Result>(_ body: (inout Value) -> Result?) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&value) { return result }
            waiters += 1
            unsafe pthread_cond_wait(condition, mutex)
            waiters -= 1
        }
    }
}
