/* Sleeping on a word and waking those who do: what every other _umtx_op is made of, and the plain
 * WAIT and WAKE operations.
 *
 * WAIT and WAKE come in a private form, for memory of one process, and in one that looks at the mapping.
 * On FreeBSD both meet on private memory; the host keeps them apart.  So a wake-up of either form also
 * goes to the other kind of sleeper, and a counter spares the usual private wake-up the second call. */
#include "umtx.h"

static u32 mapping_waiters; /* threads in the form that looks at the mapping */

static s64 shortest_wait;   /* UMTX_OP_SET_MIN_TIMEOUT, in nanoseconds */

/* Those that wait are the parent's threads. */
static void nobody_waits(struct thread *t UNUSED) { mapping_waiters = 0; }
ON_FORK_CHILD(nobody_waits);

long umtx_minimum_op(u32 op, const u64 a[MAX_ARGUMENTS])
{
    if (op == FREEBSD_UMTX_OP_GET_MIN_TIMEOUT)
        return put_u64(a[3], (u64)__atomic_load_n(&shortest_wait, __ATOMIC_RELAXED));
    if ((s64)a[2] < 0)
        return -EINVAL;
    __atomic_store_n(&shortest_wait, (s64)a[2], __ATOMIC_RELAXED);
    return 0;
}

static bool valid_time(const struct timespec_host *when)
{
    return when->sec >= 0 && when->nsec >= 0 && when->nsec < 1000000000;
}

long umtx_limit_in(u64 size, u64 address, struct umtx_limit *limit)
{
    struct freebsd_umtx_time time = {.clockid = FREEBSD_CLOCK_REALTIME};
    memset(limit, 0, sizeof(*limit));
    if (address == 0)
        return 0;
    size_t wanted = size <= sizeof(time.timeout) ? sizeof(time.timeout) : sizeof(time);
    if (copy_in(&time, address, wanted) != 0)
        return -EFAULT;
    limit->present = true;
    limit->absolute = (time.flags & FREEBSD_UMTX_ABSTIME) != 0;
    limit->clock = time.clockid;
    limit->when.sec = time.timeout.sec;
    limit->when.nsec = time.timeout.nsec;
    return valid_time(&limit->when) ? 0 : -EINVAL;
}

static bool is_real_clock(u32 clock)
{
    return clock == FREEBSD_CLOCK_REALTIME || clock == FREEBSD_CLOCK_REALTIME_FAST ||
           clock == FREEBSD_CLOCK_REALTIME_PRECISE;
}

static void add_time(struct timespec_host *to, const struct timespec_host *more)
{
    to->nsec += more->nsec;
    bool carry = to->nsec >= 1000000000;
    if (carry)
        to->nsec -= 1000000000;
    if (__builtin_add_overflow(to->sec, more->sec + carry, &to->sec))
        to->sec = INT64_MAX;
}

/* Only the real-time clock can be set, and a wait for one of its times has to follow it.  All other
 * limits become a point on the monotonic clock. */
long umtx_deadline_of(struct thread *t, const struct umtx_limit *limit, struct umtx_deadline *d)
{
    struct timespec_host now, left = limit->when;

    memset(d, 0, sizeof(*d));
    if (!limit->present)
        return 0;
    d->present = true;
    if (limit->absolute && is_real_clock(limit->clock)) {
        d->realtime = true;
        d->when = limit->when;
        return 0;
    }
    if (limit->absolute) {
        long r = bsd_clock_read(t, (s32)limit->clock, &now);
        if (r != 0)
            return r;
        left.sec -= now.sec;
        left.nsec -= now.nsec;
        if (left.nsec < 0) {
            left.nsec += 1000000000;
            left.sec--;
        }
        if (left.sec < 0)
            left.sec = left.nsec = 0;
    }
    s64 least = __atomic_load_n(&shortest_wait, __ATOMIC_RELAXED);
    if (left.sec < least / 1000000000 || (left.sec == least / 1000000000 && left.nsec < least % 1000000000))
        left = (struct timespec_host){least / 1000000000, least % 1000000000};
    clock_read(LINUX_CLOCK_MONOTONIC, &d->when);
    add_time(&d->when, &left);
    return 0;
}

long umtx_sleep(u64 word, u32 expected, bool shared, u32 bitset, const struct umtx_deadline *d)
{
    u32 op = FUTEX_WAIT_BITSET | (shared ? 0 : FUTEX_PRIVATE_FLAG) |
             (d->present && d->realtime ? FUTEX_CLOCK_REALTIME : 0);
    return host_intr(__NR_futex, word, op, expected, d->present ? &d->when : NULL, 0, bitset);
}

long umtx_wake(u64 word, u32 count, bool shared, u32 bitset)
{
    u32 op = FUTEX_WAKE_BITSET | (shared ? 0 : FUTEX_PRIVATE_FLAG);
    return host(__NR_futex, word, op, count, 0, 0, bitset);
}

/* The host tells how many waiters it has moved: from the word to the same word, so that nothing moves. */
long umtx_sleepers(u64 word, bool shared)
{
    u32 op = FUTEX_REQUEUE | (shared ? 0 : FUTEX_PRIVATE_FLAG);
    return host(__NR_futex, word, op, 0, ALL_WAITERS, word, 0);
}

/* A `long` is compared whole here and its lower half again by the host.  A change of the upper half alone,
 * in between, is the one thing that would go unnoticed; what FreeBSD programs wait for in a `long` is a
 * thread id, which has no upper half. */
static long await_word(struct thread *t, const u64 a[MAX_ARGUMENTS], bool is_long, bool private)
{
    u64 word = a[0], expected = is_long ? a[2] : (u32)a[2], seen = 0;
    struct umtx_limit limit;
    struct umtx_deadline deadline;
    u32 low = 0;

    long r = umtx_limit_in(a[3], a[4], &limit);
    if (r == 0)
        r = umtx_deadline_of(t, &limit, &deadline);
    if (r != 0)
        return r;
    if (!private)
        __atomic_add_fetch(&mapping_waiters, 1, __ATOMIC_SEQ_CST);
    if (is_long) {
        r = get_u64(word, &seen);
    } else {
        r = get_u32(word, &low);
        seen = low;
    }
    if (r == 0 && seen == expected)
        r = umtx_sleep(word, (u32)expected, !private, ANY_WAITER, &deadline);
    if (!private)
        __atomic_sub_fetch(&mapping_waiters, 1, __ATOMIC_SEQ_CST);
    if (r == -EAGAIN)
        return 0;
    return interrupted(r) ? -EINTR : r;
}

static long wake_word(u64 word, u32 count, bool private)
{
    if ((s32)count < 1)
        count = 1; /* the guest's kernel tests its count after the first */
    if (private && __atomic_load_n(&mapping_waiters, __ATOMIC_SEQ_CST) == 0) {
        umtx_wake(word, count, false, ANY_WAITER);
        return 0;
    }
    long woken = umtx_wake(word, count, !private, ANY_WAITER);
    if (!private && woken < 0)
        return woken;
    if (woken < 0)
        woken = 0;
    if ((u32)woken < count)
        umtx_wake(word, count - (u32)woken, private, ANY_WAITER);
    return 0;
}

static long wake_many(u64 list, s32 count)
{
    u64 words[64];

    for (s32 done = 0; done < count;) {
        s32 part = count - done;
        if (part > (s32)ARRAY_LENGTH(words))
            part = ARRAY_LENGTH(words);
        if (copy_in(words, list + (u64)done * sizeof(u64), (size_t)part * sizeof(u64)) != 0)
            return -EFAULT;
        for (s32 i = 0; i < part; i++)
            wake_word(words[i], ALL_WAITERS, true);
        done += part;
    }
    return 0;
}

long umtx_wait_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS])
{
    switch (op) {
    case FREEBSD_UMTX_OP_WAIT:
        return await_word(t, a, true, false);
    case FREEBSD_UMTX_OP_WAIT_UINT:
        return await_word(t, a, false, false);
    case FREEBSD_UMTX_OP_WAIT_UINT_PRIVATE:
        return await_word(t, a, false, true);
    case FREEBSD_UMTX_OP_WAKE:
        return wake_word(a[0], (u32)a[2], false);
    case FREEBSD_UMTX_OP_WAKE_PRIVATE:
        return wake_word(a[0], (u32)a[2], true);
    default: /* NWAKE_PRIVATE */
        return wake_many(a[0], (s32)a[2]);
    }
}
