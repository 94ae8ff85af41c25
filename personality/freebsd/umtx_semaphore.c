/* Semaphores of _umtx_op, the present form (a count whose top bit says that somebody waits) and the one
 * of FreeBSD 9 (a count and a separate flag).
 *
 * The C library counts; here is only the waiting.  A poster must not write to a semaphore that nobody waits
 * for: whoever it has just let through may already have destroyed it. */
#include "umtx.h"

/* Wait for the count to be seen above zero. */
static long wait_counted(u64 sem, u32 flags, const struct umtx_deadline *d)
{
    u64 word = MEMBER(sem, usem2, count);
    u32 seen;

    if (get_u32(word, &seen) != 0)
        return -EFAULT;
    while (seen != FREEBSD_USEM_HAS_WAITERS) {
        if ((seen & FREEBSD_USEM_MAX_COUNT) != 0)
            return 0;
        u32 old = seen;
        if (cas_u32(word, old, FREEBSD_USEM_HAS_WAITERS, &seen) != 0)
            return -EFAULT;
        if (seen == old)
            break;
    }
    return umtx_sleep(word, FREEBSD_USEM_HAS_WAITERS, process_shared(flags), ANY_WAITER, d);
}

static long wait_flagged(u64 sem, u32 flags, const struct umtx_deadline *d)
{
    u64 count = MEMBER(sem, usem, count);
    u32 seen;

    if (put_u32(MEMBER(sem, usem, has_waiters), 1) != 0 || get_u32(count, &seen) != 0)
        return -EFAULT;
    return seen != 0 ? 0 : umtx_sleep(count, 0, process_shared(flags), ANY_WAITER, d);
}

/* How much of a relative limit is left goes behind it, where the guest made room for that. */
static long report_rest(u64 size, u64 time, const struct umtx_deadline *d)
{
    struct timespec_host now;
    struct freebsd_timespec rest;

    if (size < sizeof(struct freebsd_umtx_time) + sizeof(rest))
        return -EINTR;
    clock_read(LINUX_CLOCK_MONOTONIC, &now);
    rest.sec = d->when.sec - now.sec;
    rest.nsec = d->when.nsec - now.nsec;
    if (rest.nsec < 0) {
        rest.nsec += 1000000000;
        rest.sec--;
    }
    if (rest.sec < 0)
        rest.sec = rest.nsec = 0;
    return copy_out(time + sizeof(struct freebsd_umtx_time), &rest, sizeof(rest)) != 0 ? -EFAULT : -EINTR;
}

static long semaphore_wait(struct thread *t, bool counted, const u64 a[MAX_ARGUMENTS])
{
    struct umtx_limit limit;
    struct umtx_deadline d;
    u32 flags;

    long r = umtx_limit_in(a[3], a[4], &limit);
    if (r == 0)
        r = umtx_deadline_of(t, &limit, &d);
    if (r != 0)
        return r;
    if (get_u32(counted ? MEMBER(a[0], usem2, flags) : MEMBER(a[0], usem, flags), &flags) != 0)
        return -EFAULT;
    r = counted ? wait_counted(a[0], flags, &d) : wait_flagged(a[0], flags, &d);
    if (r == -EAGAIN)
        return 0;
    if (!interrupted(r))
        return r;
    if (!limit.present || limit.absolute)
        return RESTART;
    return counted ? report_rest(a[3], a[4], &d) : -EINTR;
}

/* Sets or clears the mark.  *seen: the word as it is then. */
static int mark(u64 word, bool set, u32 *seen)
{
    if (get_u32(word, seen) != 0)
        return -EFAULT;
    for (;;) {
        u32 old = *seen;
        u32 wanted = set ? old | FREEBSD_USEM_HAS_WAITERS : old & ~FREEBSD_USEM_HAS_WAITERS;
        if (old != wanted && cas_u32(word, old, wanted, seen) != 0)
            return -EFAULT;
        if (*seen == old) {
            *seen = wanted;
            return 0;
        }
    }
}

/* The last sleeper's mark goes before it is woken.  One more may have fallen asleep before it was gone: then
 * the mark comes back, and so does a post that somebody made without seeing it. */
static long wake_counted(u64 sem, bool shared)
{
    u64 word = MEMBER(sem, usem2, count);
    u32 seen;

    long sleepers = umtx_sleepers(word, shared);
    if (sleepers <= 0)
        return sleepers;
    if (sleepers == 1 && mark(word, false, &seen) != 0)
        return -EFAULT;
    umtx_wake(word, 1, shared, ANY_WAITER);
    if (sleepers > 1 || umtx_sleepers(word, shared) <= 0)
        return 0;
    if (mark(word, true, &seen) != 0)
        return -EFAULT;
    if ((seen & FREEBSD_USEM_MAX_COUNT) != 0)
        umtx_wake(word, 1, shared, ANY_WAITER);
    return 0;
}

static long wake_flagged(u64 sem, bool shared)
{
    long r = umtx_wake(MEMBER(sem, usem, count), 1, shared, ANY_WAITER);
    return r < 0 ? r : 0;
}

static long semaphore_wake(u64 sem, bool counted)
{
    u32 flags;

    if (get_u32(counted ? MEMBER(sem, usem2, flags) : MEMBER(sem, usem, flags), &flags) != 0)
        return -EFAULT;
    return counted ? wake_counted(sem, process_shared(flags)) : wake_flagged(sem, process_shared(flags));
}

long umtx_semaphore_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS])
{
    switch (op) {
    case FREEBSD_UMTX_OP_SEM_WAIT:
        return semaphore_wait(t, false, a);
    case FREEBSD_UMTX_OP_SEM2_WAIT:
        return semaphore_wait(t, true, a);
    case FREEBSD_UMTX_OP_SEM_WAKE:
        return semaphore_wake(a[0], false);
    default: /* SEM2_WAKE */
        return semaphore_wake(a[0], true);
    }
}
