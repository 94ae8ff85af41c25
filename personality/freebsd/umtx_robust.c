/* Robust mutexes: when a thread ends while it holds some, each passes to the next one with the news that
 * its owner has died.
 *
 * The C library keeps them in lists of its own and only says where these begin.  They are walked when a
 * thread or a process ends by itself.  A process that is killed, or that executes another program, ends
 * without that: the host has a robust list too, but its entries are linked in another way and its mark for
 * a dead owner is another, so it cannot walk these. */
#include "thread_state.h"
#include "umtx.h"

#define MOST_ENTRIES 1000 /* kern.ipc.umtx_max_robust */

long umtx_robust_op(struct thread *t, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_umtx_robust_lists_params lists = {0};

    if (a[2] > sizeof(lists))
        return -EINVAL;
    if (copy_in(&lists, a[3], a[2]) != 0)
        return -EFAULT;
    struct thread_state *s = thread_state_of(t, t->tid);
    if (s == NULL)
        return -ENOMEM;
    s->robust = lists.robust_list_offset;
    s->robust_private = lists.robust_priv_list_offset;
    s->robust_entering = lists.robust_inact_offset;
    return 0;
}

/* One mutex of a list.  *next: the one behind it.  False: the list makes no sense, stop. */
static bool release(u64 mutex, s32 tid, bool entering, u64 *next)
{
    struct freebsd_umutex m;

    if (copy_in(&m, mutex, sizeof(m)) != 0)
        return false;
    *next = m.rb_lnk;
    if ((m.flags & FREEBSD_UMUTEX_ROBUST) == 0)
        return false;
    if ((m.owner & ~FREEBSD_UMUTEX_CONTESTED) != (u32)tid)
        return entering; /* it was being taken or given back, and is not owned */
    return umtx_mutex_unlock(mutex, tid, true) == 0;
}

static void release_list(u64 head, s32 tid, u64 *entering)
{
    u64 mutex = 0;

    if (head == 0 || get_u64(head, &mutex) != 0)
        return;
    for (u32 i = 0; mutex != 0 && i < MOST_ENTRIES; i++) {
        bool is_entering = mutex == *entering;
        if (is_entering)
            *entering = 0;
        if (!release(mutex, tid, is_entering, &mutex))
            return;
    }
}

static void release_all(struct thread_state *s)
{
    u64 entering = 0, next;

    if (s->robust_entering != 0 && get_u64(s->robust_entering, &entering) != 0)
        entering = 0;
    release_list(s->robust, s->tid, &entering);
    release_list(s->robust_private, s->tid, &entering);
    if (entering != 0)
        release(entering, s->tid, true, &next);
    s->robust = s->robust_private = s->robust_entering = 0;
}

void robust_thread_ends(struct thread *t)
{
    struct thread_state *s = thread_state_find(t->process, t->tid);
    if (s != NULL)
        release_all(s);
}

void robust_process_ends(struct thread *t)
{
    for (struct thread_state *s = thread_state_next(t->process, NULL); s != NULL;
         s = thread_state_next(t->process, s))
        release_all(s);
}
