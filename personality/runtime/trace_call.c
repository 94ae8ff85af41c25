/* A call's record, from its entry to its exit: wanted or not, changed or not. */
#include "core.h"
#include "trace.h"
#include <linux/time.h>

/* An ioctl's third argument depends on the second. */
static const struct trace_request *request_of(const struct trace_call *row, const u64 *a)
{
    u32 low = 0, high = row->request_count, wanted = (u32)a[row->selector];
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (row->requests[middle].number < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row->request_count && row->requests[low].number == wanted ? &row->requests[low] : NULL;
}

static u8 *capture_list(struct trace_record *r, u8 *at, u32 when, const struct trace_argument *list, u32 count,
                        const u64 *a, long result)
{
    for (u32 i = 0; i < count; i++)
        if (list[i].when & when)
            at = trace_capture(r, at, &list[i], a, result);
    return at;
}

/* A call that leads nowhere costs no more than to see that. */
static inline u8 *capture_all(struct trace_record *r, u8 *at, u32 when, const struct trace_call *row, const u64 *a,
                              long result)
{
    if (row == NULL || row->count + row->request_count == 0)
        return at;
    at = capture_list(r, at, when, row->arguments, row->count, a, result);
    const struct trace_request *request = row->request_count != 0 ? request_of(row, a) : NULL;
    return request != NULL ? capture_list(r, at, when, request->arguments, request->count, a, result) : at;
}

static struct trace_record *begin_call(struct trace_slot *s, const struct trace_call *row, const struct frame *f,
                                       u64 number, const u64 *a, const struct call_entry *entry)
{
    struct trace_record *r = trace_reserve(s, RECORD_CALL, (u32)number);
    if (r == NULL)
        return NULL;
    r->state = STATE_OPEN;
    r->arguments = entry != NULL ? entry->arguments : 6;
    for (u32 i = 0; i < r->arguments; i++)
        r->values[i] = a[i];
    u8 *end = capture_all(r, (u8 *)(r->values + r->arguments), TRACE_ENTRY, row, a, 0);
    if (trace_area->options & TRACE_WITH_STACKS)
        end = trace_capture_stack(r, end, f);
    r->size = (u32)(end - (u8 *)r);
    return r;
}

/* What has to be known of this thread's call beside its record. */
static u32 policy_of(const u16 (*table)[TRACE_CALLS], u32 kernel, u64 number, u32 otherwise)
{
    return kernel < TRACE_KERNELS && number < TRACE_CALLS ? table[kernel][number] : otherwise;
}

static bool record_entry(struct thread *t, struct trace_slot *s, const struct trace_call *row, const struct frame *f,
                         u64 number, const u64 *a, const struct call_entry *entry)
{
    u32 wanted = policy_of(trace_area->wanted, s->kernel, number, 1);
    u32 undecided = 0;
    if (wanted == 0)
        return false;
    if (wanted > 1) {
        u32 truth = trace_judge(t, wanted - 2, a, false, 0, 0);
        if (truth == TRUTH_FALSE)
            return false;
        undecided = truth == TRUTH_UNKNOWN ? wanted - 1 : 0;
    }
    if (undecided != 0 || host_calls_wanted) {
        struct trace_thread *state = trace_thread_of(t);
        if (state == NULL)
            return false;
        state->undecided = undecided;
    } else if (t->trace_state != NULL) {
        ((struct trace_thread *)t->trace_state)->undecided = 0;
    }
    if (trace_area->options & TRACE_WITH_STACKS)
        trace_mappings(s);
    if ((trace_area->options & TRACE_WITH_NAMES) && row != NULL &&
        (row->descriptors != 0 || (row->flags & TRACED_SETS)))
        trace_names_before(s, row, a);
    struct trace_record *r = begin_call(s, row, f, number, a, entry);
    if (r == NULL)
        return false;
    r->flags = undecided != 0 ? UNDECIDED : 0;
    __atomic_store_n(&s->open, s->head + 1, __ATOMIC_RELEASE);
    return true;
}

/* The execve that brought us here, begun by the program before this one. */
void trace_executed(struct thread *t, struct trace_slot *s)
{
    struct trace_record *r = trace_record_at(s, s->head);
    u32 wanted = policy_of(trace_area->wanted, r->kernel, r->number, 1);
    r->duration = trace_time(s) - r->start;
    r->state = STATE_DONE;
    if ((r->flags & UNDECIDED) && trace_judge(t, wanted - 2, r->values, true, 0, r->duration) == TRUTH_FALSE) {
        s->open = 0;
        return;
    }
    r->flags = 0;
    trace_commit(s, r, (u8 *)r + r->size);
}

u32 trace_enter(struct thread *t, struct frame *f, u64 number, u64 *a, const struct call_entry *entry, long *result)
{
    if (trace_area->off)
        return 0;
    struct trace_slot *s = trace_slot_of(t);
    if (s == NULL)
        return 0;
    const struct trace_call *row = trace_row(s->kernel, number);
    bool recorded = record_entry(t, s, row, f, number, a, entry);
    if (recorded && entry != NULL && (entry->flags & CALL_NO_RESULT))
        trace_commit_open(s);
    u32 what = recorded ? TRACE_LEAVE : 0;
    u32 tamper = policy_of(trace_area->tamper, s->kernel, number, 0);
    if (__builtin_expect(tamper != 0, 0)) {
        if (trace_tamper_before(t, tamper - 1, a, result))
            what |= TRACE_ANSWERED;
        struct trace_thread *state = t->trace_state;
        if (state != NULL && state->fired_count != 0)
            what |= TRACE_LEAVE;
    }
    if (!recorded && (trace_area->options & TRACE_WITH_NAMES) && row != NULL && (row->flags & TRACED_CHANGES))
        what |= TRACE_LEAVE; /* what a call does to descriptors counts, whether it is shown or not */
    if (__builtin_expect(recorded && host_calls_wanted, 0)) {
        struct trace_thread *state = t->trace_state;
        state->host_count = 0;
        state->host_recording = 1;
    }
    return what;
}

static bool is_wanted_after_all(struct thread *t, const u64 *a, long result, u64 duration)
{
    struct trace_thread *state = t->trace_state;
    return state == NULL || state->undecided == 0 ||
           trace_judge(t, state->undecided - 1, a, true, result, duration) != TRUTH_FALSE;
}

/* False: it is not wanted after all. */
static bool complete(struct thread *t, struct trace_slot *s, const struct trace_call *row, const struct frame *f,
                     const u64 *a, long result, u64 end)
{
    struct trace_record *r = trace_record_at(s, s->head);
    struct trace_thread *state = t->trace_state;
    bool failed = is_error(result) && result != RESULT_IN_FRAME;
    r->duration = end > r->start ? end - r->start : 0;
    r->flags = 0;
    r->state = STATE_DONE;
    r->result = result == RESULT_IN_FRAME ? (long)f->rax : result;
    r->second = f->rdx;
    if (!is_wanted_after_all(t, a, r->result, r->duration)) {
        s->open = 0;
        return false;
    }
    u8 *at = (u8 *)r + r->size;
    if (!failed) {
        at = capture_all(r, at, TRACE_EXIT, row, a, result);
        if (row != NULL && (row->flags & TRACED_CHANGES) && (trace_area->options & TRACE_WITH_NAMES))
            at = trace_names_after(r, at, row, a, result);
    }
    if (state != NULL) {
        r->flags = (u16)(state->fired_count != 0 ? state->tampered : 0);
        if (host_calls_wanted)
            at = trace_capture_host_calls(r, at, t);
    }
    trace_commit(s, r, at);
    return true;
}

void trace_leave(struct thread *t, const struct frame *f, u64 number, const u64 *a,
                 const struct call_entry *entry, long result)
{
    struct trace_thread *state = t->trace_state;
    struct trace_slot *s = (struct trace_slot *)t->trace_ring;
    u64 end = s != NULL ? trace_time(s) : 0;
    if (state != NULL) {
        state->host_recording = 0;
        if (state->fired_count != 0)
            trace_tamper_after(t, a);
    }
    if (s == NULL) { /* the child of a fork: its parent's record is not its own */
        s = trace_slot_of(t);
        if (s == NULL || !record_entry(t, s, trace_row(s->kernel, number), f, number, a, entry))
            return;
    }
    const struct trace_call *row = trace_row(s->kernel, number);
    bool shown = trace_is_open(s) && complete(t, s, row, f, a, result, end);
    if (row != NULL && (trace_area->options & TRACE_WITH_NAMES)) {
        if (is_error(result))
            trace_names_failed(row, a, result);
        else if (!shown)
            trace_names_after(NULL, NULL, row, a, result);
    }
    if (state != NULL)
        state->fired_count = 0;
}
