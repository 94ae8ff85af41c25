/* A guest that another guest debugs: it stops itself.
 *
 * The host's ptrace would show the runtime: its calls, its signals, its registers.  So the runtime of the guest
 * that is debugged parks its threads where each is between two guest instructions, with the guest's registers in
 * a frame, and says so in struct debuggee.  The debugger's runtime reads and writes that from outside (debugger.c).
 *
 * One thread reports at a time.  It waits until all others are parked, then the stop is complete.  Who has to look at
 * something new gets a nudge: a signal that is never blocked, and is not SIGSYS, which is lost for a caught call when
 * another of it is pending.  Nudges carry no news: the receiver looks. */
#include "debug.h"
#include "debugger.h"
#include "trace.h"
#include <linux/futex.h>
#include <asm/prctl.h>

#define SENT_BY_QUEUE (-1) /* si_code SI_QUEUE */
#define NUDGE (0x65647567UL << 32)
#define LOOK_AGAIN_NS 5000000L

u32 debug_active;

/* ---- nudges ------------------------------------------------------------------------------------- */

static struct siginfo_host nudge(u32 kind)
{
    struct siginfo_host info = {.signo = HOST_SIGNUDGE, .code = SENT_BY_QUEUE};
    info.rt.pid = (s32)host(__NR_getpid);
    info.rt.uid = (s32)host(__NR_getuid);
    info.rt.value = NUDGE | kind;
    return info;
}

void nudge_thread(s32 pid, s32 tid, u32 kind)
{
    struct siginfo_host info = nudge(kind);
    host(__NR_rt_tgsigqueueinfo, pid, tid, HOST_SIGNUDGE, &info);
}

void nudge_process(s32 pid, u32 kind)
{
    struct siginfo_host info = nudge(kind);
    host(__NR_rt_sigqueueinfo, pid, HOST_SIGNUDGE, &info);
}

bool is_nudge_value(u64 value) { return value >> 32 == NUDGE >> 32; }

bool is_nudge(const struct siginfo_host *info)
{
    return info->signo == HOST_SIGNUDGE && info->code == SENT_BY_QUEUE && is_nudge_value(info->rt.value);
}

/* ---- futexes of this process -------------------------------------------------------------------- */

static void futex_wait(const void *word, u32 seen, s64 nanoseconds)
{
    struct timespec_host limit = {0, nanoseconds};
    host(__NR_futex, word, FUTEX_WAIT_PRIVATE, seen, nanoseconds != 0 ? &limit : NULL);
}

static void futex_wake(const void *word) { host(__NR_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX); }

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, value) __atomic_store_n(&(x), value, __ATOMIC_SEQ_CST)

/* ---- parking ------------------------------------------------------------------------------------ */

static void count_park(struct debuggee *d)
{
    __atomic_add_fetch(&d->parks, 1, __ATOMIC_SEQ_CST);
    futex_wake(&d->parks);
}

static void enter_park(struct thread *t, struct park *p, struct frame *f, u64 vector)
{
    p->frame = f;
    p->vector = vector;
    p->pending = queued_signals(t);
    p->mask = t->mask;
    host(__NR_arch_prctl, ARCH_GET_FS, &p->fs_base);
    STORE(t->park, p);
    count_park(&t->process->debug);
}

/* While another thread reports, and for as long as the debugger holds this one. */
static void stay_parked(struct thread *t, struct park *p)
{
    struct debuggee *d = &t->process->debug;
    for (;;) {
        u32 resumed = LOAD(d->resumed);
        s32 reporter = LOAD(d->stopping);
        if (reporter != 0) {
            futex_wait(&d->stopping, (u32)reporter, 0);
        } else if (LOAD(t->debug_suspended) && LOAD(d->debugger) != 0) {
            futex_wait(&d->resumed, resumed, 0);
        } else {
            STORE(t->park, NULL);
            if (LOAD(d->stopping) == 0)
                break;
            STORE(t->park, p);
            count_park(d);
        }
    }
    if (p->fs_changed && host(__NR_arch_prctl, ARCH_SET_FS, p->fs_base) == 0)
        t->guest_fs_base = p->fs_base;
}

struct others {
    const struct thread *reporter;
    u32 running;
};

static void stop_other(struct thread *t, void *context)
{
    struct others *o = context;
    if (t == o->reporter || LOAD(t->park) != NULL || LOAD(t->awaits_child))
        return;
    o->running++;
    nudge_thread(t->process->pid, t->tid, NUDGE_LOOK);
}

static void stop_others(struct thread *t)
{
    struct debuggee *d = &t->process->debug;
    for (;;) {
        struct others o = {t, 0};
        u32 seen = LOAD(d->parks);
        each_thread(t->process, stop_other, &o);
        if (o.running == 0)
            return;
        futex_wait(&d->parks, seen, LOOK_AGAIN_NS);
    }
}

static void tell_debugger(const struct debuggee *d, s32 signal)
{
    struct siginfo_host info = nudge(0);
    info.signo = HOST_SIGCHLD;
    info.rt.value |= (u32)signal;
    nudge_process(d->debugger, NUDGE_LOOK);
    host(__NR_rt_sigqueueinfo, d->debugger, HOST_SIGCHLD, &info);
}

static void debug_end(struct thread *t)
{
    struct debuggee *d = &t->process->debug;
    if (!__atomic_exchange_n(&d->begun, 0, __ATOMIC_SEQ_CST))
        return;
    debug_active = 0;
    actions_tell_host(t);
    fast_allow_again(t->process);
}

/* One thread at a time.  False: there is no debugger any more. */
static bool begin_stop(struct debuggee *d, const struct thread *t)
{
    while (LOAD(d->debugger) != 0) {
        s32 reporter = 0;
        if (__atomic_compare_exchange_n(&d->stopping, &reporter, t->tid, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return true;
        futex_wait(&d->stopping, (u32)reporter, 0);
    }
    return false;
}

/* All are parked: the debugger looks at the one that has something to report, until it lets all go on. */
static void show_stop(struct debuggee *d, struct thread *reporter, struct park *p)
{
    u32 number = d->stopped + 1;
    d->reporter = reporter;
    STORE(d->stopped, number);
    tell_debugger(d, p->signal);
    for (u32 resumed; (resumed = LOAD(d->resumed)) != number;)
        futex_wait(&d->resumed, resumed, 0);
    p->event = 0;
    if (p->flags & STOP_EXITS)
        STORE(reporter->debug_gone, 1);
}

/* The whole process stops, and p says why.  Returns what the debugger made of p->signal. */
static s32 report(struct thread *t, struct frame *f, u64 vector, struct park *p)
{
    struct debuggee *d = &t->process->debug;
    p->event = 1;
    enter_park(t, p, f, vector);
    if (begin_stop(d, t)) {
        stop_others(t);
        show_stop(d, t, p);
        if (LOAD(d->debugger) == 0)
            debug_end(t);
        STORE(d->stopping, 0);
        futex_wake(&d->stopping);
        futex_wake(&d->resumed);
    }
    stay_parked(t, p);
    return p->signal;
}

/* ---- where a thread stops ------------------------------------------------------------------------- */

static void kill_process(s32 debugger)
{
    const struct debuggee *d = &main_process.debug;
    if (LOAD(d->debugger) != debugger)
        return; /* it let go of us before it ended */
    if (LOAD(d->leaving) && d->leaving_code == HOST_CLD_EXITED)
        host_call6_plain(__NR_exit_group, (u64)d->leaving_status, 0, 0, 0, 0, 0);
    host_call6_plain(__NR_kill, (u64)main_process.pid, HOST_SIGKILL, 0, 0, 0, 0);
}

static void begin(struct thread *t)
{
    struct debuggee *d = &t->process->debug;
    if (__atomic_exchange_n(&d->begun, 1, __ATOMIC_SEQ_CST))
        return;
    debug_active = 1;
    fast_forbid();
    patch_undo(false);
    actions_tell_host(t);
    watch_process(d->debugger, kill_process);
}

void debug_begins(struct thread *t, s32 debugger)
{
    struct debuggee *d = &t->process->debug;
    d->events = DEBUG_EXEC;
    STORE(d->debugger, debugger);
    if (!t->in_vfork_child)
        begin(t);
}

/* Vector registers are the guest's all through the runtime, so they are looked at and changed in place. */
static void report_in_call(struct thread *t, struct frame *f, struct park *p)
{
    u64 vector = t->xstate;
    if (f->restore_all == 0)
        save_xstate((void *)vector);
    hold_signals(t);
    s32 signal = report(t, f, vector, p);
    if (p->vector_changed && f->restore_all == 0)
        load_xstate((void *)vector);
    if (f->rflags & FLAG_TRAP)
        t->step_whole = 1;
    if (signal != 0)
        debug_sends(t, signal);
}

/* ---- threads and children ------------------------------------------------------------------------- */

static void report_here(struct thread *t, u32 flags, s32 child)
{
    const u64 number = t->call_number;
    const struct personality *p = t->personality;
    struct park park = {.signal = HOST_SIGTRAP, .flags = flags, .child = child, .number = (u32)number,
                        .count = number < p->call_limit ? p->calls[number].arguments : 0};
    report_in_call(t, t->frame, &park);
}

void debug_context_entered(struct thread *t)
{
    if (is_debugged(t) && (t->process->debug.events & DEBUG_LEAVE))
        report_here(t, STOP_LEAVE, 0);
}

void debug_thread_begins(struct thread *t)
{
    const u32 events = t->process->debug.events;
    if (is_debugged(t) && (events & (DEBUG_THREADS | DEBUG_LEAVE)))
        report_here(t, STOP_LEAVE | (events & DEBUG_THREADS ? STOP_BORN : 0), 0);
}

void debug_thread_ends(struct thread *t)
{
    if (is_debugged(t) && (t->process->debug.events & DEBUG_THREADS) && t->process->thread_count > 1)
        report_here(t, STOP_ENTER | STOP_EXITS, 0);
}

bool debug_follows(const struct thread *t)
{
    return is_debugged(t) && (t->process->debug.events & DEBUG_FORK);
}

/* The debugger has to know of the child before it is told of it. */
static void await_child(const struct debuggee *d, s32 child)
{
    while (LOAD(d->debugger) != 0 && !debugger_knows(d->debugger, child) && host(__NR_kill, child, 0) == 0)
        wait_a_moment();
}

/* Whose child was followed has a memory of its own, and waits here. */
static void await_exec(s32 child)
{
    while (debuggee_is_here(child))
        wait_a_moment();
}

void debug_forked(struct thread *t, u32 kind, s32 child)
{
    const struct debuggee *d = &t->process->debug;
    u32 events = d->events, vfork = kind == FORK_SHARE ? STOP_VFORKED : 0;
    if (!is_debugged(t))
        return;
    if (events & DEBUG_FORK) {
        await_child(d, child);
        report_here(t, STOP_LEAVE | STOP_FORKED | (events & DEBUG_VFORK ? vfork : 0), child);
        if (vfork)
            await_exec(child);
    }
    if (vfork && (d->events & DEBUG_VFORK))
        report_here(t, STOP_VFORK_DONE, 0);
}

/* ---- where a thread stops at any time --------------------------------------------------------------- */

bool debug_stop_wanted(const struct thread *t)
{
    const struct debuggee *d = &t->process->debug;
    return !t->in_vfork_child && LOAD(d->debugger) != 0 &&
           (LOAD(d->stopping) != 0 || LOAD(d->asked_stop) != 0 || !LOAD(d->begun));
}

void debug_stop(struct thread *t, struct frame *f, u64 vector)
{
    struct debuggee *d = &t->process->debug;
    begin(t);
    u32 asked = __atomic_exchange_n(&d->asked_stop, 0, __ATOMIC_SEQ_CST);
    struct park p = {.signal = (s32)asked};
    if (asked == 0) {
        enter_park(t, &p, f, vector);
        stay_parked(t, &p);
    } else {
        u32 newborn = __atomic_exchange_n(&d->newborn, 0, __ATOMIC_SEQ_CST);
        p.flags = newborn != 0 ? STOP_CHILD | STOP_LEAVE : 0;
        p.number = newborn;
        if (newborn == 0)
            p.info = (struct siginfo_host){.signo = (s32)asked};
        s32 signal = report(t, f, vector, &p);
        if (signal != 0)
            debug_sends(t, signal);
    }
    if (p.vector_changed && f->restore_all == 0)
        t->vector_changed = vector;
}

bool debug_signal(struct thread *t, struct frame *f, u64 vector, struct siginfo_host *info)
{
    struct park p = {.signal = info->signo, .info = *info};
    s32 signal = report(t, f, vector, &p);
    if (p.vector_changed)
        t->vector_changed = vector;
    if (signal == 0)
        return false;
    if (signal != info->signo)
        *info = (struct siginfo_host){.signo = signal};
    return true;
}

bool debug_call(struct thread *t, struct frame *f, u32 flags, u64 number, u32 count, const u64 *arguments)
{
    u32 wanted = flags & STOP_ENTER ? DEBUG_ENTER : DEBUG_LEAVE;
    if (!(t->process->debug.events & wanted))
        return false;
    struct park p = {.signal = HOST_SIGTRAP, .flags = flags, .number = (u32)number, .count = count};
    memcpy(p.arguments, arguments, sizeof(p.arguments));
    report_in_call(t, f, &p);
    return true;
}

void debug_boot(struct process *p, s32 debugger, u32 events, u32 stops)
{
    struct debuggee *d = &p->debug;
    d->magic = DEBUGGEE_MAGIC;
    STORE(d->pid, p->pid);
    if (debugger == 0)
        return;
    d->events = events;
    d->stopped = d->resumed = stops;
    d->begun = debug_active = 1;
    d->debugger = debugger;
}

void debug_started(struct thread *t, struct frame *f)
{
    struct debuggee *d = &t->process->debug;
    if (!debug_active)
        return;
    watch_process(d->debugger, kill_process);
    if (!(d->events & DEBUG_EXEC))
        return;
    struct park p = {.signal = HOST_SIGTRAP, .flags = STOP_EXEC | STOP_LEAVE};
    u8 *vector = (u8 *)t->xstate;
    memset(vector, 0, t->process->xstate_size);
    *(u16 *)vector = 0x37f;         /* what a program begins with: the x87's control word */
    *(u32 *)(vector + 24) = 0x1f80; /* and mxcsr */
    f->restore_all = 1; /* the first instruction finds vector registers that are not loaded yet */
    report_in_call(t, f, &p);
    f->restore_all = 0;
}

static void child_is_free(struct thread *t)
{
    struct debuggee *d = &t->process->debug;
    bool was = debug_active, followed = d->debugger != 0 && (d->events & DEBUG_FORK);
    const s32 debugger = d->debugger;
    *d = (struct debuggee){.magic = DEBUGGEE_MAGIC};
    t->park = NULL;
    debug_active = 0;
    if (followed) {
        d->newborn = (u32)t->call_number;
        d->asked_stop = HOST_SIGSTOP;
        d->events = DEBUG_EXEC;
        d->debugger = debugger;
        STORE(d->pid, t->process->pid);
        if (debug_register(debugger, NUDGE_FOLLOW)) {
            begin(t);
            return;
        }
        *d = (struct debuggee){.magic = DEBUGGEE_MAGIC};
    }
    if (was) {
        actions_tell_host(t);
        fast_allow_again(t->process);
    }
    STORE(d->pid, t->process->pid); /* from here on it can be found */
}
ON_FORK_CHILD(child_is_free);

static void show_end(struct thread *t, void *context)
{
    const struct thread *last = context;
    struct debuggee *d = &t->process->debug;
    struct park *p = LOAD(t->park);
    if (t == last || p == NULL || LOAD(t->debug_gone) || LOAD(d->debugger) == 0)
        return;
    p->event = 1;
    p->flags = STOP_EXITS;
    p->signal = HOST_SIGTRAP;
    p->info.signo = 0;
    show_stop(d, t, p);
}

/* When a process ends, each thread but the one that ends it says that it does; they stay parked until the host ends
 * them. */
static void show_ends_of_others(struct thread *t)
{
    struct debuggee *d = &t->process->debug;
    struct park p = {.event = 0};
    if (!(d->events & DEBUG_THREADS) || t->process->thread_count < 2)
        return;
    save_xstate((void *)t->xstate);
    enter_park(t, &p, t->frame, t->xstate); /* another may be about to report, and waits for us */
    if (begin_stop(d, t)) {
        stop_others(t);
        each_thread(t->process, show_end, t);
    }
    STORE(t->park, NULL);
}

void debug_ends(struct thread *t, s32 code, s32 status)
{
    struct debuggee *d = &t->process->debug;
    if (!is_debugged(t) || LOAD(d->debugger) == 0)
        return;
    show_ends_of_others(t);
    /* A debugger that is not the parent would never learn how: the host tells parents only. */
    if (LOAD(d->debugger) == 0 || d->debugger == (s32)host(__NR_getppid))
        return;
    d->leaving_code = code;
    d->leaving_status = status;
    u32 resumed = LOAD(d->resumed);
    STORE(d->leaving, 1);
    tell_debugger(d, 0);
    while (LOAD(d->leaving) == 1 && LOAD(d->resumed) == resumed)
        futex_wait(&d->resumed, resumed, 0);
}
