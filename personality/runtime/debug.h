/* Debugging of one guest by another: what the core's files share. */
#ifndef GUISE_DEBUG_H
#define GUISE_DEBUG_H

#include "core.h"

/* ---- debuggee.c --------------------------------------------------------------------------------- */

/* Whether the process of this address space is debugged: then no call is rewritten or takes a short way, and
 * each signal arrives. */
extern u32 debug_active;

static inline bool is_debugged(const struct thread *t)
{
    return debug_active && !t->in_vfork_child;
}
bool debug_stop_wanted(const struct thread *t);
/* At a place between two guest instructions: stays there while the debugger wants that.  vector: the thread's
 * vector state. */
void debug_stop(struct thread *t, struct frame *f, u64 vector);
/* A signal is about to act.  False: it does not any more; *info may be another's afterwards. */
bool debug_signal(struct thread *t, struct frame *f, u64 vector, struct siginfo_host *info);
/* A call begins or has ended.  True: the debugger may have changed its registers. */
bool debug_call(struct thread *t, struct frame *f, u32 flags, u64 number, u32 count, const u64 *arguments);
/* A call ends by entering another context than it was made in. */
void debug_context_entered(struct thread *t);
void debug_thread_begins(struct thread *t); /* before it goes anywhere */
/* A call has made a child: kind FORK_COPY or FORK_SHARE. */
void debug_forked(struct thread *t, u32 kind, s32 child);
/* Whether a vfork has to be a fork, so that the child can be followed. */
bool debug_follows(const struct thread *t);
/* Before a program's first instruction. */
void debug_started(struct thread *t, struct frame *f);
/* This process is debugged from now on, by its own wish. */
void debug_begins(struct thread *t, s32 debugger);
void debug_boot(struct process *p, s32 debugger, u32 events, u32 stops);
void debug_last_thread_ends(const struct process *p);
void debug_ends(struct thread *t, s32 code, s32 status); /* the process is about to: as waitid says it */

/* Looks again at what is said to another thread or process; wakes it if it waits. */
void nudge_thread(s32 pid, s32 tid, u32 kind);
void nudge_process(s32 pid, u32 kind);
bool is_nudge(const struct siginfo_host *info);
bool is_nudge_value(u64 value);
#define NUDGE_LOOK 0
#define NUDGE_TRACE_ME 1 /* to the parent */
#define NUDGE_FOLLOW 2   /* the same, to a debugger that is not the parent */

/* Runs `death` in a thread of its own, which the guest does not see, when the process has ended. */
long watch_process(s32 pid, void (*death)(s32 pid));

/* ---- peers.c ------------------------------------------------------------------------------------ */

/* call: process_vm_readv or process_vm_writev. */
long move_memory(long call, s32 pid, u64 theirs, void *ours, size_t n);
bool poke(s32 pid, u64 theirs, const void *ours, size_t n);
/* *shift: where its runtime lies from where ours does; the last answer to begin with, or 0. */
bool find_runtime(s32 pid, s64 *shift, struct debuggee *d);
bool await_runtime(s32 pid, s64 *shift, struct debuggee *d); /* of a process that has just begun too */
void wait_a_moment(void); /* for what another process is about to do */
bool debuggee_at(s32 pid, s64 shift, struct debuggee *d);

/* ---- debugger.c --------------------------------------------------------------------------------- */

/* Waits until that process debugs us, or is gone: false. */
bool debug_register(s32 debugger, u32 kind);
bool debugger_knows(s32 debugger, s32 pid);
bool debuggee_is_here(s32 pid); /* at the same address: it has not executed anything */
/* In the host's handler.  True: this process has got a debuggee, and whoever waits for children has to look again. */
bool debugger_nudged(struct thread *t, const struct siginfo_host *info);
/* SIGCHLD of a debuggee's stop looks like one of the host's. */
void debugger_signal(struct siginfo_host *info);

/* ---- elsewhere ---------------------------------------------------------------------------------- */

void debug_sends(struct thread *t, int signal); /* at its next exit */
void actions_tell_host(struct thread *t); /* of all signals, again */
void patch_undo(bool alone); /* puts the guest's own instructions back */
void each_thread(struct process *p, void (*visit)(struct thread *t, void *context), void *context);

#endif
