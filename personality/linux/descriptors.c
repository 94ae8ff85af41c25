/* Descriptors whose numbers change hands.  The runtime's own sit in a range that the guest must neither
 * see nor close; what goes away is announced, for whoever keeps something about it. */
#include "linux.h"
#include <linux/close_range.h>
#include <linux/fcntl.h>

long linux_sys_close(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    fd_closing(t, (s32)a[0]);
    return host(__NR_close, (s32)a[0]);
}

long linux_sys_close_range(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 low = (u32)a[0], high = (u32)a[1], flags = (u32)a[2];
    u32 base = (u32)t->process->reserved_base, end = base + (u32)t->process->reserved_count;
    long r = 0;

    if (high < low || (flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
        return -EINVAL;
    if (low < base)
        r = host(__NR_close_range, low, high < base ? high : base - 1, flags);
    if (!is_error(r) && high >= end)
        r = host(__NR_close_range, low > end ? low : end, high, flags);
    return r;
}

static long copy_onto(struct thread *t, u64 from, u64 to, u64 flags)
{
    if (fd_is_reserved(t, (s32)from) || fd_is_reserved(t, (s32)to))
        return -EBADF;
    if (!is_error(host(__NR_fcntl, (s32)from, F_GETFD)))
        fd_closing(t, (s32)to);
    return host(__NR_dup3, (s32)from, (s32)to, flags);
}

long linux_sys_dup2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((u32)a[0] == (u32)a[1] && !fd_is_reserved(t, (s32)a[0]))
        return is_error(host(__NR_fcntl, (s32)a[0], F_GETFD)) ? -EBADF : (s32)a[0];
    return copy_onto(t, a[0], a[1], 0);
}

long linux_sys_dup3(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return (u32)a[0] == (u32)a[1] ? -EINVAL : copy_onto(t, a[0], a[1], a[2]);
}

/* F_GETOWN of a process group is negative and no error. */
long linux_sys_fcntl(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long r = host_intr(__NR_fcntl, a[0], a[1], a[2]);
    if ((u32)a[1] != F_GETOWN)
        return r;
    f->rax = (u64)r;
    return RESULT_IN_FRAME;
}
