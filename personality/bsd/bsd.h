/* What the files of the BSD family share.
 *
 * They are compiled once for each of its kernels: `bsd_` and `BSD_` stand for that kernel's own names, which
 * its tables give (abi_bsd.h), and what only one kernel has is in that kernel's own folder. */
#ifndef GUISE_BSD_H
#define GUISE_BSD_H

#include "runtime.h"
#include "abi_bsd.h"
#include "absent.h"

/* For the calls whose results may be negative: F_GETOWN, getpriority. */
static inline long bsd_signed_result(struct frame *f, long value)
{
    f->rax = (u64)value;
    f->rflags &= ~1UL; /* carry: no error */
    return RESULT_IN_FRAME;
}

/* ---- for the row that registers a personality --------------------------------------------------- */

int bsd_decode(struct thread *t, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS]);
void bsd_finish(struct thread *t, struct frame *f, long result);
/* A page of its own for code that signals return to, or threads begin in: the same at every call.  0: no
 * memory. */
u64 bsd_code(const u8 *code, size_t size);

/* ---- vector state in signal frames and contexts -------------------------------------------------- */

#define LEGACY_STATE 512 /* the FXSAVE part of an XSAVE area */
#define RED_ZONE 128     /* what a handler's frame leaves alone below the stack pointer */

/* Into the thread's own area, in XSAVE form.  extended: guest address of what follows the first 512 bytes,
 * 0 for none.  0 or -errno. */
long vector_state_take(struct thread *t, const void *legacy, u64 extended, u64 length, void **xstate);

/* ---- signals ------------------------------------------------------------------------------------- */

/* sigaction, with what the kernel's own frames need besides.  a: signal, new action, where the old one goes. */
long bsd_change_action(struct thread *t, const u64 a[MAX_ARGUMENTS], u64 extra);
/* Takes a signal of the set without a handler, waiting at most `limit` (NULL: for ever).  Its number or -errno. */
long bsd_await_signal(struct thread *t, u64 set, const struct timespec_host *limit, struct siginfo_host *info);
/* A set of the guest's, as host bits.  0 or -EFAULT. */
long bsd_read_sigset(u64 at, u64 *set);

/* Whether an absolute path is one of the host's that guests must not see. */
bool bsd_hides(u64 path);

/* ---- supplied by each kernel's own folder ------------------------------------------------------ */

void bsd_siginfo(struct bsd_siginfo *to, const struct siginfo_host *from);
/* fcntl's commands that this kernel alone has.  -EINVAL: it has no such command either. */
long bsd_own_fcntl(struct thread *t, int fd, u32 command, u64 argument);
/* The release that the guest is told of, in its kernel's own notation. */
u32 bsd_release(const struct process *p);

#include "ways.h"

#endif
