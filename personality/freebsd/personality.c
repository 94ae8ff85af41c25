/* The row that registers the FreeBSD personality. */
#include "freebsd.h"

u32 bsd_release(const struct process *p)
{
    return p->asked_release != 0 ? p->asked_release : FREEBSD_DEFAULT_RELEASE;
}

static int init_thread(struct thread *t UNUSED, const struct thread *creator UNUSED)
{
    return 0;
}

static void end_thread(struct thread *t UNUSED) {}

const struct personality freebsd_personality = {
    .name = "freebsd",
    .call_limit = FREEBSD_CALL_LIMIT,
    .calls = freebsd_calls,
    .handlers = freebsd_handlers,
    .names = freebsd_names,
    .name_text = freebsd_name_text,
    .unserved = freebsd_unserved,
    .fast_calls = freebsd_fast_calls,
    .carry_means_error = true,
    .decode = bsd_decode,
    .finish = bsd_finish,
    .signal_from_host = freebsd_signal_from_host,
    .signal_to_host = freebsd_signal_to_host,
    .default_ignored = freebsd_default_ignored,
    .fault_signal = freebsd_fault_signal,
    .deliver = freebsd_deliver,
    .start = freebsd_start,
    .init_thread = init_thread,
    .end_thread = end_thread,
};
