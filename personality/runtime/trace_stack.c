/* The guest's stack at a call, and where its code comes from: what a reader needs to name its callers.
 *
 * Bytes are copied and nothing is unwound here: whoever reads them has the images' unwind tables. */
#include "core.h"
#include "trace.h"
#include <linux/fcntl.h>

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

void trace_mappings_changed(void) { __atomic_store_n(&changed, 1, __ATOMIC_RELAXED); }

static void changed_in_child(struct thread *t UNUSED) { trace_mappings_changed(); }
ON_FORK_CHILD(changed_in_child);

static const char *hexadecimal(const char *at, u64 *value)
{
    for (*value = 0;; at++) {
        u32 digit = *at >= '0' && *at <= '9' ? (u32)(*at - '0') : *at >= 'a' && *at <= 'f' ? (u32)(*at - 'a') + 10 : 16;
        if (digit > 15)
            return at;
        *value = *value << 4 | digit;
    }
}

/* "low-high rwxp offset dev inode   path" */
static void report_line(struct trace_slot *s, char *line)
{
    u64 low, high, offset;
    const char *at = hexadecimal(line, &low);
    at = hexadecimal(at + 1, &high);
    if (at[0] != ' ' || at[3] != 'x')
        return;
    hexadecimal(at + 6, &offset);
    while (*at != 0 && *at != '/' && *at != '[')
        at++;
    if (*at == 0)
        return;
    struct trace_record *r = trace_reserve(s, RECORD_MAPPING, 0);
    if (r == NULL)
        return;
    r->arguments = 3;
    r->values[0] = low;
    r->values[1] = high;
    r->values[2] = offset;
    trace_commit(s, r, trace_capture_text(r, (u8 *)(r->values + 3), 0, at));
}

void trace_mappings(struct trace_slot *s)
{
    char text[2048];
    u64 kept = 0;
    if (!__atomic_exchange_n(&changed, 0, __ATOMIC_RELAXED))
        return;
    long fd = host(__NR_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (;;) {
        long n = is_error(fd) ? 0 : host(__NR_read, fd, text + kept, sizeof(text) - 1 - kept);
        if (n <= 0)
            break;
        u64 end = kept + (u64)n, from = 0;
        for (u64 i = 0; i < end; i++) {
            if (text[i] != '\n')
                continue;
            text[i] = 0;
            report_line(s, text + from);
            from = i + 1;
        }
        kept = end - from < sizeof(text) / 2 ? end - from : 0;
        memmove(text, text + from, kept);
    }
    if (!is_error(fd))
        host(__NR_close, fd);
}
