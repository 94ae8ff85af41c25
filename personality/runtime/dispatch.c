/* From a caught call to its handler, and SUD itself. */
#include "debug.h"
#include "trace.h"
#include <linux/prctl.h>

_Static_assert(offsetof(struct thread, saved_rsp) == 8, "entry.S");
_Static_assert(offsetof(struct thread, runtime_stack) == 16, "entry.S");
_Static_assert(offsetof(struct thread, signal_pending) == 32, "entry.S");
_Static_assert(offsetof(struct thread, signals_held) == 36, "entry.S");
_Static_assert(offsetof(struct thread, frame) == 40, "entry.S");
_Static_assert(offsetof(struct thread, not_entered) == 48, "entry.S");
_Static_assert(offsetof(struct thread, next_wait_ends) == 56, "entry.S");
_Static_assert(offsetof(struct thread, shown_cpu) == 88, "entry.S");
_Static_assert(offsetof(struct frame, rax) == 80, "entry.S");
_Static_assert(offsetof(struct frame, rip) == 120, "entry.S");
_Static_assert(offsetof(struct frame, rflags) == 128, "entry.S");
_Static_assert(offsetof(struct frame, restore_all) == 152, "entry.S");
_Static_assert(sizeof(struct frame) == 160, "entry.S");

u32 debug_calls;
u32 calls_unserved;

/* SUD catches every syscall instruction outside the runtime's own text. */
int dispatch_arm(void)
{
    return (int)host(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, text_start,
                     text_end - text_start, 0);
}

static void log_call(struct thread *t, const char *name, u64 number, const u64 *a, long result)
{
    runtime_log("guise[%d] %s %lu(%lx, %lx, %lx, %lx, %lx, %lx) = %ld", t->tid, name, number, a[0], a[1],
                a[2], a[3], a[4], a[5], result);
}

const char *call_name(const struct personality *p, u64 number)
{
    return number < p->call_limit && p->names[number] != 0 ? p->name_text + p->names[number] : "?";
}

static void count_unserved(const struct personality *p, u64 number)
{
    __atomic_add_fetch(&p->unserved[number < p->call_limit ? number : p->call_limit], 1, __ATOMIC_RELAXED);
    calls_unserved = 1;
}

static bool show(struct thread *t, struct frame *f, u32 flags, u64 number, const u64 *a)
{
    const struct personality *p = t->personality;
    u32 count = number < p->call_limit ? p->calls[number].arguments : 0;
    return is_debugged(t) && debug_call(t, f, flags, number, count, a);
}

/* The debugger may put another call in place of this one. */
static long show_entry(struct thread *t, struct frame *f, u64 *number, u64 *a)
{
    if (!show(t, f, STOP_ENTER, *number, a))
        return 0;
    *number = f->number = f->rax;
    return t->personality->decode(t, f, number, a);
}

static void show_exit(struct thread *t, struct frame *f, u64 number, const u64 *a)
{
    s32 child = t->forked;
    t->forked = 0;
    if (child != 0)
        debug_forked(t, t->forked_kind, child);
    if (child == 0 || !debug_follows(t))
        show(t, f, STOP_LEAVE, number, a);
}

void runtime_dispatch(struct frame *f)
{
    struct thread *t = current_thread();
    const struct personality *p = t->personality;
    u64 a[MAX_ARGUMENTS], number = f->rax;
    const struct call_entry *entry = NULL;
    u32 traced = 0;
    long result = p->decode(t, f, &number, a);
    if (__builtin_expect(debug_active, 0) && result == 0)
        result = show_entry(t, f, &number, a);
    if (result == 0) {
        result = -ENOSYS;
        t->call_number = number;
        if (number < p->call_limit)
            entry = &p->calls[number];
        if (__builtin_expect(trace_area != NULL, 0))
            traced = trace_enter(t, f, number, a, entry, &result);
        if (__builtin_expect(traced & TRACE_ANSWERED, 0))
            ; /* the call is not made */
        else if (entry != NULL && p->handlers[entry->handler] != NULL)
            result = p->handlers[entry->handler](t, f, a);
        else
            count_unserved(p, number);
    }
    if (debug_calls)
        log_call(t, call_name(p, number), number, a, result);
    if (result == RESTART || result == RESTART_ALWAYS)
        result = resolve_restart(t, f, result);
    if (__builtin_expect(traced & TRACE_LEAVE, 0))
        trace_leave(t, f, number, a, entry, result);
    bool sets_registers = entry && (entry->flags & CALL_NO_RESULT);
    bool in_registers = result == RESULT_IN_FRAME || (sets_registers && !is_error(result));
    if (result != RESTART && !in_registers)
        p->finish(t, f, result);
    if (__builtin_expect(debug_active, 0))
        show_exit(t, f, number, a);
    if (t->process->engine == ENGINE_PTRACE)
        trap_exit(f);
}

const struct personality *find_personality(const char *name)
{
    for (const struct personality *const *p = personalities; *p != NULL; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}
