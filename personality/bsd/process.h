/* Making processes. */
#ifndef GUISE_BSD_PROCESS_H
#define GUISE_BSD_PROCESS_H

#include "bsd.h"

/* process_fork, with the second result by which C libraries of old tell the child from the parent. */
long bsd_fork(struct thread *t, struct frame *f, u32 kind, u64 clone_flags);

#endif
