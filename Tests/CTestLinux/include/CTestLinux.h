// System calls the tests provoke or look with, and that Swift's Glibc module lacks.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/stat.h>

/// What statx tells of one name; times are nanoseconds since 1970, `btime` is 0 where there is none.
struct test_facts {
    uint32_t mode, nlink, uid, gid;
    uint64_t ino, device;
    int64_t size, mtime, ctime, btime, atime;
};

static inline int64_t test_nanoseconds(struct statx_timestamp t) {
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

/// statx(2) without following a symlink; `name` may be empty, for `directory` itself.
static inline int test_statx(int directory, const char *name, struct test_facts *facts) {
    struct statx x;
    if (syscall(SYS_statx, directory, name, 0x100 | 0x1000, STATX_BASIC_STATS | STATX_BTIME, &x) != 0) return -1;
    facts->mode = x.stx_mode;
    facts->nlink = x.stx_nlink;
    facts->uid = x.stx_uid;
    facts->gid = x.stx_gid;
    facts->ino = x.stx_ino;
    facts->device = ((uint64_t)x.stx_dev_major << 32) | x.stx_dev_minor;
    facts->size = (int64_t)x.stx_size;
    facts->mtime = test_nanoseconds(x.stx_mtime);
    facts->ctime = test_nanoseconds(x.stx_ctime);
    facts->atime = test_nanoseconds(x.stx_atime);
    facts->btime = x.stx_mask & STATX_BTIME ? test_nanoseconds(x.stx_btime) : 0;
    return 0;
}

/// renameat2(2): RENAME_NOREPLACE 1, RENAME_EXCHANGE 2, RENAME_WHITEOUT 4.
static inline int test_renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

static inline int test_memfd(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1 /* MFD_CLOEXEC */);
}

static inline ssize_t test_copy_file_range(int from, int to, size_t count) {
    return syscall(SYS_copy_file_range, from, NULL, to, NULL, count, 0);
}

/// Sets the inode flags of chattr(1), of which no event tells.
static inline int test_setflags(int descriptor, long flags) {
    return (int)syscall(SYS_ioctl, descriptor, FS_IOC_SETFLAGS, &flags);
}

static inline int test_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

/// FS_IOC_SHUTDOWN, the same number on ext4 (EXT4_IOC_SHUTDOWN) and xfs (XFS_IOC_GOINGDOWN): nothing reaches the disk any
/// more, and every look fails. `flags`: 1 the log is written before, 2 it is not.
static inline int test_shutdown(int descriptor, uint32_t flags) {
    return ioctl(descriptor, _IOR('X', 125, uint32_t), &flags);
}

/// Starts an asynchronous write of libaio and waits for it: the kernel makes no IN_MODIFY for it.
int test_aio_write(int descriptor, const void *bytes, size_t count, int64_t offset);

enum { test_O_TMPFILE = 020000000 | 0200000, test_O_PATH = 010000000 };
