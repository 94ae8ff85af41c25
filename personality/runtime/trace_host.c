/* The host calls that a guest call becomes, kept beside its record on request.
 *
 * entry.S comes here instead of making a host call while somebody wants to see them; between a call's
 * record being begun and completed they are noted, and those of the trace itself are not. */
#include "core.h"
#include "trace.h"

u32 host_calls_wanted;

long host_call6_plain(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long host_interruptible6_plain(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long host_call6_noted(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long host_interruptible6_noted(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* A thread that has just begun has its parent's %gs still: only who runs on the thread's own stack is it. */
static struct trace_thread *noting(void)
{
    struct thread *t = current_thread();
    u64 here = (u64)__builtin_frame_address(0);
    struct trace_thread *state = here - t->area < t->area_size ? t->trace_state : NULL;
    return state != NULL && state->host_recording ? state : NULL;
}

static long note(struct trace_thread *state, u32 place, long n, const u64 *arguments, long result)
{
    if (state != NULL && place < TRACE_HOST_CALLS) {
        struct trace_host_call *call = &state->host[place];
        call->number = (u64)n;
        memcpy(call->arguments, arguments, sizeof(call->arguments));
        call->result = result;
    }
    return result;
}

long host_call6_noted(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct trace_thread *state = noting();
    u32 place = state != NULL ? state->host_count++ : 0;
    const u64 arguments[6] = {a, b, c, d, e, f};
    return note(state, place, n, arguments, host_call6_plain(n, a, b, c, d, e, f));
}

long host_interruptible6_noted(long n, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    struct trace_thread *state = noting();
    u32 place = state != NULL ? state->host_count++ : 0;
    const u64 arguments[6] = {a, b, c, d, e, f};
    return note(state, place, n, arguments, host_interruptible6_plain(n, a, b, c, d, e, f));
}

u8 *trace_capture_host_calls(struct trace_record *r, u8 *at, struct thread *t)
{
    const struct trace_thread *state = t->trace_state;
    u32 count = state->host_count < TRACE_HOST_CALLS ? state->host_count : TRACE_HOST_CALLS;
    u64 room = TRACE_RECORD - (u64)(at - (u8 *)r), length = count * sizeof(state->host[0]);
    if (count == 0 || length + 64 > room)
        return at;
    return trace_capture_block(r, at, CAPTURE_HOST, state->host, length);
}
