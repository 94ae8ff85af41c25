/* The space that a file takes: allocating it, and advice about it. */
#include "files.h"

#define OFFSET_MAXIMUM 0x7fffffffffffffffL

/* posix_fallocate and posix_fadvise do not fail as other calls do: the error is their result. */
static long as_result(long r)
{
    if (r == RESTART || !is_error(r))
        return r;
    return is_guest_errno(r) ? guest_errno_of(r) : bsd_errno_from_host((int)-r);
}

long bsd_sys_posix_fallocate(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s64 offset = (s64)a[1], length = (s64)a[2];
    if (fd_is_reserved(t, (s32)a[0]))
        return as_result(-EBADF);
    if (offset < 0 || length <= 0)
        return as_result(-EINVAL);
    if (offset > OFFSET_MAXIMUM - length)
        return as_result(-EFBIG);
    long r = host_intr(__NR_fallocate, (s32)a[0], 0, offset, length);
    return as_result(r == -EOPNOTSUPP ? -EINVAL : r); /* what file systems that cannot say at home */
}

long bsd_sys_posix_fadvise(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s64 offset = (s64)a[1], length = (s64)a[2];
    long advice = bsd_file_advice_to_host((s32)a[3]);
    if (fd_is_reserved(t, (s32)a[0]))
        return as_result(-EBADF);
    if (advice < 0 || offset < 0 || length < 0 || offset > OFFSET_MAXIMUM - length)
        return as_result(-EINVAL);
    return as_result(host(__NR_fadvise64, (s32)a[0], offset, length, advice));
}
