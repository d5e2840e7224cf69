// Preloaded into a watcher: kills it at the KILL_AT-th system call that changes a file of its database, before the call
// or, with KILL_HALF set, with half of the bytes written (no more than a sector is always written whole, by whatever
// ends: the lock file). The calls are counted into the file KILL_COUNT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static atomic_long *counted;

#include <sys/mman.h>
__attribute__((constructor)) static void begin(void) {
    counted = &calls;
    const char *path = getenv("KILL_COUNT");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd < 0 || ftruncate(fd, sizeof *counted) != 0) return;
    void *page = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) counted = page;
}

// Whether `fd` is a file of the database: the file itself, -wal or -lock.
static int is_ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/journal.db") != NULL;
}

// True where this call is the last.
static int is_last(int fd) {
    if (!is_ours(fd)) return 0;
    const char *at = getenv("KILL_AT");
    return atomic_fetch_add(counted, 1) + 1 == (at ? atol(at) : -1);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    if (is_last(fd)) {
        if (getenv("KILL_HALF") && count > 512) (void)!REAL(pwrite64)(fd, bytes, count / 2, offset);
        die();
    }
    return REAL(pwrite64)(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

int fdatasync(int fd) {
    if (is_last(fd)) die();
    return REAL(fdatasync)(fd);
}

int fsync(int fd) {
    if (is_last(fd)) die();
    return REAL(fsync)(fd);
}

int ftruncate64(int fd, off64_t length) {
    if (is_last(fd)) die();
    return REAL(ftruncate64)(fd, length);
}
