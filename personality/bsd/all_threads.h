/* One host call, made by every thread of the process. */
#ifndef GUISE_BSD_ALL_THREADS_H
#define GUISE_BSD_ALL_THREADS_H

#include "runtime.h"

/* The calling thread goes first; if it is refused, the others are left alone. 0 or -errno. */
long in_all_threads(struct thread *t, long call, const u64 arguments[3]);

#endif
