/* epoll: the host's own, but that an event has its data 8 bytes on, and masks are the guest's. */
#include "files.h"
#include "netbsd.h"

#define MOST_EVENTS 64 /* more are left for the next call */

struct host_event {
    u32 events;
    u64 data;
} __attribute__((packed));

long netbsd_sys_epoll_create1(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if ((u32)a[0] & ~(u32)NETBSD_O_CLOEXEC)
        return -EINVAL;
    return host(__NR_epoll_create1, (u32)a[0] & NETBSD_O_CLOEXEC ? LINUX_O_CLOEXEC : 0);
}

long netbsd_sys_epoll_ctl(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_epoll_event given;
    struct host_event event = {0};

    if (fd_is_reserved(t, (s32)a[0]) || fd_is_reserved(t, (s32)a[2]))
        return -EBADF;
    if ((u32)a[1] != 2 /* EPOLL_CTL_DEL */) {
        if (copy_in(&given, a[3], sizeof(given)) != 0)
            return -EFAULT;
        event = (struct host_event){given.events, given.data};
    }
    return host(__NR_epoll_ctl, (s32)a[0], (s32)a[1], (s32)a[2], &event);
}

static long give_events(const struct host_event *events, long count, u64 to)
{
    for (long i = 0; i < count; i++) {
        const struct netbsd_epoll_event event = {.events = events[i].events, .data = events[i].data};
        if (copy_out(to + (u64)i * sizeof(event), &event, sizeof(event)) != 0)
            return -EFAULT;
    }
    return count;
}

/* a: queue, events, how many, time limit, mask. */
long netbsd_sys_epoll_pwait2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct host_event events[MOST_EVENTS];
    struct timespec_host limit;
    s32 room = (s32)a[2];
    u64 mask;

    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if ((a[3] != 0 && copy_in(&limit, a[3], sizeof(limit)) != 0) || (a[4] != 0 && bsd_read_sigset(a[4], &mask) != 0))
        return -EFAULT;
    if (a[4] != 0)
        temporary_mask(t, mask);
    long r = host_intr(__NR_epoll_pwait2, (s32)a[0], events, room < MOST_EVENTS ? room : MOST_EVENTS,
                       a[3] != 0 ? &limit : NULL, 0, 0);
    if (a[4] != 0)
        temporary_mask_end(t, r);
    return r == RESTART ? -EINTR : is_error(r) ? r : give_events(events, r, a[1]);
}
