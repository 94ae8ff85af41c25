/* _umtx_op, the one call behind all of FreeBSD's thread synchronisation, and the two calls before it. */
#include "umtx.h"

/* ---- the lock of FreeBSD 5 to 9: a long with the owner's id, its top bit set while others wait ---- */

#define OLD_CONTESTED 0x8000000000000000UL
#define OLD_UPPER_HALF 4 /* the half that changes with the contested bit, and on which to sleep */

static long old_lock(u64 word, u64 id, u64 time)
{
    struct umtx_limit limit;
    struct umtx_deadline d;
    u64 seen;
    bool woken = false;

    long r = umtx_limit_in(sizeof(struct freebsd_timespec), time, &limit);
    if (r == 0)
        r = umtx_deadline_of(current_thread(), &limit, &d);
    if (r != 0)
        return r;
    for (;;) {
        if (cas_u64(word, 0, woken ? id | OLD_CONTESTED : id, &seen) != 0)
            return -EFAULT;
        if (seen == 0)
            return 0;
        if (seen == OLD_CONTESTED) {
            if (cas_u64(word, OLD_CONTESTED, id | OLD_CONTESTED, &seen) != 0)
                return -EFAULT;
            if (seen == OLD_CONTESTED)
                return 0;
            continue;
        }
        if (r != 0)
            return !interrupted(r) ? r : limit.present ? -EINTR : RESTART_ALWAYS;
        u64 owner = seen;
        if ((owner & OLD_CONTESTED) == 0) {
            if (cas_u64(word, owner, owner | OLD_CONTESTED, &seen) != 0)
                return -EFAULT;
            if (seen != owner)
                continue;
        }
        u32 upper = (u32)((owner | OLD_CONTESTED) >> 32);
        r = umtx_sleep(word + OLD_UPPER_HALF, upper, false, ANY_WAITER, &d);
        if (r == 0)
            woken = true;
        if (r == -EAGAIN)
            r = 0;
    }
}

static long old_unlock(u64 word, u64 id)
{
    u64 owner, seen;

    if (get_u64(word, &owner) != 0)
        return -EFAULT;
    if ((owner & ~OLD_CONTESTED) != id)
        return -EPERM;
    do {
        seen = owner;
        if (cas_u64(word, seen, 0, &owner) != 0)
            return -EFAULT;
    } while (owner != seen);
    if (owner & OLD_CONTESTED)
        umtx_wake(word + OLD_UPPER_HALF, 1, false, ANY_WAITER);
    return 0;
}

long freebsd_sys_freebsd10__umtx_lock(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return old_lock(a[0], (u64)t->tid, 0);
}

long freebsd_sys_freebsd10__umtx_unlock(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return old_unlock(a[0], (u64)t->tid);
}

/* ---- _umtx_op(object, operation, value, first address, second address) --------------------------- */

long freebsd_sys__umtx_op(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 op = (u32)a[1];

    switch (op) {
    case FREEBSD_UMTX_OP_LOCK:
        return old_lock(a[0], a[2], a[4]);
    case FREEBSD_UMTX_OP_UNLOCK:
        return old_unlock(a[0], a[2]);
    case FREEBSD_UMTX_OP_WAIT:
    case FREEBSD_UMTX_OP_WAKE:
    case FREEBSD_UMTX_OP_WAIT_UINT:
    case FREEBSD_UMTX_OP_WAIT_UINT_PRIVATE:
    case FREEBSD_UMTX_OP_WAKE_PRIVATE:
    case FREEBSD_UMTX_OP_NWAKE_PRIVATE:
        return umtx_wait_op(t, op, a);
    case FREEBSD_UMTX_OP_MUTEX_TRYLOCK:
    case FREEBSD_UMTX_OP_MUTEX_LOCK:
    case FREEBSD_UMTX_OP_MUTEX_UNLOCK:
    case FREEBSD_UMTX_OP_SET_CEILING:
    case FREEBSD_UMTX_OP_MUTEX_WAIT:
    case FREEBSD_UMTX_OP_MUTEX_WAKE:
    case FREEBSD_UMTX_OP_MUTEX_WAKE2:
        return umtx_mutex_op(t, op, a);
    case FREEBSD_UMTX_OP_CV_WAIT:
    case FREEBSD_UMTX_OP_CV_SIGNAL:
    case FREEBSD_UMTX_OP_CV_BROADCAST:
        return umtx_condvar_op(t, op, a);
    case FREEBSD_UMTX_OP_RW_RDLOCK:
    case FREEBSD_UMTX_OP_RW_WRLOCK:
    case FREEBSD_UMTX_OP_RW_UNLOCK:
        return umtx_rwlock_op(t, op, a);
    case FREEBSD_UMTX_OP_SEM_WAIT:
    case FREEBSD_UMTX_OP_SEM_WAKE:
    case FREEBSD_UMTX_OP_SEM2_WAIT:
    case FREEBSD_UMTX_OP_SEM2_WAKE:
        return umtx_semaphore_op(t, op, a);
    case FREEBSD_UMTX_OP_SHM:
        return umtx_shared_op(t, a);
    case FREEBSD_UMTX_OP_ROBUST_LISTS:
        return umtx_robust_op(t, a);
    case FREEBSD_UMTX_OP_GET_MIN_TIMEOUT:
    case FREEBSD_UMTX_OP_SET_MIN_TIMEOUT:
        return umtx_minimum_op(op, a);
    default: /* the words of 32-bit programs (UMTX_OP__32BIT) too: only emulators have them */
        return -EINVAL;
    }
}
