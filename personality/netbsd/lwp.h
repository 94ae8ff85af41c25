/* Lightweight processes: what NetBSD knows of a thread, and the host does not. */
#ifndef GUISE_NETBSD_LWP_H
#define GUISE_NETBSD_LWP_H

#include "netbsd.h"

struct lwp_start {
    struct netbsd_ucontext context;
    u32 held; /* a futex: LWP_SUSPENDED, until _lwp_continue */
};

struct lwp {
    struct lwp *next;              /* in the list of all */
    const struct process *process; /* a vfork child sees its parent's memory, not its LWPs */
    s32 tid;                       /* the host's, which is the guest's too */
    u32 unparked;                  /* a futex: _lwp_unpark came, and no park has taken it yet */
    u32 asleep;                    /* in park, or about to be */
    bool detached, departed;
    bool on_stack;   /* of signals; a flag that contexts carry, wherever the stack pointer is */
    u64 link;        /* the context to follow, as contexts say it */
    s32 waits_for;   /* in _lwp_wait: for whom, -1 for anybody, 0 not at all */
    s32 waiter;      /* who waits for this one */
    u32 protected;   /* how many _sched_protect are in force */
    struct lwp *made;         /* by _lwp_create, until lwp_init gives it to its thread */
    struct lwp_start *start;  /* until it has begun */
    struct shown_cpu control; /* struct lwpctl */
    char name[NETBSD_MAXCOMLEN];
};

static inline struct lwp *lwp_of(const struct thread *t) { return t->personal; }

int lwp_init(struct thread *t, const struct thread *creator);
void lwp_end(struct thread *t);

struct lwp *lwp_new(const struct process *p); /* in the list */
void lwp_free(struct lwp *l);                 /* taken out of it */
void lwps_lock(void);
void lwps_unlock(void);
/* With the lock held: one of the process's, alive or departed; NULL. */
struct lwp *lwp_find(const struct process *p, s32 tid);
struct lwp *lwp_first(const struct process *p);
struct lwp *lwp_next(const struct process *p, const struct lwp *l);
/* Wakes those that wait for LWPs to depart.  The word changes each time. */
u32 lwp_departures(void);
void lwp_tell_waiters(void);
long lwp_await_departure(u32 seen);

/* The first call of a new LWP: enters the context it was made with. */
static inline bool lwp_begins(const struct thread *t) { return lwp_of(t)->start != NULL; }
long lwp_begin(struct thread *t);

void lwp_main_stack(const struct thread *t, struct netbsd_stack *to);

#endif
