/* Condition variables of _umtx_op.
 *
 * The wait lets go of the mutex and falls asleep as one step: no signal given in between may be lost.  The
 * guest's kernel has a queue for that; here the spare word of `struct ucond` is a sequence number that every
 * signal advances, and the sleeper names the number it saw while it still held the mutex.  A signal may so
 * wake more than one thread, which is allowed to happen to a condition variable at any time.
 *
 * has_waiters tells the C library whether a signal is worth a call, and whether the object is in use.  Every
 * waiter changes it, after it has read the number.  Whoever wants to clear it reads it first, then advances
 * the number, and clears it only if it still is what it was and nobody sleeps: all who had changed it by then
 * are awake.  A thread that was woken touches the object no more, for a signal may be the last thing before
 * its end. */
#include "umtx.h"

/* Adds to a word.  `skip_zero`: it stays above 0. */
static int add_one(u64 word, bool skip_zero)
{
    u32 seen;

    if (get_u32(word, &seen) != 0)
        return -EFAULT;
    for (;;) {
        u32 old = seen, wanted = old + 1;
        if (skip_zero && wanted == 0)
            wanted = 1;
        if (cas_u32(word, old, wanted, &seen) != 0)
            return -EFAULT;
        if (seen == old)
            return 0;
    }
}

/* Advances the number, wakes `count`, and clears has_waiters when that were all. */
static long release(u64 condvar, u32 count, bool shared)
{
    u64 sequence = MEMBER(condvar, ucond, spare), flag = MEMBER(condvar, ucond, has_waiters);
    u32 before, seen;

    if (get_u32(flag, &before) != 0 || add_one(sequence, false) != 0)
        return -EFAULT;
    long r = count > 0 ? umtx_wake(sequence, count, shared, ANY_WAITER) : 0;
    if (r >= 0 && before != 0 && umtx_sleepers(sequence, shared) == 0)
        (void)cas_u32(flag, before, 0, &seen);
    return r < 0 ? r : 0;
}

static long limit_of(struct thread *t, u64 condvar, u32 how, u64 time, struct umtx_deadline *d)
{
    struct umtx_limit limit;
    u32 clock = FREEBSD_CLOCK_REALTIME;

    long r = umtx_limit_in(sizeof(struct freebsd_timespec), time, &limit);
    if (r != 0)
        return r;
    if (how & FREEBSD_CVWAIT_CLOCKID) {
        if (get_u32(MEMBER(condvar, ucond, clockid), &clock) != 0)
            return -EFAULT;
        if (clock >= FREEBSD_CLOCK_THREAD_CPUTIME_ID)
            return -EINVAL;
    }
    limit.clock = clock;
    limit.absolute = (how & FREEBSD_CVWAIT_ABSTIME) != 0;
    return umtx_deadline_of(t, &limit, d);
}

static long condvar_wait(struct thread *t, u64 condvar, u32 how, u64 mutex, u64 time)
{
    u64 sequence = MEMBER(condvar, ucond, spare);
    struct umtx_deadline d;
    u32 flags, number;

    if (get_u32(MEMBER(condvar, ucond, flags), &flags) != 0)
        return -EFAULT;
    long r = limit_of(t, condvar, how, time, &d);
    if (r != 0)
        return r;
    if (get_u32(sequence, &number) != 0 || add_one(MEMBER(condvar, ucond, has_waiters), true) != 0)
        return -EFAULT;
    r = umtx_mutex_unlock(mutex, t->tid, false);
    if (r == 0)
        r = umtx_sleep(sequence, number, process_shared(flags), ANY_WAITER, &d);
    if (r == 0 || r == -EAGAIN)
        return 0;
    /* Not signalled: the object is still there, and this may have been its last waiter. */
    u32 now;
    if (get_u32(sequence, &now) == 0 && now == number)
        release(condvar, 0, process_shared(flags));
    return interrupted(r) ? -EINTR : r; /* the mutex is gone: this cannot run again */
}

static long condvar_signal(u64 condvar, u32 count)
{
    u32 flags;

    if (get_u32(MEMBER(condvar, ucond, flags), &flags) != 0)
        return -EFAULT;
    return release(condvar, count, process_shared(flags));
}

long umtx_condvar_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS])
{
    switch (op) {
    case FREEBSD_UMTX_OP_CV_WAIT:
        return condvar_wait(t, a[0], (u32)a[2], a[3], a[4]);
    case FREEBSD_UMTX_OP_CV_SIGNAL:
        return condvar_signal(a[0], 1);
    default: /* CV_BROADCAST */
        return condvar_signal(a[0], ALL_WAITERS);
    }
}
