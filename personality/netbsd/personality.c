/* The row that registers the NetBSD personality. */
#include "netbsd.h"
#include "lwp.h"

u32 bsd_release(const struct process *p)
{
    return p->asked_release != 0 ? p->asked_release : NETBSD_DEFAULT_RELEASE;
}

/* How a new LWP enters its context looks like a call, but its program has made none. */
static int decode(struct thread *t, struct frame *f, u64 *number, u64 a[MAX_ARGUMENTS])
{
    if (__builtin_expect(*number == NETBSD_SYS_setcontext, 0) && lwp_begins(t))
        return (int)lwp_begin(t);
    return bsd_decode(t, f, number, a);
}

const struct personality netbsd_personality = {
    .name = "netbsd",
    .call_limit = NETBSD_CALL_LIMIT,
    .calls = netbsd_calls,
    .handlers = netbsd_handlers,
    .names = netbsd_names,
    .name_text = netbsd_name_text,
    .unserved = netbsd_unserved,
    .fast_calls = netbsd_fast_calls,
    .carry_means_error = true,
    .decode = decode,
    .finish = bsd_finish,
    .signal_from_host = netbsd_signal_from_host,
    .signal_to_host = netbsd_signal_to_host,
    .default_ignored = netbsd_default_ignored,
    .fault_signal = netbsd_fault_signal,
    .deliver = netbsd_deliver,
    .start = netbsd_start,
    .init_thread = lwp_init,
    .end_thread = lwp_end,
};
