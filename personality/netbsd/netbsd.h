/* What the files of the NetBSD personality share: the generated ABI and a few services. */
#ifndef GUISE_NETBSD_H
#define GUISE_NETBSD_H

#include "bsd.h"

#define NETBSD_DEFAULT_RELEASE 1001000000U /* __NetBSD_Version__ of 10.1, sys/param.h */
#define FIRST_WITH_CLOEXEC_FORK 1100000000U

/* A signal of the host's that guests cannot have or send: it interrupts another thread's wait. */
#define WAKE_SIGNAL 32

int netbsd_start(struct thread *t, struct frame *f, const struct start_info *s);
int netbsd_deliver(struct thread *t, struct frame *f, const struct delivery *d);
u64 netbsd_start_code(void); /* 0: no memory */
bool netbsd_default_ignored(int host_signal);
int netbsd_fault_signal(const struct siginfo_host *info, u64 trap);

/* 0, or -EINVAL: not what a context's registers may be. */
long context_check(const struct netbsd_ucontext *uc);
/* Goes on as the context says; returns only if it cannot. */
long context_enter(struct thread *t, const struct netbsd_ucontext *uc);

/* 0, or -EINVAL: no address of a program's. */
long thread_pointer_set(struct thread *t, u64 base);

/* Times from before seconds had 64 bits: what lies beside the seconds is not part of them. */
static inline long timespec50_in(u64 at, struct netbsd_timespec *to)
{
    struct netbsd_timespec50 old;
    if (copy_in(&old, at, sizeof(old)) != 0)
        return -EFAULT;
    *to = (struct netbsd_timespec){.sec = old.sec, .nsec = old.nsec};
    return 0;
}

#endif
