/* Reader-writer locks of _umtx_op: one word with the number of readers, a bit for a writer that owns it and
 * a bit for each kind of waiter; beside it, how many of each kind are blocked.
 *
 * Both kinds sleep on that one word and are told apart by the bits of their wait.  A waiter is counted
 * first, then its bit is set, then it sleeps; the last one to leave clears the bit and looks at the count
 * again.  Whichever of the two came second sees what the other has done. */
#include "umtx.h"

#define READERS 1U /* bits of a wait */
#define WRITERS 2U

struct side {
    u64 blocked; /* address of the count */
    u32 bit;     /* in the state word: some of this kind wait */
    u32 who;
};

static struct side readers_of(u64 lock)
{
    return (struct side){MEMBER(lock, urwlock, blocked_readers), FREEBSD_URWLOCK_READ_WAITERS, READERS};
}

static struct side writers_of(u64 lock)
{
    return (struct side){MEMBER(lock, urwlock, blocked_writers), FREEBSD_URWLOCK_WRITE_WAITERS, WRITERS};
}

/* Adds to a word.  *after: what it holds then. */
static int add_to(u64 word, s32 change, u32 *after)
{
    u32 seen;

    if (get_u32(word, &seen) != 0)
        return -EFAULT;
    for (;;) {
        u32 old = seen;
        if (cas_u32(word, old, old + (u32)change, &seen) != 0)
            return -EFAULT;
        if (seen == old) {
            *after = old + (u32)change;
            return 0;
        }
    }
}

/* Sets and clears bits of the state.  *before: what it held. */
static int change_bits(u64 word, u32 set, u32 clear, u32 *before)
{
    u32 seen;

    if (get_u32(word, &seen) != 0)
        return -EFAULT;
    for (;;) {
        u32 old = seen, wanted = (old | set) & ~clear;
        if (old != wanted && cas_u32(word, old, wanted, &seen) != 0)
            return -EFAULT;
        if (seen == old) {
            *before = old;
            return 0;
        }
    }
}

/* Leave the waiters of one side. */
static int leave(u64 state, const struct side *side, bool shared, u32 *now)
{
    u32 count, before;

    if (add_to(side->blocked, -1, &count) != 0)
        return -EFAULT;
    if (count != 0)
        return get_u32(state, now);
    if (change_bits(state, 0, side->bit, &before) != 0 || get_u32(side->blocked, &count) != 0)
        return -EFAULT;
    *now = before & ~side->bit;
    if (count != 0) /* somebody came in between, and may sleep without its bit */
        umtx_wake(state, ALL_WAITERS, shared, side->who);
    return 0;
}

/* Sleep until the lock looks free for this side.  0: look again. */
static long block(u64 state, const struct side *side, u32 busy, bool shared, const struct umtx_deadline *d)
{
    u32 seen, count;

    if (add_to(side->blocked, 1, &count) != 0)
        return -EFAULT;
    long r = 0;
    while (r == 0) {
        if (get_u32(state, &seen) != 0) {
            r = -EFAULT;
        } else if ((seen & busy) == 0) {
            break;
        } else if ((seen & side->bit) == 0) {
            u32 old = seen;
            if (cas_u32(state, old, old | side->bit, &seen) != 0)
                r = -EFAULT;
        } else {
            r = umtx_sleep(state, seen, shared, side->who, d);
            if (r == -EAGAIN)
                r = 0;
        }
    }
    if (leave(state, side, shared, &seen) != 0)
        return -EFAULT;
    /* Readers held back by the last waiting writer alone have nobody else to wake them. */
    if (r != 0 && side->who == WRITERS &&
        (seen & (FREEBSD_URWLOCK_WRITE_OWNER | FREEBSD_URWLOCK_WRITE_WAITERS)) == 0)
        umtx_wake(state, ALL_WAITERS, shared, READERS);
    return r;
}

static long lock_for_reading(u64 lock, u32 how, u32 flags, const struct umtx_deadline *d)
{
    u64 state = MEMBER(lock, urwlock, state);
    struct side readers = readers_of(lock);
    u32 seen, busy = FREEBSD_URWLOCK_WRITE_OWNER;

    if (((how | flags) & FREEBSD_URWLOCK_PREFER_READER) == 0)
        busy |= FREEBSD_URWLOCK_WRITE_WAITERS;
    for (;;) {
        if (get_u32(state, &seen) != 0)
            return -EFAULT;
        while ((seen & busy) == 0) {
            u32 old = seen;
            if ((old & FREEBSD_URWLOCK_MAX_READERS) == FREEBSD_URWLOCK_MAX_READERS)
                return -EAGAIN;
            if (cas_u32(state, old, old + 1, &seen) != 0)
                return -EFAULT;
            if (seen == old)
                return 0;
        }
        long r = block(state, &readers, busy, process_shared(flags), d);
        if (r != 0)
            return interrupted(r) ? -EINTR : r;
    }
}

static long lock_for_writing(u64 lock, u32 flags, const struct umtx_deadline *d)
{
    u64 state = MEMBER(lock, urwlock, state);
    struct side writers = writers_of(lock);
    u32 seen, busy = FREEBSD_URWLOCK_WRITE_OWNER | FREEBSD_URWLOCK_MAX_READERS;

    for (;;) {
        if (get_u32(state, &seen) != 0)
            return -EFAULT;
        while ((seen & busy) == 0) {
            u32 old = seen;
            if (cas_u32(state, old, old | FREEBSD_URWLOCK_WRITE_OWNER, &seen) != 0)
                return -EFAULT;
            if (seen == old)
                return 0;
        }
        long r = block(state, &writers, busy, process_shared(flags), d);
        if (r != 0)
            return interrupted(r) ? -EINTR : r;
    }
}

static long unlock(u64 lock, u32 flags)
{
    u64 state = MEMBER(lock, urwlock, state);
    bool shared = process_shared(flags), prefer_reader = flags & FREEBSD_URWLOCK_PREFER_READER;
    u32 seen, old;

    if (get_u32(state, &seen) != 0)
        return -EFAULT;
    do {
        u32 wanted;
        old = seen;
        if (old & FREEBSD_URWLOCK_WRITE_OWNER)
            wanted = old & ~FREEBSD_URWLOCK_WRITE_OWNER;
        else if (old & FREEBSD_URWLOCK_MAX_READERS)
            wanted = old - 1;
        else
            return -EPERM;
        if (cas_u32(state, old, wanted, &seen) != 0)
            return -EFAULT;
    } while (seen != old);

    bool writers = old & FREEBSD_URWLOCK_WRITE_WAITERS, readers = old & FREEBSD_URWLOCK_READ_WAITERS;
    if (readers && (prefer_reader || !writers))
        umtx_wake(state, ALL_WAITERS, shared, READERS);
    else if (writers && umtx_wake(state, 1, shared, WRITERS) == 0 && readers)
        umtx_wake(state, ALL_WAITERS, shared, READERS); /* the writer has just given up */
    return 0;
}

long umtx_rwlock_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS])
{
    struct umtx_limit limit;
    struct umtx_deadline d;
    u32 flags;

    if (get_u32(MEMBER(a[0], urwlock, flags), &flags) != 0)
        return -EFAULT;
    if (op == FREEBSD_UMTX_OP_RW_UNLOCK)
        return unlock(a[0], flags);
    long r = umtx_limit_in(a[3], a[4], &limit);
    if (r == 0)
        r = umtx_deadline_of(t, &limit, &d);
    if (r != 0)
        return r;
    if (op == FREEBSD_UMTX_OP_RW_RDLOCK)
        return lock_for_reading(a[0], (u32)a[2], flags, &d);
    return lock_for_writing(a[0], flags, &d);
}
