/* Calls that wait under a signal mask of their own, and descriptors that read signals.
 *
 * The host's mask is the runtime's to set, so the guest's temporary one is installed first and the host is
 * called without any.  A signal that it lets in ends the wait even if it came before the wait began. */
#include "linux.h"

#define SIGSET_SIZE 8

/* at: the guest's mask, 0 for none.  True if it was installed; *r says what went wrong otherwise. */
static bool begin(struct thread *t, u64 at, u64 size, long *r)
{
    u64 mask;

    *r = 0;
    if (at == 0)
        return false;
    if (size != SIGSET_SIZE)
        *r = -EINVAL;
    else if (get_u64(at, &mask) != 0)
        *r = -EFAULT;
    if (*r != 0)
        return false;
    temporary_mask(t, mask);
    return true;
}

static long end(struct thread *t, bool began, long r)
{
    if (!began)
        return r;
    if (r == RESTART)
        r = -EINTR;
    temporary_mask_end(t, r);
    return r;
}

long linux_sys_ppoll(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r;
    bool began = begin(t, a[3], a[4], &r);
    return r != 0 ? r : end(t, began, host_intr(__NR_ppoll, a[0], a[1], a[2], 0, SIGSET_SIZE));
}

/* The sixth argument points at two words: the mask's address and its size. */
static long mask_pair(u64 at, u64 pair[2])
{
    pair[0] = pair[1] = 0;
    return at != 0 && copy_in(pair, at, 2 * sizeof(u64)) != 0 ? -EFAULT : 0;
}

long linux_sys_pselect6(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 pair[2];
    long r = mask_pair(a[5], pair);
    if (r != 0)
        return r;
    bool began = begin(t, pair[0], pair[1], &r);
    return r != 0 ? r : end(t, began, host_intr(__NR_pselect6, a[0], a[1], a[2], a[3], a[4], 0));
}

long linux_sys_io_pgetevents(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 pair[2];
    long r = mask_pair(a[5], pair);
    if (r != 0)
        return r;
    bool began = begin(t, pair[0], pair[1], &r);
    return r != 0 ? r : end(t, began, host_intr(__NR_io_pgetevents, a[0], a[1], a[2], a[3], a[4], 0));
}

long linux_sys_epoll_pwait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r;
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    bool began = begin(t, a[4], a[5], &r);
    return r != 0 ? r : end(t, began, host_intr(__NR_epoll_pwait, a[0], a[1], a[2], a[3], 0, SIGSET_SIZE));
}

long linux_sys_epoll_pwait2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r;
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    bool began = begin(t, a[4], a[5], &r);
    return r != 0 ? r : end(t, began, host_intr(__NR_epoll_pwait2, a[0], a[1], a[2], a[3], 0, SIGSET_SIZE));
}

/* SIGSYS is how calls are caught; a reader would take it away from the runtime. */
static long signal_descriptor(struct thread *t, const u64 a[MAX_ARGUMENTS], u64 flags)
{
    u64 mask;

    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (a[2] != SIGSET_SIZE)
        return -EINVAL;
    if (get_u64(a[1], &mask) != 0)
        return -EFAULT;
    mask &= ~signal_bit(LINUX_SIGSYS);
    return host(__NR_signalfd4, a[0], &mask, SIGSET_SIZE, flags);
}

long linux_sys_signalfd(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return signal_descriptor(t, a, 0);
}

long linux_sys_signalfd4(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return signal_descriptor(t, a, a[3]);
}
