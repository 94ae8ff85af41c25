/* The guest's clocks, for every call that names one. */
#ifndef GUISE_FREEBSD_CLOCKS_H
#define GUISE_FREEBSD_CLOCKS_H

#include "runtime.h"
#include "abi_freebsd.h"

/* The host's clock of the same meaning, or -EINVAL. */
long freebsd_clock_to_host(s32 clock);
/* Read a guest clock.  0 or -errno. */
long freebsd_clock_read(struct thread *t, s32 clock, struct timespec_host *now);

static inline bool valid_timespec(const struct freebsd_timespec *ts)
{
    return ts->sec >= 0 && ts->nsec >= 0 && ts->nsec < 1000000000;
}

#endif
