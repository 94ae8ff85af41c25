/* Debugging other guests: what ptrace and the waiting calls of a kernel need.
 *
 * Everything here is between this process and the runtimes of others, whatever kernels they are of; signals are
 * the host's numbers. */
#ifndef GUISE_DEBUGGER_H
#define GUISE_DEBUGGER_H

#include "runtime.h"

/* ---- any guest ----------------------------------------------------------------------------------- */

/* Where its ps_strings are; 0: it has none, is no guest, or may not be looked into. */
u64 ps_strings_of(s32 pid);
bool peek(s32 pid, u64 theirs, void *ours, size_t n);

/* ---- being debugged ------------------------------------------------------------------------------ */

/* By the parent.  -EBUSY: somebody does already; -EPERM: the parent is no guest that could. */
long debug_me(struct thread *t);
/* SIGSTOP is for a process that is debugged: its debugger hears of it, where the host would just stop it. */
bool debug_takes_stop(struct thread *t, s32 pid);

/* A thread is about to end, and nobody who waits for it knows yet. */
void debug_thread_ends(struct thread *t);

/* ---- waiting -------------------------------------------------------------------------------------- */

bool debugger_is_busy(void); /* this process has debuggees */
/* Changes with everything that may have happened to one, or to a child; a futex. */
const u32 *debugger_news(struct thread *t);
/* What to wait for: of waitid(2), P_PID, P_PGID or P_ALL of the host's. */
struct who {
    u32 kind;
    s64 id;
};
/* A debuggee that has stopped, or ended without being a child, and was not reported yet: its pid and what waitid
 * says of it, or 0.  keep: it will be reported again. */
s32 debugger_look(const struct who *who, bool keep, struct siginfo_host *info);
/* Whether there is one that is no child. */
bool debugger_awaits(const struct who *who);
void debugger_forget(s32 pid);

/* ---- one debuggee --------------------------------------------------------------------------------- */

struct debuggee_thread {
    u64 at;            /* struct thread, in its memory */
    u64 park_at, frame_at;
    struct thread state;
    struct park park;  /* park_at != 0 */
    struct frame frame;
};

struct target {
    s32 pid;
    s64 shift; /* where its runtime lies, from where ours does */
    struct debuggee debug;
};

/* A debuggee that has stopped and was waited for.  -ESRCH, -EPERM: not debugged, -EBUSY: not by us, or not stopped.
 * id: a process's or a thread's. */
long target_open(s32 id, struct target *target);
/* tid 0: the thread that reported.  -ESRCH. */
long target_thread(const struct target *target, s32 tid, struct debuggee_thread *thread);
/* At most `room` tids; how many threads there are. */
long target_threads(const struct target *target, s32 *tids, u32 room);
long target_read(const struct target *target, u64 from, void *to, size_t n);        /* bytes, or -EFAULT */
long target_write(const struct target *target, u64 to, const void *from, size_t n); /* code too */
long target_put(const struct target *target, u64 to, const void *from, size_t n);   /* the runtime's data; 0 or -errno */
long target_set_events(struct target *target, u32 events);
/* Goes on, with that signal or none. */
long target_resume(struct target *target, s32 signal, bool detach);
long debugger_attach(struct thread *t, s32 pid);

#endif
