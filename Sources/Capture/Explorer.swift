internal import Kernel

/// What one thread needs to watch and list directories.
struct Explorer: ~Copyable {
    let reader = DirectoryReader()
    /// Nil where the thread cannot have one of its own.
    private let place: WorkingDirectory?

    /// For the calling thread.
    init() {
        do throws(SystemError) { place = try WorkingDirectory() } catch { place = nil }
    }

    /// Watches an open directory.
    borrowing func watch(
        _ directory: borrowing Descriptor, by inotify: borrowing Inotify
    ) throws(SystemError) -> WatchDescriptor {
        switch place {
        case .some(let place): try inotify.watch(directory, from: place)
        case .none: try inotify.watch(directory)
        }
    }
}
