/* Calls of releases before 5, whose times have 32 bits for the seconds: each goes on as the call of today.  What such
 * a call writes is right as it is, since the new structure begins with the old one's fields. */
#include "netbsd.h"
#include "event_queue.h"

typedef long (*call)(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS]);

/* `place` is the argument that points to a time, or is 0. */
static long with_time(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS], u32 place, call now)
{
    struct netbsd_timespec ts;
    u64 b[MAX_ARGUMENTS];

    memcpy(b, a, sizeof(b));
    if (b[place] != 0) {
        if (timespec50_in(b[place], &ts) != 0)
            return -EFAULT;
        b[place] = (u64)&ts;
    }
    return now(t, f, b);
}

#define OF_50(name, now, place)                                                                            \
    long netbsd_sys_##name##50(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])              \
    {                                                                                                      \
        return with_time(t, f, a, place, netbsd_sys_##now);                                                \
    }

OF_50(clock_settime, clock_settime, 1)
OF_50(nanosleep, nanosleep, 0)
OF_50(sigtimedwait, sigtimedwait, 2)
OF_50(kevent, old_kevent, 5)
OF_50(pselect, pselect, 4)
OF_50(pollts, ppoll, 2)
OF_50(mq_timedsend, kmq_timedsend, 4)
OF_50(mq_timedreceive, kmq_timedreceive, 4)
OF_50(aio_suspend, aio_suspend, 2)

long netbsd_sys_timer_settime50(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_itimerspec value;
    const u64 b[MAX_ARGUMENTS] = {a[0], a[1], a[2] != 0 ? (u64)&value : 0, a[3]};

    if (a[2] != 0 && (timespec50_in(a[2], &value.interval) != 0 ||
                      timespec50_in(a[2] + sizeof(struct netbsd_timespec50), &value.value) != 0))
        return -EFAULT;
    return netbsd_sys_ktimer_settime(t, f, b);
}

/* Up to NetBSD 3 the time was a struct timeval. */
long netbsd_sys_ntp_gettime30(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_ntptimeval now;
    const u64 b[MAX_ARGUMENTS] = {(u64)&now};
    long state = netbsd_sys_ntp_gettime(t, f, b);

    if (is_error(state) || a[0] == 0)
        return state;
    const struct netbsd_ntptimeval30 old = {.sec = now.time.sec, .usec = now.time.nsec / 1000,
                                            .maxerror = now.maxerror, .esterror = now.esterror};
    return copy_out(a[0], &old, sizeof(old)) != 0 ? -EFAULT : state;
}
