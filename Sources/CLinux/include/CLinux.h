// What the Glibc module lacks, or has only as variadic functions and macros, as plain functions. Each returns what the
// system call returns and leaves errno as it left it; the Swift wrappers in Kernel turn that into errors.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
// Swift's Glibc module is compiled without _GNU_SOURCE. That makes __USE_XOPEN, which only renames the member of fd_set,
// and two modules with different fd_sets do not go together: whether a build fails depends on the order of its files.
#include <features.h>
#undef __USE_XOPEN
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/openat2.h>
#include <string.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

// The fields of struct statx that a journal reads, with times as nanoseconds.
struct clinux_status {
    uint32_t mode, nlink, uid, gid;
    uint64_t inode, device, mount;
    int64_t size, mtime, ctime, btime;
    uint8_t mount_root;
};

// What is before 1677 or after 2262 is the first or the last nanosecond there is.
static inline int64_t clinux_nanoseconds(struct statx_timestamp t) {
    int64_t nanoseconds;
    if (__builtin_mul_overflow((int64_t)t.tv_sec, (int64_t)1000000000, &nanoseconds)
        || __builtin_add_overflow(nanoseconds, (int64_t)t.tv_nsec, &nanoseconds))
        return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return nanoseconds;
}

// Linux 6.8: a mount id that is not given out again in this boot.
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

// statx(2) with AT_NO_AUTOMOUNT and, unless `follow`, AT_SYMLINK_NOFOLLOW; an empty path means the descriptor itself.
static inline int clinux_statx(int dir, const char *path, int follow, struct clinux_status *out) {
    struct statx s;
    int flags = AT_NO_AUTOMOUNT | AT_EMPTY_PATH | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
    int result = statx(dir, path, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &s);
    if (result != 0) return result;
    out->mode = s.stx_mode;
    out->nlink = s.stx_nlink;
    out->uid = s.stx_uid;
    out->gid = s.stx_gid;
    out->inode = s.stx_ino;
    out->device = makedev(s.stx_dev_major, s.stx_dev_minor);
    out->size = (int64_t)s.stx_size;
    out->mtime = clinux_nanoseconds(s.stx_mtime);
    out->ctime = clinux_nanoseconds(s.stx_ctime);
    out->btime = (s.stx_mask & STATX_BTIME) ? clinux_nanoseconds(s.stx_btime) : 0;
    out->mount = s.stx_mnt_id;
    if (!(s.stx_mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE))) out->mount = 0;
    out->mount_root = (s.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return 0;
}

// The mount of a file by the number that mountinfo has: STATX_MNT_ID, which is given out again.
static inline int clinux_mount_number(const char *path, uint64_t *out) {
    struct statx s;
    int result = statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &s);
    if (result == 0) *out = s.stx_mnt_id;
    return result;
}

static inline uint32_t clinux_major(uint64_t device) { return major(device); }
static inline uint32_t clinux_minor(uint64_t device) { return minor(device); }

static inline long clinux_getdents64(int fd, void *buffer, unsigned long size) {
    return syscall(SYS_getdents64, fd, buffer, size);
}

// FIONREAD: the bytes that wait to be read.
static inline int clinux_pending(int fd, int *bytes) { return ioctl(fd, FIONREAD, bytes); }

// FS_IOC_GETFSUUID, Linux 6.9.
struct clinux_uuid {
    uint8_t length;
    uint8_t bytes[16];
};
static inline int clinux_filesystem_uuid(int fd, struct clinux_uuid *out) {
    return ioctl(fd, _IOR(0x15, 0, struct clinux_uuid), out);
}

// FS_IOC_GETFLAGS: the flags of chattr(1). The kernel writes an int, whatever the name of the request says.
static inline int clinux_inode_flags(int fd, unsigned *flags) { return ioctl(fd, _IOR('f', 1, long), flags); }

// f_type and f_fsid of fstatfs(2).
static inline int clinux_filesystem_type(int fd, uint64_t *type, uint32_t id[2]) {
    struct statfs s;
    int result = fstatfs(fd, &s);
    if (result != 0) return result;
    *type = (uint64_t)s.f_type & 0xffffffff;
    memcpy(id, &s.f_fsid, 8);
    return 0;
}

static inline int clinux_open(int dir, const char *path, int flags, unsigned mode) {
    return openat(dir, path, flags, mode);
}

// openat2(2), Linux 5.6, which glibc of Debian 12 does not wrap: with RESOLVE_NO_SYMLINKS no component may be a link.
static inline int clinux_open_without_links(int dir, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static inline int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline int clinux_eventfd_add(int fd) { return eventfd_write(fd, 1); }
static inline int clinux_eventfd_take(int fd) {
    eventfd_t value;
    return eventfd_read(fd, &value);
}

// unshare(2) with CLONE_FS: the calling thread has a working directory of its own, a root and a umask.
static inline int clinux_unshare_working_directory(void) { return unshare(CLONE_FS); }

// Names the calling thread; 15 bytes at most.
static inline int clinux_name_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

// The address of a Unix socket; a path that begins with '@' is an abstract name. -1 with ENAMETOOLONG where it does not fit.
static inline int clinux_unix_address(const char *path, struct sockaddr_un *out, socklen_t *length) {
    size_t bytes = strlen(path);
    if (bytes >= sizeof out->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path, bytes);
    if (path[0] == '@') out->sun_path[0] = 0;
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (path[0] == '@' ? 0 : 1));
    return 0;
}
static inline int clinux_unix_bind(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    if (clinux_unix_address(path, &address, &length) != 0) return -1;
    return bind(fd, (struct sockaddr *)&address, length);
}
static inline int clinux_unix_connect(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    if (clinux_unix_address(path, &address, &length) != 0) return -1;
    return connect(fd, (struct sockaddr *)&address, length);
}
static inline int clinux_unix_send(int fd, const char *path, const void *bytes, unsigned long count) {
    struct sockaddr_un address;
    socklen_t length;
    if (clinux_unix_address(path, &address, &length) != 0) return -1;
    return (int)sendto(fd, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
}
static inline int clinux_socket(int type) { return socket(AF_UNIX, type | SOCK_CLOEXEC, 0); }
static inline int clinux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC); }

// SO_PEERCRED: who is at the other end, with the effective group, as of connect(2) or listen(2).
static inline int clinux_peer(int fd, uint32_t *uid, uint32_t *gid) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    int result = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
    if (result == 0) {
        *uid = credentials.uid;
        *gid = credentials.gid;
    }
    return result;
}

// SO_PEERGROUPS, Linux 4.13: the supplementary groups of the other end; how many, or -1 with ERANGE where they do not fit.
static inline int clinux_peer_groups(int fd, uint32_t *groups, unsigned capacity) {
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
    socklen_t length = capacity * sizeof *groups;
    int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
    return result == 0 ? (int)(length / sizeof *groups) : result;
}

// SO_RCVTIMEO and SO_SNDTIMEO.
static inline int clinux_set_timeout(int fd, long milliseconds) {
    struct timeval limit = {milliseconds / 1000, (milliseconds % 1000) * 1000};
    int result = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (result != 0) return result;
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static inline int clinux_lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

// F_OFD_SETLK: a write lock on one byte that belongs to the open file, so that no other close(2) of this process drops it.
#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif
static inline int clinux_set_lock(int fd, short type, int64_t offset) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock);
}
static inline int clinux_lock_byte(int fd, int64_t offset) { return clinux_set_lock(fd, F_WRLCK, offset); }
static inline int clinux_unlock_byte(int fd, int64_t offset) { return clinux_set_lock(fd, F_UNLCK, offset); }

// mkostemp(3) with O_CLOEXEC.
static inline int clinux_temporary_file(char *template) { return mkostemp(template, O_CLOEXEC); }

// memfd_create(2) with MFD_CLOEXEC.
static inline int clinux_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1U); }

// ioprio_get(2) and ioprio_set(2) of the calling thread (IOPRIO_WHO_PROCESS, 0): class << 13 | level.
static inline int clinux_ioprio_get(void) { return (int)syscall(SYS_ioprio_get, 1, 0); }
static inline int clinux_ioprio_set(int priority) { return (int)syscall(SYS_ioprio_set, 1, 0, priority); }
