/* ptrace(2): what its files share. */
#ifndef GUISE_FREEBSD_PTRACE_H
#define GUISE_FREEBSD_PTRACE_H

#include "freebsd.h"
#include "debugger.h"

/* Stopped at a call's beginning or end. */
static inline bool is_in_call(const struct debuggee_thread *thread)
{
    return thread->park.event && (thread->park.flags & (STOP_ENTER | STOP_LEAVE));
}

/* PT_GETREGS and all others about one thread's registers; -EINVAL for what is none of them. */
long registers_request(const struct target *target, struct debuggee_thread *thread, u32 request, u64 at, s32 data);
long registers_step(const struct target *target, struct debuggee_thread *thread, bool on);

#endif
