/* The row that registers the NetBSD personality. */
#include "netbsd.h"
#include "lwp.h"

u32 bsd_release(const struct process *p)
{
    return p->asked_release != 0 ? p->asked_release : NETBSD_DEFAULT_RELEASE;
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
    .decode = bsd_decode,
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
