/* Parking and unparking LWPs: one word each, and an unpark that came first is kept. */
#include "lwp.h"
#include "clocks.h"
#include <linux/futex.h>

#define ANY 0xffffffffU

/* When a park ends.  Relative times are turned into absolute ones on the same clock. */
struct limit {
    bool present, realtime;
    struct timespec_host until;
};

static long limit_of(struct thread *t, s32 clock, u32 flags, const struct netbsd_timespec *ts, struct limit *l)
{
    struct timespec_host now;

    *l = (struct limit){.present = ts != NULL, .realtime = clock == NETBSD_CLOCK_REALTIME};
    if (ts == NULL)
        return 0;
    if (ts->nsec < 0 || ts->nsec >= 1000000000)
        return -EINVAL;
    long r = bsd_clock_read(t, clock, &now);
    if (r != 0)
        return r;
    if (bsd_clock_to_host(clock) != (l->realtime ? 0 : 1)) /* REALTIME and MONOTONIC of the host's */
        return -EINVAL;
    l->until = (struct timespec_host){ts->sec, ts->nsec};
    if (flags & NETBSD_TIMER_ABSTIME)
        return ts->sec < now.sec || (ts->sec == now.sec && ts->nsec <= now.nsec) ? -ETIMEDOUT : 0;
    if (ts->sec < 0 || (ts->sec == 0 && ts->nsec == 0))
        return -ETIMEDOUT;
    l->until.nsec += now.nsec;
    l->until.sec = l->until.nsec >= 1000000000 ? now.sec + 1 : now.sec;
    l->until.nsec -= l->until.nsec >= 1000000000 ? 1000000000 : 0;
    if (__builtin_add_overflow(l->until.sec, ts->sec, &l->until.sec))
        l->present = false;
    return 0;
}

static long park(struct thread *t, const struct limit *limit)
{
    struct lwp *l = lwp_of(t);
    long r;

    if (t->next_wait_ends == WAIT_ENDS_ARMED) {
        t->next_wait_ends = 0;
        return -EALREADY;
    }
    if (__atomic_exchange_n(&l->unparked, 0, __ATOMIC_SEQ_CST) != 0)
        return -EALREADY;
    u32 op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | (limit->realtime ? FUTEX_CLOCK_REALTIME : 0);
    do {
        __atomic_store_n(&l->asleep, 1, __ATOMIC_SEQ_CST);
        r = host_intr(__NR_futex, &l->unparked, op, 0, limit->present ? &limit->until : NULL, 0, ANY);
        __atomic_store_n(&l->asleep, 0, __ATOMIC_SEQ_CST);
        if (__atomic_exchange_n(&l->unparked, 0, __ATOMIC_SEQ_CST) != 0)
            return 0;
    } while (r == 0 || r == -EAGAIN);
    return r == RESTART ? -EINTR : r;
}

static long unpark(const struct thread *t, s32 tid)
{
    lwps_lock();
    struct lwp *l = lwp_find(t->process, tid);
    bool there = l != NULL && !l->departed;
    if (there) {
        __atomic_store_n(&l->unparked, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&l->asleep, __ATOMIC_SEQ_CST))
            host(__NR_futex, &l->unparked, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
    }
    lwps_unlock();
    return there ? 0 : -ESRCH;
}

/* What is left of a relative time goes back to where it came from. */
static void give_rest(struct thread *t, s32 clock, const struct limit *l, u64 to)
{
    struct netbsd_timespec left = {0};
    struct timespec_host now;

    if (bsd_clock_read(t, clock, &now) == 0) {
        left.sec = l->until.sec - now.sec;
        left.nsec = l->until.nsec - now.nsec;
        if (left.nsec < 0) {
            left.nsec += 1000000000;
            left.sec--;
        }
        if (left.sec < 0)
            left = (struct netbsd_timespec){0};
    }
    copy_out(to, &left, sizeof(left));
}

struct request {
    s32 clock;
    u32 flags;
    u64 time; /* where the guest's time is, to give back what is left; 0 none */
    const struct netbsd_timespec *ts;
    s32 first; /* to be unparked */
};

static long park_as(struct thread *t, const struct request *q)
{
    struct limit limit;
    long r = q->first != 0 ? unpark(t, q->first) : 0;

    if (r != 0)
        return r;
    r = limit_of(t, q->clock, q->flags, q->ts, &limit);
    if (r == 0)
        r = park(t, &limit);
    if (q->time != 0 && !(q->flags & NETBSD_TIMER_ABSTIME) && r != -EINVAL)
        give_rest(t, q->clock, &limit, q->time);
    return r;
}

long netbsd_sys_lwp_park60(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_timespec ts;
    const struct request q = {.clock = (s32)a[0], .flags = (u32)a[1], .time = a[2],
                              .ts = a[2] != 0 ? &ts : NULL, .first = (s32)a[3]};
    if (a[2] != 0 && copy_in(&ts, a[2], sizeof(ts)) != 0)
        return -EFAULT;
    return park_as(t, &q);
}

/* Before NetBSD 6 the time was always absolute, on the clock of the day. */
static long park_until(struct thread *t, const struct netbsd_timespec *ts, u64 first)
{
    const struct request q = {.clock = NETBSD_CLOCK_REALTIME, .flags = NETBSD_TIMER_ABSTIME, .ts = ts,
                              .first = (s32)first};
    return park_as(t, &q);
}

long netbsd_sys_lwp_park(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_timespec ts;
    if (a[0] != 0 && copy_in(&ts, a[0], sizeof(ts)) != 0)
        return -EFAULT;
    return park_until(t, a[0] != 0 ? &ts : NULL, a[1]);
}

long netbsd_sys_lwp_park50(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_timespec ts;
    if (a[0] != 0 && timespec50_in(a[0], &ts) != 0)
        return -EFAULT;
    return park_until(t, a[0] != 0 ? &ts : NULL, a[1]);
}

long netbsd_sys__lwp_unpark(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return unpark(t, (s32)a[0]);
}

/* To no addresses it says how many may be unparked at once. */
long netbsd_sys__lwp_unpark_all(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long result = 0;

    if (a[0] == 0)
        return NETBSD_LWP_UNPARK_MAX;
    if (a[1] > NETBSD_LWP_UNPARK_MAX || a[1] == 0)
        return -EINVAL;
    for (u64 i = 0; i < a[1]; i++) {
        u32 tid;
        if (get_u32(a[0] + i * sizeof(u32), &tid) != 0)
            return -EFAULT;
        long r = unpark(t, (s32)tid);
        if (r != 0)
            result = r;
    }
    return result;
}
