/* _umtx_op between its files: how a guest thread sleeps on a word of its own and how it is woken.
 *
 * The guest's kernel keeps a queue for every object.  Here the queue is the host's futex on the very word
 * that the guest's C library already uses, so that a lock word means the same to every process that maps
 * it, and nothing has to be cleaned up when one of them dies.  What a futex cannot tell is how many others
 * wait.  Two rules make that unnecessary and lose no wake-up:
 *
 *   - whoever is woken leaves the object marked as contended, because more may be waiting: it costs one
 *     call at the end of a contention, and the waker touches no memory after it has let go;
 *   - a count of waiters that the object itself holds is raised before the word is marked and the word is
 *     compared by the host in the same step in which the thread falls asleep.
 */
#ifndef GUISE_FREEBSD_UMTX_H
#define GUISE_FREEBSD_UMTX_H

#include "clocks.h"
#include <linux/futex.h>

#define ALL_WAITERS 0x7fffffffU
#define MEMBER(object, kind, member) ((object) + offsetof(struct freebsd_##kind, member))

/* A time limit as the guest gave it. */
struct umtx_limit {
    bool present, absolute;
    u32 clock;
    struct timespec_host when;
};

/* The same on a clock that futexes know, fixed when the call came in: waits that are retried share it. */
struct umtx_deadline {
    bool present, realtime;
    struct timespec_host when;
};

/* From the guest's (size, address) pair; a null address means no limit.  0 or -errno. */
long umtx_limit_in(u64 size, u64 address, struct umtx_limit *limit);
long umtx_deadline_of(struct thread *t, const struct umtx_limit *limit, struct umtx_deadline *d);

/* Sleep while the word holds `expected`.  0: woken; -EAGAIN: it held something else; -ETIMEDOUT; -EFAULT;
 * -EINTR or RESTART: a signal. */
long umtx_sleep(u64 word, u32 expected, bool shared, u32 bitset, const struct umtx_deadline *d);
/* Wake up to `count`; how many were woken, or -EFAULT. */
long umtx_wake(u64 word, u32 count, bool shared, u32 bitset);
/* How many sleep on the word at this moment. */
long umtx_sleepers(u64 word, bool shared);
#define ANY_WAITER FUTEX_BITSET_MATCH_ANY

static inline bool interrupted(long result) { return result == RESTART || result == -EINTR; }
static inline bool process_shared(u32 flags) { return (flags & FREEBSD_USYNC_PROCESS_SHARED) != 0; }

enum mutex_mode { MUTEX_LOCK, MUTEX_TRY, MUTEX_AWAIT };

long umtx_minimum_op(u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_wait_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_mutex_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_condvar_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_rwlock_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_semaphore_op(struct thread *t, u32 op, const u64 a[MAX_ARGUMENTS]);
long umtx_robust_op(struct thread *t, const u64 a[MAX_ARGUMENTS]);
long umtx_shared_op(struct thread *t, const u64 a[MAX_ARGUMENTS]);

/* One mutex, whatever its protocol.  `dead`: its owner `tid` ends while it holds it. */
long umtx_mutex_unlock(u64 mutex, s32 tid, bool dead);

/* The protocols that involve priorities; `limit` as for any other mutex. */
long umtx_inherit_lock(struct thread *t, u64 mutex, bool shared, enum mutex_mode mode,
                       const struct umtx_deadline *d);
long umtx_inherit_unlock(u64 mutex, bool shared);
long umtx_protect_lock(struct thread *t, u64 mutex, bool shared, enum mutex_mode mode,
                       const struct umtx_deadline *d);
long umtx_protect_unlock(u64 mutex, s32 tid, u32 released, bool shared);
long umtx_set_ceiling(struct thread *t, u64 mutex, u32 ceiling, u64 old_ceiling);

#endif
