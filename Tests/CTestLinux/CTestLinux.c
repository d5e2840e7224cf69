#include "CTestLinux.h"

#include <linux/aio_abi.h>
#include <string.h>

int test_aio_write(int descriptor, const void *bytes, size_t count, int64_t offset) {
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 1, &context) != 0) return -1;
    struct iocb request;
    memset(&request, 0, sizeof request);
    request.aio_lio_opcode = IOCB_CMD_PWRITE;
    request.aio_fildes = (uint32_t)descriptor;
    request.aio_buf = (uint64_t)(uintptr_t)bytes;
    request.aio_nbytes = count;
    request.aio_offset = offset;
    struct iocb *requests[] = {&request};
    struct io_event event;
    long done = syscall(SYS_io_submit, context, 1, requests);
    if (done == 1) done = syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
    int saved = errno;
    syscall(SYS_io_destroy, context);
    errno = saved;
    return done == 1 && event.res == (int64_t)count ? 0 : -1;
}
