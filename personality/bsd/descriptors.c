/* Making, copying and closing descriptors.
 *
 * The runtime's own descriptors sit in a range that the guest must neither see nor close; everything
 * that goes away is announced first, so that event queues and the like can forget it. */
#include "files.h"
#include <linux/resource.h>

static bool hidden(const struct thread *t, u64 fd)
{
    return fd_is_reserved(t, (s32)fd);
}

long bsd_sys_close(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    if (fd < 0 || hidden(t, a[0]))
        return -EBADF;
    fd_closing(t, fd);
    long r = host(__NR_close, fd);
    return r == RESTART || r == -EINTR ? 0 : r; /* it is closed: there is nothing to repeat */
}

/* ---- many at once ------------------------------------------------------------------------------- */

void each_descriptor(struct thread *t, u32 low, u32 high, descriptor_visitor visit, void *context)
{
    u8 buffer[2048] __attribute__((aligned(8)));
    long list = host(__NR_openat, LINUX_AT_FDCWD, "/proc/self/fd",
                     LINUX_O_RDONLY | LINUX_O_DIRECTORY | LINUX_O_CLOEXEC, 0);
    if (is_error(list)) { /* no /proc: try each number a process may have */
        u64 limit[2] = {0, 0};
        host(__NR_getrlimit, RLIMIT_NOFILE, limit);
        for (u64 fd = low; fd <= high && fd < limit[0]; fd++)
            if (!hidden(t, fd) && !is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
                visit(t, (int)fd, context);
        return;
    }
    for (long got; (got = host(__NR_getdents64, list, buffer, sizeof(buffer))) > 0;) {
        for (long at = 0; at < got;) {
            const struct linux_dirent64 *entry = (const void *)(buffer + at);
            u32 fd = 0;
            for (const u8 *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++)
                fd = fd * 10 + (u32)(*digit - '0');
            at += entry->reclen;
            if (entry->name[0] != '.' && fd >= low && fd <= high && fd != (u32)list && !hidden(t, fd))
                visit(t, (int)fd, context);
        }
    }
    host(__NR_close, list);
}

static void announce(struct thread *t, int fd, void *context UNUSED) { fd_closing(t, fd); }

/* The host's close_range on both sides of the runtime's own descriptors. */
long close_around_reserved(struct thread *t, u32 low, u32 high, u64 flags)
{
    u32 base = (u32)t->process->reserved_base, end = base + (u32)t->process->reserved_count;
    long r = 0;
    if (low < base)
        r = host(__NR_close_range, low, high < base ? high : base - 1, flags);
    if (!is_error(r) && high >= end)
        r = host(__NR_close_range, low > end ? low : end, high, flags);
    return r;
}

long close_between(struct thread *t, u32 low, u32 high)
{
    each_descriptor(t, low, high, announce, NULL); /* so that the host can then close them in one step */
    return close_around_reserved(t, low, high, 0);
}

/* ---- copies ------------------------------------------------------------------------------------- */

long bsd_sys_dup(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return hidden(t, a[0]) ? -EBADF : host(__NR_dup, (s32)a[0]);
}

long duplicate_onto(struct thread *t, int from, int to, u64 host_flags)
{
    if (hidden(t, (u64)from) || hidden(t, (u64)to))
        return -EBADF;
    long r = host(__NR_fcntl, from, LINUX_F_GETFD, 0);
    if (is_error(r) || to < 0)
        return -EBADF;
    if (from == to) {
        if (host_flags & LINUX_O_CLOEXEC)
            r = host(__NR_fcntl, to, LINUX_F_SETFD, r | LINUX_FD_CLOEXEC);
        return is_error(r) ? r : to;
    }
    fd_closing(t, to);
    return host(__NR_dup3, from, to, host_flags);
}

long bsd_sys_dup2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return duplicate_onto(t, (s32)a[0], (s32)a[1], 0);
}

/* ---- pipes ------------- ------------------------------------------------------------------------- */

long bsd_sys_pipe2(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 flags;
    if (((u32)a[1] & ~(u32)(BSD_O_CLOEXEC | BSD_O_NONBLOCK)) != 0 ||
        !bsd_open_flags_to_host((u32)a[1], &flags))
        return -EINVAL;
    return host(__NR_pipe2, a[0], flags);
}

/* The form of older C libraries: both ends come back in registers. */
long bsd_sys_pipe(struct thread *t UNUSED, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    s32 ends[2];
    long r = host(__NR_pipe2, ends, 0);
    if (is_error(r))
        return r;
    f->rdx = (u64)ends[1];
    return ends[0];
}
