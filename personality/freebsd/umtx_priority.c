/* Mutexes with a priority protocol.
 *
 * Inheritance is the host's: its PI futexes keep the owner's thread id and a top bit for "others wait" in
 * the word, exactly as FreeBSD does, so a mutex that the C library takes by itself and one that is taken
 * here are the same thing.  Protection (a ceiling) is only the locking protocol: raising the owner's
 * priority for the while would need a privilege that a process rarely has, and a guest that lacks it
 * gets no boost from its own kernel either. */
#include "umtx.h"

#define FUTEX_LOCK_PI_TWO 13 /* FUTEX_LOCK_PI2, host 5.14: a limit on the monotonic clock */

static u32 pi_op(u32 op, bool shared) { return op | (shared ? 0 : FUTEX_PRIVATE_FLAG); }

long umtx_inherit_lock(struct thread *t, u64 mutex, bool shared, enum mutex_mode mode,
                       const struct umtx_deadline *d)
{
    u64 word = MEMBER(mutex, umutex, owner);
    u32 seen;

    for (;;) {
        if (cas_u32(word, FREEBSD_UMUTEX_UNOWNED, (u32)t->tid, &seen) != 0)
            return -EFAULT;
        if (seen == FREEBSD_UMUTEX_UNOWNED)
            return 0;
        if ((seen & ~FREEBSD_UMUTEX_CONTESTED) == (u32)t->tid)
            return -EDEADLK;
        if (mode != MUTEX_LOCK) {
            long r = host(__NR_futex, word, pi_op(FUTEX_TRYLOCK_PI, shared), 0, 0, 0, 0);
            return r == 0 || r == -EFAULT ? r : -EBUSY;
        }
        u32 op = pi_op(FUTEX_LOCK_PI_TWO, shared) | (d->realtime ? FUTEX_CLOCK_REALTIME : 0);
        long r = host_intr(__NR_futex, word, op, 0, d->present ? &d->when : NULL, 0, 0);
        if (r == -ESRCH || r == -EPERM) /* the owner has ended without letting go: nobody ever will */
            r = umtx_sleep(word, seen, shared, ANY_WAITER, d);
        if (r != -EAGAIN)
            return r;
    }
}

long umtx_inherit_unlock(u64 mutex, bool shared)
{
    return host(__NR_futex, MEMBER(mutex, umutex, owner), pi_op(FUTEX_UNLOCK_PI, shared), 0, 0, 0, 0);
}

/* The free value of a protected mutex is "contested": the C library never takes one by itself. */
long umtx_protect_lock(struct thread *t, u64 mutex, bool shared, enum mutex_mode mode,
                       const struct umtx_deadline *d)
{
    u64 word = MEMBER(mutex, umutex, owner);
    u32 ceiling, seen, mine = (u32)t->tid | FREEBSD_UMUTEX_CONTESTED;
    long failure = 0;

    if (get_u32(MEMBER(mutex, umutex, ceilings), &ceiling) != 0)
        return -EFAULT;
    if (ceiling > FREEBSD_RTP_PRIO_MAX)
        return -EINVAL;
    for (;;) {
        if (cas_u32(word, FREEBSD_UMUTEX_CONTESTED, mine, &seen) != 0)
            return -EFAULT;
        if (seen == FREEBSD_UMUTEX_CONTESTED)
            return 0;
        if (seen == FREEBSD_UMUTEX_RB_NOTRECOV)
            return -ENOTRECOVERABLE;
        if (seen == FREEBSD_UMUTEX_RB_OWNERDEAD) {
            if (cas_u32(word, FREEBSD_UMUTEX_RB_OWNERDEAD, mine, &seen) != 0)
                return -EFAULT;
            if (seen == FREEBSD_UMUTEX_RB_OWNERDEAD)
                return -EOWNERDEAD;
            continue;
        }
        if (mode != MUTEX_LOCK)
            return -EBUSY;
        if (failure != 0)
            return failure;
        failure = umtx_sleep(word, seen, shared, ANY_WAITER, d);
        if (failure == -EAGAIN)
            failure = 0;
    }
}

long umtx_protect_unlock(u64 mutex, s32 tid, u32 released, bool shared)
{
    u64 word = MEMBER(mutex, umutex, owner);
    u32 owner;

    if (get_u32(word, &owner) != 0)
        return -EFAULT;
    if ((owner & ~FREEBSD_UMUTEX_CONTESTED) != (u32)tid)
        return -EPERM;
    if (put_u32(word, released | FREEBSD_UMUTEX_CONTESTED) != 0)
        return -EFAULT;
    umtx_wake(word, released == FREEBSD_UMUTEX_RB_NOTRECOV ? ALL_WAITERS : 1, shared, ANY_WAITER);
    return 0;
}

/* Changing the ceiling takes the mutex for a moment, unless the caller has it anyway. */
long umtx_set_ceiling(struct thread *t, u64 mutex, u32 ceiling, u64 old_ceiling)
{
    const struct umtx_deadline forever = {0};
    u64 word = MEMBER(mutex, umutex, owner);
    u32 flags, owner, before;

    if (get_u32(MEMBER(mutex, umutex, flags), &flags) != 0)
        return -EFAULT;
    if ((flags & FREEBSD_UMUTEX_PRIO_PROTECT) == 0 || ceiling > FREEBSD_RTP_PRIO_MAX)
        return -EINVAL;
    if (get_u32(word, &owner) != 0 || get_u32(MEMBER(mutex, umutex, ceilings), &before) != 0)
        return -EFAULT;
    bool held = (owner & ~FREEBSD_UMUTEX_CONTESTED) == (u32)t->tid;
    if (!held) {
        long r = umtx_protect_lock(t, mutex, process_shared(flags), MUTEX_LOCK, &forever);
        if (r == -EOWNERDEAD)
            umtx_protect_unlock(mutex, t->tid, FREEBSD_UMUTEX_RB_OWNERDEAD, process_shared(flags));
        if (r != 0)
            return interrupted(r) ? RESTART : r;
        if (get_u32(MEMBER(mutex, umutex, ceilings), &before) != 0)
            return -EFAULT;
    }
    if (put_u32(MEMBER(mutex, umutex, ceilings), ceiling) != 0)
        return -EFAULT;
    if (!held) {
        put_u32(word, FREEBSD_UMUTEX_CONTESTED);
        umtx_wake(word, ALL_WAITERS, process_shared(flags), ANY_WAITER);
    }
    if (old_ceiling != 0 && put_u32(old_ceiling, before) != 0)
        return -EFAULT;
    return 0;
}
