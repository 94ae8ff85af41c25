/* Signals: from the host's handler to the guest's.
 *
 * The host's mask equals the guest's while guest code runs, so the kernel decides who gets what and
 * when.  A signal that lands in guest code is delivered on the spot: the host's ucontext becomes the
 * guest's frame.  One that lands inside the runtime is queued, everything is blocked, and the
 * call's exit delivers it; entry.S names the instructions where that is decided.  Faults are never
 * blocked on the host, since copy_in and its kin rely on them. */
#include "debug.h"
#include "trace.h"

struct exception_entry {
    s32 fault, fixup;
};
extern const struct exception_entry __start_exception_table[] __attribute__((visibility("hidden")));
extern const struct exception_entry __stop_exception_table[] __attribute__((visibility("hidden")));

u64 text_start, text_end;

#define TRAP_TRACE 2 /* si_code of SIGTRAP: one instruction has run */

static bool within(u64 rip, const char *from, const char *to)
{
    return rip >= (u64)from && rip < (u64)to;
}

/* ---- delivery --------------------------------------------------------------------------------- */

void die_by_signal(struct thread *t, int host_signal)
{
    struct host_sigaction dfl = {0, HOST_SA_RESTORER, (u64)host_restorer, 0};
    u64 bits = ~signal_bit(host_signal);
    if (trace_area != NULL)
        trace_death(t, host_signal);
    host(__NR_rt_sigaction, host_signal, &dfl, 0, 8);
    host(__NR_tgkill, t->process->pid, t->tid, host_signal);
    host(__NR_rt_sigprocmask, 2, &bits, 0, 8);
    for (;;)
        host(__NR_exit_group, 128 + host_signal);
}

static bool stops_by_default(int signal)
{
    return signal == HOST_SIGSTOP || signal == HOST_SIGTSTP || signal == HOST_SIGTTIN || signal == HOST_SIGTTOU;
}

/* Points *f at the guest's handler for one signal.  False: nothing to run. */
static bool act(struct thread *t, struct frame *f, const struct siginfo_host *info, void *xstate, bool fault)
{
    int signal = info->signo;
    struct guest_action action = t->process->actions[signal];
    if (action.handler == GUEST_SIG_IGN)
        return false;
    if (action.handler == GUEST_SIG_DFL) {
        if (t->personality->default_ignored(signal) || signal == HOST_SIGCONT)
            return false;
        if (debug_active && stops_by_default(signal))
            return false; /* who is debugged stops for its debugger alone */
        debug_ends(t, HOST_CLD_KILLED, signal);
        die_by_signal(t, signal);
    }
    struct delivery d = {
        .host_signal = signal,
        .guest_signal = t->personality->signal_from_host(signal),
        .info = *info,
        .action = &action,
        .mask_after = t->has_suspended_mask ? t->suspended_mask : t->mask,
        .xstate = xstate,
        .fault = fault,
    };
    t->has_suspended_mask = 0;
    if (trace_area != NULL)
        trace_signal(t, &d);
    int died = t->personality->deliver(t, f, &d);
    if (died != 0)
        die_by_signal(t, died);
    t->mask |= action.mask;
    if (!(action.flags & ACTION_NODEFER))
        t->mask |= signal_bit(signal);
    if (action.flags & ACTION_RESETHAND) {
        struct guest_action dfl = {0};
        action_set(t, signal, &dfl, NULL);
    }
    f->restore_all = 0;
    return true;
}

/* Decided by the debugger, which does not hear of it again. */
#define DECIDED 0x64656364 /* in siginfo_host.pad, which means nothing to anybody */

static void queue_decided(struct thread *t, struct siginfo_host *info)
{
    info->pad = DECIDED;
    queue_signal(t, info);
}

/* The debugger wants this thread to get a signal. */
void debug_sends(struct thread *t, int signal)
{
    struct siginfo_host info = {.signo = signal};
    queue_decided(t, &info);
}

static bool deliver(struct thread *t, struct frame *f, const struct siginfo_host *info, void *xstate, bool fault)
{
    struct siginfo_host now = *info;
    if (signal_is_ignored(t, info->signo))
        return false; /* no debugger hears of it either */
    if (is_debugged(t) && info->pad != DECIDED) {
        if (!debug_signal(t, f, (u64)xstate, &now))
            return false;
        if (t->mask & signal_bit(now.signo)) {
            queue_decided(t, &now);
            return false;
        }
        fault = fault && now.signo == info->signo;
    }
    now.pad = 0;
    return act(t, f, &now, xstate, fault);
}

static void frame_from_host(struct frame *f, const struct host_sigcontext *r)
{
    *f = (struct frame){
        .r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12, .rbp = r->rbp, .rbx = r->rbx,
        .r11 = r->r11, .r10 = r->r10, .r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx,
        .rdx = r->rdx, .rsi = r->rsi, .rdi = r->rdi, .rip = r->rip, .rflags = r->rflags, .rsp = r->rsp,
    };
}

static void frame_to_host(struct host_sigcontext *r, const struct frame *f)
{
    r->r15 = f->r15; r->r14 = f->r14; r->r13 = f->r13; r->r12 = f->r12;
    r->rbp = f->rbp; r->rbx = f->rbx; r->r11 = f->r11; r->r10 = f->r10;
    r->r9 = f->r9; r->r8 = f->r8; r->rax = f->rax; r->rcx = f->rcx;
    r->rdx = f->rdx; r->rsi = f->rsi; r->rdi = f->rdi; r->rip = f->rip;
    r->rflags = f->rflags; r->rsp = f->rsp;
}

/* The call was interrupted before it did anything: run it again, or fail with EINTR, as the
 * action of the signal that is about to be delivered says. */
long resolve_restart(struct thread *t, struct frame *f, long result)
{
    /* What the host had not begun is as if the signal had come before the call, which is never EINTR. */
    for (u32 i = 0; result == RESTART && !t->not_entered && i < t->queued; i++) {
        int signal = t->queue[i].signo;
        if (t->mask & signal_bit(signal))
            continue;
        const struct guest_action *a = &t->process->actions[signal];
        if (a->handler > GUEST_SIG_IGN && !(a->flags & ACTION_RESTART))
            return -EINTR;
        break;
    }
    f->rip -= 2;
    f->rax = f->number;
    return RESTART;
}

/* What the debugger made of a thread on its way out. */
static void take_changes(struct thread *t, struct frame *f)
{
    if (f->restore_all != 0)
        frame_to_host(&((struct host_ucontext *)f->restore_all)->registers, f);
    else if (t->vector_changed)
        load_xstate((void *)t->xstate);
    t->vector_changed = 0;
    t->step_whole = (f->rflags & FLAG_TRAP) != 0;
}

void save_xstate(void *to_aligned_64)
{
    struct process *p = current_thread()->process;
    memset((u8 *)to_aligned_64 + 512, 0, 64);
    save_xstate_to(to_aligned_64, (u32)p->xstate_mask, (u32)(p->xstate_mask >> 32));
}

#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U

/* vector: with the host's note of its size, or 0 for the state that a program begins with. */
static void set_frame(struct thread *t, const struct frame *f, u64 vector)
{
    struct host_sigframe *back = (struct host_sigframe *)t->return_frame;
    memset(back, 0, sizeof(*back));
    back->uc.flags = (vector != 0 ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    back->uc.stack_base = t->host_alt_stack;
    back->uc.stack_size = t->host_alt_size;
    frame_to_host(&back->uc.registers, f);
    back->uc.registers.cs = 0x33;
    back->uc.registers.ss = 0x2b;
    back->uc.registers.fpstate = vector;
    back->uc.mask = mask_for_host(t->mask);
    struct frame *current = t->frame;
    if (current != f)
        *current = *f;
    current->restore_all = (u64)&back->uc;
}

void leave_to_start(struct thread *t, const struct frame *f)
{
    set_frame(t, f, 0);
    leave_to_guest();
}

static void set_context(struct thread *t, const struct frame *f, const void *xstate)
{
    struct process *p = t->process;
    u8 *vector = (u8 *)t->xstate;
    if (xstate == NULL)
        save_xstate(vector);
    else if (xstate != vector)
        memcpy(vector, xstate, p->xstate_size);
    u32 *software = (u32 *)(vector + 464); /* struct _fpx_sw_bytes */
    memset(software, 0, 48);
    software[0] = FP_XSTATE_MAGIC1;
    software[1] = (u32)p->xstate_size + 4;
    software[2] = (u32)p->xstate_mask;
    software[3] = (u32)(p->xstate_mask >> 32);
    software[4] = (u32)p->xstate_size;
    *(u32 *)(vector + p->xstate_size) = FP_XSTATE_MAGIC2;
    set_frame(t, f, (u64)vector);
}

void leave_with_context(struct thread *t, const struct frame *f, const void *xstate)
{
    set_context(t, f, xstate);
    if (debug_active) {
        debug_context_entered(t);
        take_changes(t, t->frame);
    }
    leave_to_guest();
}

/* The call is done; deliver what came in meanwhile and give the host its mask back. */
void runtime_leave_slow(struct frame *f)
{
    struct thread *t = current_thread();
    while (t->signal_pending || t->signals_held) {
        struct siginfo_host info;
        if (debug_stop_wanted(t)) {
            if (f->restore_all == 0)
                save_xstate((void *)t->xstate);
            debug_stop(t, f, t->xstate);
            take_changes(t, f);
            update_pending(t);
            continue;
        }
        if (t->signal_pending && take_queued_signal(t, ~t->mask, &info)) {
            if (f->restore_all == 0)
                save_xstate((void *)t->xstate);
            if (deliver(t, f, &info, (void *)t->xstate, false))
                reset_xstate();
            else if (debug_active)
                take_changes(t, f);
            t->signals_held = 1;
            update_pending(t);
            continue;
        }
        if (t->has_suspended_mask) {
            t->has_suspended_mask = 0;
            t->mask = t->suspended_mask;
        }
        t->signals_held = 0;
        if (f->restore_all != 0) {
            struct host_ucontext *uc = (struct host_ucontext *)f->restore_all;
            uc->mask = mask_for_host(t->mask);
        }
        update_pending(t);
        set_host_mask(t->mask);
    }
    if (t->step_whole) {
        t->step_whole = 0;
        if ((f->rflags & FLAG_TRAP) && f->restore_all == 0)
            set_context(t, f, NULL);
    }
}

/* ---- the host's handler ------------------------------------------------------------------------- */

static bool fix_up(struct host_sigcontext *r)
{
    for (const struct exception_entry *e = __start_exception_table; e < __stop_exception_table; e++) {
        if ((u64)&e->fault + (s64)e->fault == r->rip) {
            r->rip = (u64)&e->fixup + (s64)e->fixup;
            return true;
        }
    }
    return false;
}

/* A guest syscall instruction that is not patched (yet): SUD caught it. */
static void caught_call(struct thread *t, struct host_ucontext *uc)
{
    struct host_sigcontext *r = &uc->registers;
    if (r->rip >= vdso_start && r->rip < vdso_end) {
        r->rax = (u64)host_call6((long)r->rax, r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9);
        return;
    }
    if (!t->process->no_patch && !debug_active && t->process->engine == ENGINE_NATIVE)
        patch_site(t, r->rip - 2, r->rax, r->rsp);
    r->rcx = r->rip;
    r->r11 = r->rflags;
    r->rip = (u64)runtime_entry;
}

/* A guest that single-steps sees its own instructions alone: a call is one of them.  The frame keeps the
 * trap flag for the way out. */
static bool step_over_runtime(struct host_sigcontext *r)
{
    u64 site;
    bool runtime = r->rip >= text_start && r->rip < text_end;
    if (!runtime)
        return patch_find_site(r->rip, &site);
    if (is_fast(r->rip)) {
        fast_step(current_thread(), r);
        return true;
    }
    if (!within(r->rip, runtime_entry, entry_end) && !within(r->rip, leave_check, leave_end))
        r->rflags &= ~FLAG_TRAP;
    return true;
}

/* What reads the guest's code and writes its stack may fault, in the handler of a fault too: the kernel kills
 * if that signal is blocked then. */
static void unblock_memory_faults(void)
{
    u64 bits = signal_bit(HOST_SIGSEGV) | signal_bit(HOST_SIGBUS);
    host(__NR_rt_sigprocmask, 1 /* SIG_UNBLOCK */, &bits, 0, 8);
}

/* True if the instruction belongs to the guest, after undoing what the runtime had only begun. */
static bool rewind_to_guest(struct thread *t, struct host_sigcontext *r, int signal)
{
    u64 site;
    if (is_fast(r->rip)) {
        const struct guest_action *a = &t->process->actions[signal];
        bool blocked = t->mask & signal_bit(signal);
        fast_settle(t, r, !blocked && a->handler > GUEST_SIG_IGN && !(a->flags & ACTION_RESTART));
        return true;
    }
    if (patch_find_site(r->rip, &site)) {
        r->rip = site;
        return true;
    }
    if (within(r->rip, runtime_entry, entry_end)) {
        if (r->rip != (u64)runtime_entry)
            r->rsp = t->saved_rsp;
        r->rip = r->rcx - 2;
        return true;
    }
    if (r->rip >= vdso_start && r->rip < vdso_end) /* a guest may call it too, on a stack of its own */
        return r->rsp - t->area >= t->area_size;
    return r->rip < text_start || r->rip >= text_end;
}

static void defer(struct thread *t, const struct siginfo_host *info, struct host_ucontext *uc)
{
    struct host_sigcontext *r = &uc->registers;
    if (within(r->rip, leave_check, leave_end)) {
        r->rip = (u64)leave_check;
    } else if (within(r->rip, safe_start, safe_end)) {
        /* The host goes back to the instruction, and leaves in %rcx that it had been executed. */
        t->not_entered = r->rip != (u64)safe_call || r->rcx != (u64)safe_end;
        r->rip = (u64)safe_interrupted;
    }
    queue_signal(t, info);
    t->signals_held = 1;
    uc->mask = mask_for_host(~0UL);
}

/* A nudge that came on the way to a park said that the exit has to be slow; there is no exit. */
static void settle_in_guest(struct thread *t)
{
    t->signals_held = 0;
    update_pending(t);
}

/* In guest code, as r has it. */
static void deliver_here(struct thread *t, const struct siginfo_host *info, struct host_ucontext *uc, bool fault)
{
    struct host_sigcontext *r = &uc->registers;
    struct frame f;
    frame_from_host(&f, r);
    bool delivered = deliver(t, &f, info, (void *)r->fpstate, fault);
    t->vector_changed = 0; /* the host's frame brings it back */
    if (debug_active)
        settle_in_guest(t);
    if (!delivered && !debug_active)
        return;
    frame_to_host(r, &f);
    if (!delivered)
        return;
    r->fpstate = 0;
    uc->flags &= ~(u64)UC_FP_XSTATE;
    uc->mask = mask_for_host(t->mask);
}

/* A fault that nobody asked for acts by default, even if it is blocked or ignored. */
static void force_default(struct thread *t, int signal)
{
    struct guest_action dfl = {0};
    action_set(t, signal, &dfl, NULL);
    t->mask &= ~signal_bit(signal);
}

/* In the runtime: out of a call that blocks, and to the exit, which stops.  No signal is left behind. */
static void hurry(struct thread *t, struct host_ucontext *uc)
{
    struct host_sigcontext *r = &uc->registers;
    if (within(r->rip, leave_check, leave_end)) {
        r->rip = (u64)leave_check;
    } else if (within(r->rip, safe_start, safe_end) || (r->rip == (u64)safe_end && (s64)r->rax == -EINTR)) {
        t->not_entered = 0;
        r->rip = (u64)safe_interrupted;
    }
    t->signals_held = t->signal_pending = 1;
    uc->mask = mask_for_host(~0UL);
}

static void nudged(struct thread *t, const struct siginfo_host *info, struct host_ucontext *uc)
{
    struct host_sigcontext *r = &uc->registers;
    struct frame f;
    bool is_new_debuggee = debugger_nudged(t, info);
    if (t->park != NULL || (!debug_stop_wanted(t) && !is_new_debuggee))
        return;
    if (!rewind_to_guest(t, r, HOST_SIGNUDGE)) {
        hurry(t, uc);
        return;
    }
    const u64 nudges = signal_bit(HOST_SIGNUDGE);
    struct siginfo_host decided;
    if (debug_stop_wanted(t)) /* a nudge ends what the handler of one waits for */
        host(__NR_rt_sigprocmask, 1 /* SIG_UNBLOCK */, &nudges, 0, 8);
    while (debug_stop_wanted(t)) {
        frame_from_host(&f, r);
        f.restore_all = 1; /* vector state is in the host's frame */
        debug_stop(t, &f, r->fpstate);
        frame_to_host(r, &f);
        if (take_first(t, ~t->mask, &decided))
            deliver_here(t, &decided, uc, false);
    }
    settle_in_guest(t);
}

void host_signal_handler(int signal, struct siginfo_host *info, struct host_ucontext *uc)
{
    struct thread *t = current_thread();
    struct host_sigcontext *r = &uc->registers;
    if (signal == HOST_SIGNUDGE && is_nudge(info)) {
        nudged(t, info, uc);
        return;
    }
    if (signal == HOST_SIGCHLD)
        debugger_signal(info);
    if (signal == HOST_SIGSYS && info->code == SYS_USER_DISPATCH) {
        caught_call(t, uc);
        return;
    }
    bool fault = (SYNCHRONOUS & signal_bit(signal)) && info->code > 0;
    if (fault && fix_up(r))
        return;
    if (fault && r->rip == (u64)trap_exit_end)
        return; /* engine ptrace, and the tracer has gone */
    if ((signal == HOST_SIGSEGV || signal == HOST_SIGBUS) && !within(r->rip, (char *)text_start, (char *)text_end))
        unblock_memory_faults();
    if (fault && signal == HOST_SIGTRAP && info->code == TRAP_TRACE && step_over_runtime(r))
        return;
    if (!fault)
        run_signal_hooks(t, signal);
    if (!rewind_to_guest(t, r, signal)) {
        if (fault) {
            runtime_log("guise: the runtime failed: signal %d at text+0x%lx, address 0x%lx, call %ld; please "
                        "report it",
                        signal, r->rip - text_start, info->fault.addr, t->frame ? t->frame->number : 0);
            die_by_signal(t, signal);
        }
        defer(t, info, uc);
        return;
    }
    if (fault)
        signal = info->signo = t->personality->fault_signal(info, r->trapno);
    const struct guest_action *a = &t->process->actions[signal];
    bool blocked = t->mask & signal_bit(signal);
    if (fault && (blocked || a->handler <= GUEST_SIG_IGN)) {
        if (!is_debugged(t))
            die_by_signal(t, signal); /* as a kernel does when nobody can be asked */
        force_default(t, signal);
        blocked = false;
    }
    if (fault && signal == HOST_SIGTRAP && is_debugged(t))
        r->rflags &= ~FLAG_TRAP; /* a step is one instruction */
    if (blocked) {
        queue_signal(t, info);
        return;
    }
    t->fault_address = r->cr2;
    t->fault_trap = r->trapno;
    t->fault_error = r->err;
    deliver_here(t, info, uc, fault);
}
