/* A directory of its own for a test that makes files, gone when the test is over. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <sys/syscall.h>

#include "guest.h"

static char scratch_[64];

static inline void append(char *to, const char *more)
{
    size_t at = length(to);
    memcpy(to + at, more, length(more) + 1);
}

static inline void append_number(char *to, long value)
{
    char digits[24] = {0}, *p = digits + sizeof(digits) - 1;
    do {
        *--p = (char)('0' + value % 10);
    } while (value /= 10);
    append(to, p);
}

static inline void scratch_enter(void)
{
    append(scratch_, "/tmp/guise-test-");
    append_number(scratch_, call(SYS_getpid));
    CHECK_IS(call(SYS_mkdir, scratch_, 0700), 0);
    CHECK_IS(call(SYS_chdir, scratch_), 0);
}

/* The test has removed its own files by now. */
static inline void scratch_leave(void)
{
    CHECK_IS(call(SYS_chdir, "/"), 0);
    CHECK_IS(call(SYS_rmdir, scratch_), 0);
}

static inline long make_file(const char *path, const char *content)
{
    long fd = call(SYS_open, path, 0x0602 /* O_RDWR | O_CREAT | O_TRUNC */, 0644);
    if (fd >= 0 && length(content) != 0)
        call(SYS_write, fd, content, length(content));
    return fd;
}

#endif
