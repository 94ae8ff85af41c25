/* The C side of fast.S: which calls may take that way, and what a signal finds there. */
#include "core.h"

_Static_assert(offsetof(struct thread, reserved_base) == 60, "frame.h");
_Static_assert(offsetof(struct thread, fast_return) == 64, "frame.h");
_Static_assert(offsetof(struct thread, fast_number) == 72, "frame.h");
_Static_assert(offsetof(struct thread, fast_flags) == 80, "frame.h");
_Static_assert(RESERVED_DESCRIPTORS == 11, "frame.h");

#define CARRY 1UL
#define OVERFLOW 0x800UL
#define IN_AH 0xd5UL /* what lahf gives: carry, parity, adjust, zero, sign */

extern char fast_number_kept[], fast_saved[], fast_call[], fast_done[], fast_leave[], fast_error[];
extern char fast_slow[], fast_slow_end[];

/* Of the address space: a guest and its vfork child are of one kernel. */
u64 fast_limit; /* calls from this number on go the slow way: 0 for all of them */
const u16 *fast_calls;
u32 fast_flags, fast_errors;

void fast_allow(const struct personality *p, const u16 *calls)
{
    fast_calls = calls;
    fast_errors = p->carry_means_error;
    fast_flags = p->carry_means_error ? 0xffff & ~(CARRY << 8) : 0xffff;
    fast_limit = calls != NULL ? p->call_limit : 0;
}

void fast_forbid(void) { fast_limit = 0; }

static bool between(u64 rip, const char *from, const char *to)
{
    return rip >= (u64)from && rip < (u64)to;
}

bool is_fast(u64 rip)
{
    return between(rip, fast_entry, fast_error) || between(rip, fast_slow, fast_slow_end);
}

/* The flags with which the guest came. */
static u64 guest_flags(const struct thread *t, u64 now)
{
    u64 kept = t->fast_flags, mine = kept >> 8 & IN_AH;
    if (kept & 1)
        mine |= OVERFLOW;
    return (now & ~(IN_AH | OVERFLOW)) | mine;
}

static void rewind(const struct thread *t, struct host_sigcontext *r)
{
    if (r->rip < (u64)fast_saved) {
        if (r->rip == (u64)fast_entry) {
            r->rip = r->rcx - 2;
            return;
        }
        if (r->rip >= (u64)fast_number_kept)
            r->rax = t->fast_number;
    } else {
        r->rax = t->fast_number;
        r->rflags = guest_flags(t, r->rflags);
    }
    r->rip = t->fast_return - 2;
}

static void complete(struct thread *t, struct host_sigcontext *r, long result)
{
    struct frame f = {.rax = r->rax, .rdx = r->rdx, .rflags = guest_flags(t, r->rflags)};

    t->personality->finish(t, &f, result);
    r->rax = f.rax;
    r->rdx = f.rdx;
    r->rflags = f.rflags;
    r->rcx = r->rip = t->fast_return;
}

/* r is within is_fast: makes it what it would be if the guest had been in its own code.  fails: the signal
 * has a handler that does not let a call go on. */
void fast_settle(struct thread *t, struct host_sigcontext *r, bool fails)
{
    if (between(r->rip, fast_done, fast_error)) {
        bool moved = r->rip > (u64)fast_leave && r->rip < (u64)fast_end;
        complete(t, r, (long)(moved ? r->r11 : r->rax));
    } else if (r->rip == (u64)fast_call && r->rcx == (u64)fast_done && fails) {
        complete(t, r, -EINTR);
    } else {
        rewind(t, r);
    }
}

/* A guest that single-steps: its call is one instruction, so it goes where flags are kept. */
void fast_step(struct thread *t, struct host_sigcontext *r)
{
    rewind(t, r);
    r->rcx = r->rip + 2;
    r->rip = (u64)runtime_entry;
}

void runtime_fast_failed(struct frame *f, long result);
void runtime_fast_failed(struct frame *f, long result)
{
    struct thread *t = current_thread();
    t->personality->finish(t, f, result);
}
