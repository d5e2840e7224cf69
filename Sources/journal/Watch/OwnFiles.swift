import Capture
import Changes
import Kernel

/// The database and its companions, the socket among them: their inodes stay the same while they are open.
enum OwnFiles {
    static func all(_ database: Path) throws(SystemError) -> Set<OwnFile> {
        var files: Set<OwnFile> = []
        for suffix in ["", "-wal", "-shm", "-lock", "-socket"] {
            do {
                let status = try FileStatus(at: database.shown + Array(suffix.utf8))
                files.insert(OwnFile(device: status.device, inode: status.inode))
            } catch {
                guard error.isMissing else { throw error }
            }
        }
        return files
    }
}
