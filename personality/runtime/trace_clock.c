/* Times of records, for a third of what it costs to ask the host each time.
 *
 * The reader measures how fast the processor's counter ticks (area.py) and says so in the area, unless the host
 * itself does not trust the counter.  Each thread reads the host's clock once in a while and counts ticks from
 * there, so that times are those of CLOCK_MONOTONIC, whatever is done to it, to within a part of a
 * microsecond. */
#include "core.h"
#include "trace.h"
#include <linux/time.h>

#define UNDISTURBED 768UL /* ticks between two looks at the counter, with a look at the clock between them */

u64 trace_now(int clock)
{
    struct timespec_host ts;
    clock_read(clock, &ts);
    return (u64)ts.sec * 1000000000UL + (u64)ts.nsec;
}

/* A reading that something came between is no beginning to count from. */
u64 trace_time_again(struct trace_slot *s)
{
    u64 before = __builtin_ia32_rdtsc(), now = trace_now(CLOCK_MONOTONIC), took = __builtin_ia32_rdtsc() - before;
    bool usable = took < UNDISTURBED;
    s->clock_ticks = usable ? before + took / 2 : 0;
    s->clock_ns = now;
    if (now > s->clock_latest)
        s->clock_latest = now;
    return s->clock_latest;
}
