/* The mutexes of _umtx_op: a word with the owner's thread id, the top bit set while others wait.
 *
 * The C library takes and releases an uncontended one by itself and comes here to wait and to wake; robust
 * ones and those with a priority protocol come here always. */
#include "umtx.h"

static bool is_free(u32 owner)
{
    return owner == FREEBSD_UMUTEX_UNOWNED || owner == FREEBSD_UMUTEX_CONTESTED ||
           owner == FREEBSD_UMUTEX_RB_OWNERDEAD || owner == FREEBSD_UMUTEX_RB_NOTRECOV;
}

/* One attempt.  1: not now; anything else is the call's result. */
static long try_normal(u64 word, u32 owner, u32 id, bool woken)
{
    u32 wanted, seen;

    if (owner == FREEBSD_UMUTEX_RB_NOTRECOV)
        return -ENOTRECOVERABLE;
    if (owner == FREEBSD_UMUTEX_UNOWNED)
        wanted = woken ? id | FREEBSD_UMUTEX_CONTESTED : id;
    else if (owner == FREEBSD_UMUTEX_CONTESTED || owner == FREEBSD_UMUTEX_RB_OWNERDEAD)
        wanted = id | FREEBSD_UMUTEX_CONTESTED;
    else
        return 1;
    if (cas_u32(word, owner, wanted, &seen) != 0)
        return -EFAULT;
    if (seen != owner)
        return 1;
    return owner == FREEBSD_UMUTEX_RB_OWNERDEAD ? -EOWNERDEAD : 0;
}

static long lock_normal(struct thread *t, u64 mutex, bool shared, enum mutex_mode mode,
                        const struct umtx_deadline *d)
{
    u64 word = MEMBER(mutex, umutex, owner);
    u32 owner, seen, id = (u32)t->tid;
    bool woken = false;
    long failure = 0;

    for (;;) {
        if (get_u32(word, &owner) != 0)
            return -EFAULT;
        if (mode == MUTEX_AWAIT) {
            if (is_free(owner)) {
                if (!woken || owner != FREEBSD_UMUTEX_UNOWNED)
                    return 0;
                if (cas_u32(word, owner, FREEBSD_UMUTEX_CONTESTED, &seen) != 0)
                    return -EFAULT;
                if (seen == owner)
                    return 0;
                continue;
            }
        } else {
            long r = try_normal(word, owner, id, woken);
            if (r != 1)
                return r;
            if (is_free(owner))
                continue; /* somebody was faster: look again */
        }
        if (mode == MUTEX_TRY)
            return -EBUSY;
        if (failure != 0)
            return failure;
        if ((owner & FREEBSD_UMUTEX_CONTESTED) == 0) {
            if (cas_u32(word, owner, owner | FREEBSD_UMUTEX_CONTESTED, &seen) != 0)
                return -EFAULT;
            if (seen != owner)
                continue;
        }
        failure = umtx_sleep(word, owner | FREEBSD_UMUTEX_CONTESTED, shared, ANY_WAITER, d);
        if (failure == 0)
            woken = true;
        if (failure == -EAGAIN)
            failure = 0;
    }
}

static long unlock_normal(u64 mutex, s32 tid, u32 released, bool shared)
{
    u64 word = MEMBER(mutex, umutex, owner);
    u32 owner, seen;

    for (;;) {
        if (get_u32(word, &owner) != 0)
            return -EFAULT;
        if ((owner & ~FREEBSD_UMUTEX_CONTESTED) != (u32)tid)
            return -EPERM;
        if (cas_u32(word, owner, released, &seen) != 0)
            return -EFAULT;
        if (seen == owner)
            break;
    }
    /* Nobody gets a mutex that is beyond recovery, so nobody would wake the next one. */
    if ((owner & FREEBSD_UMUTEX_CONTESTED) != 0)
        umtx_wake(word, released == FREEBSD_UMUTEX_RB_NOTRECOV ? ALL_WAITERS : 1, shared, ANY_WAITER);
    return 0;
}

/* Inheritance through the host's own PI futexes, which know nothing of FreeBSD's marks for a dead owner:
 * a robust mutex gives up the inheritance and keeps the robustness. */
static bool inherits(u32 flags)
{
    return (flags & (FREEBSD_UMUTEX_PRIO_INHERIT | FREEBSD_UMUTEX_ROBUST)) == FREEBSD_UMUTEX_PRIO_INHERIT;
}

static bool two_protocols(u32 flags)
{
    u32 both = FREEBSD_UMUTEX_PRIO_INHERIT | FREEBSD_UMUTEX_PRIO_PROTECT;
    return (flags & both) == both;
}

static long mutex_lock(struct thread *t, u64 mutex, u64 size, u64 time, enum mutex_mode mode)
{
    struct umtx_limit limit;
    struct umtx_deadline d;
    u32 flags;

    long r = umtx_limit_in(size, time, &limit);
    if (r == 0)
        r = umtx_deadline_of(t, &limit, &d);
    if (r != 0)
        return r;
    if (get_u32(MEMBER(mutex, umutex, flags), &flags) != 0)
        return -EFAULT;
    if (two_protocols(flags))
        return -EINVAL;
    if (inherits(flags))
        r = umtx_inherit_lock(t, mutex, process_shared(flags), mode, &d);
    else if (flags & FREEBSD_UMUTEX_PRIO_PROTECT)
        r = umtx_protect_lock(t, mutex, process_shared(flags), mode, &d);
    else
        r = lock_normal(t, mutex, process_shared(flags), mode, &d);
    if (!interrupted(r))
        return r;
    if (limit.present)
        return -EINTR;
    return mode == MUTEX_AWAIT ? RESTART : RESTART_ALWAYS;
}

long umtx_mutex_unlock(u64 mutex, s32 tid, bool dead)
{
    u32 flags, released = FREEBSD_UMUTEX_UNOWNED;

    if (get_u32(MEMBER(mutex, umutex, flags), &flags) != 0)
        return -EFAULT;
    if (two_protocols(flags))
        return -EINVAL;
    if (dead)
        released = FREEBSD_UMUTEX_RB_OWNERDEAD;
    else if (flags & FREEBSD_UMUTEX_NONCONSISTENT)
        released = FREEBSD_UMUTEX_RB_NOTRECOV;
    if (inherits(flags))
        return umtx_inherit_unlock(mutex, process_shared(flags));
    if (flags & FREEBSD_UMUTEX_PRIO_PROTECT)
        return umtx_protect_unlock(mutex, tid, released, process_shared(flags));
    return unlock_normal(mutex, tid, released, process_shared(flags));
}

/* The owner has let go by itself; a sleeper, if there is one, is to try again.  It marks the word as
 * contended for those behind it, so the word, which may belong to something else by now, stays untouched. */
static long wake_one(u64 mutex, u32 flags, bool only_if_free)
{
    u32 owner;

    if (get_u32(MEMBER(mutex, umutex, owner), &owner) != 0)
        return -EFAULT;
    if (only_if_free && !is_free(owner))
        return 0;
    umtx_wake(MEMBER(mutex, umutex, owner), 1, process_shared(flags), ANY_WAITER);
    return 0;
}

long umtx_mutex_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS])
{
    u32 flags;

    switch (op) {
    case FREEBSD_UMTX_OP_MUTEX_LOCK:
        return mutex_lock(t, a[0], a[3], a[4], MUTEX_LOCK);
    case FREEBSD_UMTX_OP_MUTEX_TRYLOCK:
        return mutex_lock(t, a[0], 0, 0, MUTEX_TRY);
    case FREEBSD_UMTX_OP_MUTEX_WAIT:
        return mutex_lock(t, a[0], a[3], a[4], MUTEX_AWAIT);
    case FREEBSD_UMTX_OP_MUTEX_UNLOCK:
        return umtx_mutex_unlock(a[0], t->tid, false);
    case FREEBSD_UMTX_OP_SET_CEILING:
        return umtx_set_ceiling(t, a[0], (u32)a[2], a[3]);
    case FREEBSD_UMTX_OP_MUTEX_WAKE:
        if (get_u32(MEMBER(a[0], umutex, flags), &flags) != 0)
            return -EFAULT;
        return wake_one(a[0], flags, true);
    default: /* MUTEX_WAKE2: the flags come as an argument */
        if (two_protocols((u32)a[2]))
            return -EINVAL;
        return wake_one(a[0], (u32)a[2], false);
    }
}
