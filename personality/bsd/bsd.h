/* What the files of the BSD family share.
 *
 * They are compiled once for each of its kernels: `bsd_` and `BSD_` stand for that kernel's own names, which
 * its tables give (abi_bsd.h), and what only one kernel has is in that kernel's own folder. */
#ifndef GUISE_BSD_H
#define GUISE_BSD_H

#include "runtime.h"
#include "abi_bsd.h"

/* For the calls whose results may be negative: F_GETOWN, getpriority. */
static inline long bsd_signed_result(struct frame *f, long value)
{
    f->rax = (u64)value;
    f->rflags &= ~1UL; /* carry: no error */
    return RESULT_IN_FRAME;
}

/* ---- supplied by each kernel's own folder ------------------------------------------------------ */

void bsd_siginfo(struct bsd_siginfo *to, const struct siginfo_host *from);
/* The release that the guest is told of, in its kernel's own notation. */
u32 bsd_release(const struct process *p);

#endif
