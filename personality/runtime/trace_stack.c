/* The guest's stack at a call, and where its code comes from: what a reader needs to name its callers.
 *
 * Bytes are copied and nothing is unwound here: whoever reads them has the images' unwind tables. */
#include "core.h"
#include "trace.h"

#define REGISTERS 8
#define STEP 1024UL

u8 *trace_capture_stack(struct trace_record *r, u8 *at, const struct frame *f)
{
    u64 *registers = (u64 *)(at + sizeof(struct trace_capture));
    u64 values[REGISTERS] = {f->rip, f->rsp, f->rbp, f->rbx, f->r12, f->r13, f->r14, f->r15};
    u64 used = (u64)(at - (u8 *)r) + sizeof(struct trace_capture) + sizeof(values) + 8;
    u64 room = used < TRACE_RECORD / 2 ? TRACE_RECORD / 2 - used : 0, length = 0;
    memcpy(registers, values, sizeof(values));
    u64 limit = trace_area->stack_limit < room ? trace_area->stack_limit : room;
    u8 *stack = (u8 *)(registers + REGISTERS);
    while (length < limit) {
        u64 step = STEP - (f->rsp + length) % STEP; /* never across a page */
        step = step < limit - length ? step : limit - length;
        if (copy_in(stack + length, f->rsp + length, step) != 0)
            break;
        length += step;
    }
    struct trace_capture *c = (struct trace_capture *)at;
    *c = (struct trace_capture){.argument = CAPTURE_STACK, .length = (u32)(sizeof(values) + length)};
    r->captures++;
    return (u8 *)registers + ((sizeof(values) + length + 7) & ~7UL);
}

/* ---- executable mappings --------------------------------------------------------------------------- */

static u32 changed = 1;

void trace_mappings_changed(void)
{
    if (trace_area != NULL)
        __atomic_store_n(&changed, 1, __ATOMIC_RELAXED);
}

static void changed_in_child(struct thread *t UNUSED) { trace_mappings_changed(); }
ON_FORK_CHILD(changed_in_child);

static bool report(const struct host_mapping *m, void *slot)
{
    if (m->mode[2] != 'x' || (m->path[0] != '/' && m->path[0] != '['))
        return true;
    struct trace_record *r = trace_reserve(slot, RECORD_MAPPING, 0);
    if (r == NULL)
        return true;
    r->arguments = 3;
    r->values[0] = m->low;
    r->values[1] = m->high;
    r->values[2] = m->offset;
    trace_commit(slot, r, trace_capture_text(r, (u8 *)(r->values + 3), 0, m->path));
    return true;
}

void trace_mappings(struct trace_slot *s)
{
    if (__atomic_exchange_n(&changed, 0, __ATOMIC_RELAXED))
        each_host_mapping(report, s);
}
