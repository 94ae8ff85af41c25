/* What the thread calls remember of a guest thread, found by its id: the personality's other parts have no
 * need of it, and most threads never get an entry. */
#ifndef GUISE_FREEBSD_THREAD_STATE_H
#define GUISE_FREEBSD_THREAD_STATE_H

#include "runtime.h"

struct thread_state {
    struct thread_state *next;
    const struct process *process;
    const struct thread *thread; /* once it has looked itself up */
    s32 tid;
    u32 awake;         /* thr_wake came, and no thr_suspend has taken it yet; a futex */
    u64 robust;        /* addresses of list heads, as UMTX_OP_ROBUST_LISTS gave them */
    u64 robust_private;
    u64 robust_entering;
};

/* The entry of a thread of t's process, made if there is none.  NULL: no memory. */
struct thread_state *thread_state_of(struct thread *t, s32 tid);
/* The same, NULL if there is none. */
struct thread_state *thread_state_find(const struct process *p, s32 tid);
/* Set `awake` of an existing entry and wake its thread.  False: it has none. */
bool thread_state_wake(const struct process *p, s32 tid);
/* Entries of a process one by one: the one after `last`, the first for NULL. */
struct thread_state *thread_state_next(const struct process *p, const struct thread_state *last);

/* A thread (all threads of its process) is about to end: its robust mutexes get a dead owner. */
void robust_thread_ends(struct thread *t);
void robust_process_ends(struct thread *t);
/* The process is about to end: pages of UMTX_OP_SHM that it made go with it. */
void umtx_shared_process_ends(const struct thread *t);

#endif
