/* The guest's clocks, for every call that names one. */
#ifndef GUISE_BSD_CLOCKS_H
#define GUISE_BSD_CLOCKS_H

#include "runtime.h"
#include "abi_bsd.h"

/* The host's clock of the same meaning, or -EINVAL. */
long bsd_clock_to_host(s32 clock);
/* Read a guest clock.  0 or -errno. */
long bsd_clock_read(struct thread *t, s32 clock, struct timespec_host *now);

static inline bool valid_timespec(const struct bsd_timespec *ts)
{
    return ts->sec >= 0 && ts->nsec >= 0 && ts->nsec < 1000000000;
}

#endif
