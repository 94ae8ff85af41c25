/* What the files of the FreeBSD personality share: the generated ABI and a few services. */
#ifndef GUISE_FREEBSD_H
#define GUISE_FREEBSD_H

#include "runtime.h"
#include "abi_freebsd.h"

#define FREEBSD_DEFAULT_RELEASE 1402000 /* osreldate of 14.2-RELEASE, sys/param.h */

static inline u32 freebsd_release(const struct process *p)
{
    return p->asked_release != 0 ? p->asked_release : FREEBSD_DEFAULT_RELEASE;
}

/* For the calls whose results may be negative: F_GETOWN, getpriority. */
static inline long freebsd_signed_result(struct frame *f, long value)
{
    f->rax = (u64)value;
    f->rflags &= ~1UL; /* carry: no error */
    return RESULT_IN_FRAME;
}

int freebsd_start(struct thread *t, struct frame *f, const struct start_info *s);
int freebsd_deliver(struct thread *t, struct frame *f, const struct delivery *d);
int freebsd_map_sigcode(struct process *p);
bool freebsd_default_ignored(int host_signal);
int freebsd_fault_signal(const struct siginfo_host *info, u64 trap);
void freebsd_siginfo(struct freebsd_siginfo *to, const struct siginfo_host *from);

#endif
