/* POSIX timers: the host's, with FreeBSD's clocks and its sigevent. */
#include "clocks.h"
#include "bsd.h"

static long event_to_host(struct thread *t, const struct bsd_sigevent *event, struct linux_sigevent *out)
{
    s32 tid;

    memset(out, 0, sizeof(*out));
    out->value = event->value;
    switch (event->notify) {
    case BSD_SIGEV_NONE:
        out->notify = LINUX_SIGEV_NONE;
        return 0;
    case BSD_SIGEV_SIGNAL:
        out->notify = LINUX_SIGEV_SIGNAL;
        break;
    default:
        if (!event_is_for_thread(event, &tid))
            return -EINVAL;
        out->notify = LINUX_SIGEV_THREAD_ID;
        out->thread_id = tid;
        if (is_error(host(__NR_tgkill, t->process->pid, tid, 0)))
            return -EINVAL;
    }
    out->signo = bsd_signal_to_host(event->signo);
    return out->signo != 0 ? 0 : -EINVAL;
}

/* Without a sigevent both kernels send SIGALRM with the timer's id. */
long bsd_sys_ktimer_create(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_sigevent event;
    struct linux_sigevent host_event;
    s32 clock = (s32)a[0], id = -1;

    if (clock != BSD_CLOCK_REALTIME && clock != BSD_CLOCK_MONOTONIC)
        return -EINVAL;
    if (a[1] != 0) {
        if (copy_in(&event, a[1], sizeof(event)) != 0)
            return -EFAULT;
        long r = event_to_host(t, &event, &host_event);
        if (r != 0)
            return r;
    }
    long r = host(__NR_timer_create, bsd_clock_to_host(clock), a[1] != 0 ? &host_event : NULL, &id);
    if (r != 0)
        return r;
    if (put_u32(a[2], (u32)id) != 0) {
        host(__NR_timer_delete, id);
        return -EFAULT;
    }
    return 0;
}

long bsd_sys_ktimer_delete(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_timer_delete, (s32)a[0]);
}

long bsd_sys_ktimer_settime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    _Static_assert(sizeof(struct bsd_itimerspec) == sizeof(struct linux_itimerspec), "the same");
    u32 flags = (u32)a[1] & BSD_TIMER_ABSTIME ? LINUX_TIMER_ABSTIME : 0;
    return host(__NR_timer_settime, (s32)a[0], flags, a[2], a[3]);
}

long bsd_sys_ktimer_gettime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_timer_gettime, (s32)a[0], a[1]);
}

long bsd_sys_ktimer_getoverrun(struct thread *t UNUSED, struct frame *f UNUSED,
                                   const u64 a[MAX_ARGUMENTS])
{
    return host(__NR_timer_getoverrun, (s32)a[0]);
}
