/* NetBSD's signal frame and contexts: sendsig_siginfo() and setucontext() of the kernel.
 *
 * The handler returns into its trampoline, which the C library gave with it and which calls setcontext with the
 * frame's ucontext.  Vector state beyond the 512 bytes that a context has room for lies above the frame, and the
 * context says where, as NetBSD 11 does it. */
#include "netbsd.h"
#include "lwp.h"
#include <asm/prctl.h>

#define CLEARED_FOR_HANDLER 0x60500UL /* trace, direction, alignment check, virtual 8086 */
#define USER_FLAGS 0x40dd5UL          /* what a program may change: PSL_USER */
#define FIXED_FLAGS 0x202UL
#define FIXED_MASK 0xffdaf22aUL /* PSL_USERSTATIC */
#define CONTEXT_CODE 0x47
#define CONTEXT_STACK 0x3f
#define CONTEXT_DATA 0x23
#define SECOND_CODE 0x1b
#define XSAVE_ALIGNMENT 64
#define HOST_SIGILL 4
#define FP_CONTROL 0x037f
#define MXCSR 0x1f80

struct sigframe {
    u64 return_to; /* the trampoline */
    struct netbsd_siginfo si;
    struct netbsd_ucontext uc;
};

/* Where an LWP begins: it enters the context that it was made with. */
u64 netbsd_start_code(void)
{
    static const u8 code[] = {
        0x31, 0xff,                   /* xor %edi, %edi: the one that it has not begun with yet */
        0xb8, 0x34, 0x01, 0x00, 0x00, /* mov $308, %eax: setcontext */
        0x0f, 0x05,                   /* syscall */
        0xf4, 0xeb, 0xfd,             /* hlt, for ever */
    };
    return bsd_code(code, sizeof(code));
}

/* ---- registers ---------------------------------------------------------------------------------------- */

static void fill_registers(struct netbsd_mcontext *m, const struct frame *f)
{
    *m = (struct netbsd_mcontext){
        .rdi = f->rdi, .rsi = f->rsi, .rdx = f->rdx, .rcx = f->rcx, .r8 = f->r8, .r9 = f->r9, .r10 = f->r10,
        .r11 = f->r11, .r12 = f->r12, .r13 = f->r13, .r14 = f->r14, .r15 = f->r15, .rbp = f->rbp, .rbx = f->rbx,
        .rax = f->rax, .rip = f->rip, .rflags = f->rflags, .rsp = f->rsp,
        .es = CONTEXT_DATA, .ds = CONTEXT_DATA, .cs = CONTEXT_CODE, .ss = CONTEXT_STACK,
    };
    host(__NR_arch_prctl, ARCH_GET_FS, &m->tlsbase);
}

static void take_registers(struct frame *f, const struct netbsd_mcontext *m)
{
    *f = (struct frame){
        .rdi = m->rdi, .rsi = m->rsi, .rdx = m->rdx, .rcx = m->rcx, .r8 = m->r8, .r9 = m->r9, .r10 = m->r10,
        .r11 = m->r11, .r12 = m->r12, .r13 = m->r13, .r14 = m->r14, .r15 = m->r15, .rbp = m->rbp, .rbx = m->rbx,
        .rax = m->rax, .rip = m->rip, .rflags = (m->rflags & USER_FLAGS) | FIXED_FLAGS, .rsp = m->rsp,
    };
}

static bool data_selector(u64 s) { return (s & 0xffff) == CONTEXT_DATA || (s & 0xffff) == CONTEXT_STACK; }
static bool no_selector(u64 s) { return (s & 0xffff) == 0; }

long context_check(const struct netbsd_ucontext *uc)
{
    const struct netbsd_mcontext *m = &uc->mcontext;
    u64 code = m->cs & 0xffff;
    bool fine = (m->rflags & FIXED_MASK) == FIXED_FLAGS &&
                (no_selector(m->es) || data_selector(m->es)) && (no_selector(m->fs) || data_selector(m->fs)) &&
                (no_selector(m->gs) || data_selector(m->gs)) && data_selector(m->ds) && data_selector(m->ss) &&
                (code == CONTEXT_CODE || code == SECOND_CODE) && m->rip < (1UL << 47);
    return fine ? 0 : -EINVAL;
}

/* ---- faults ------------------------------------------------------------------------------------------- */

/* The processor's vector to NetBSD's T_*, x86/trap.h. */
static s32 trap_number(u64 vector)
{
    static const u8 numbers[20] = {8, 5, 9, 1, 10, 11, 0, 12, 13, 14, 15, 16, 17, 4, 6, 2, 2, 7, 18, 19};
    return vector < ARRAY_LENGTH(numbers) ? numbers[vector] : 0;
}

int netbsd_fault_signal(const struct siginfo_host *info, u64 trap UNUSED)
{
    return info->signo;
}

bool netbsd_default_ignored(int host_signal)
{
    if (host_signal == WAKE_SIGNAL)
        return true;
    switch (netbsd_signal_from_host(host_signal)) {
    case NETBSD_SIGURG:
    case NETBSD_SIGCHLD:
    case NETBSD_SIGIO:
    case NETBSD_SIGWINCH:
    case NETBSD_SIGINFO:
    case NETBSD_SIGPWR:
        return true;
    }
    return false;
}

static s32 code_from_host(const struct siginfo_host *from)
{
    static const s16 sent[] = {NETBSD_SI_USER, NETBSD_SI_QUEUE, NETBSD_SI_TIMER, NETBSD_SI_MESGQ,
                               NETBSD_SI_ASYNCIO, NETBSD_SI_USER, NETBSD_SI_LWP};
    if (from->code == 0x80) /* the host's kernel, for no reason of its own */
        return NETBSD_SI_NOINFO;
    return from->code > 0 ? from->code : (u32)-from->code < ARRAY_LENGTH(sent) ? sent[-from->code] : NETBSD_SI_USER;
}

static s32 interval_timer_of(s32 signal)
{
    return signal == NETBSD_SIGALRM     ? NETBSD_ITIMER_REAL
           : signal == NETBSD_SIGVTALRM ? NETBSD_ITIMER_VIRTUAL
           : signal == NETBSD_SIGPROF   ? NETBSD_ITIMER_PROF
                                        : -1;
}

void bsd_siginfo(struct netbsd_siginfo *to, const struct siginfo_host *from)
{
    memset(to, 0, sizeof(*to));
    to->signo = netbsd_signal_from_host(from->signo);
    to->errno = from->code_errno > 0 ? netbsd_errno_from_host(from->code_errno) : 0;
    to->code = code_from_host(from);
    s32 timer = interval_timer_of(to->signo);
    if (to->code == NETBSD_SI_NOINFO && timer >= 0) { /* setitimer's: of its timers NetBSD tells which */
        to->code = NETBSD_SI_TIMER;
        to->value = (u64)timer;
    } else if (from->code == -2) {
        to->value = from->timer.value;
    } else if (from->code <= 0) {
        to->pid = from->rt.pid;
        to->uid = (u32)from->rt.uid;
        to->value = from->code == 0 || from->code == -6 ? 0 : from->rt.value;
    } else if (to->signo == NETBSD_SIGCHLD) {
        struct netbsd_siginfo_child *child = (struct netbsd_siginfo_child *)to;
        to->pid = from->chld.pid;
        to->uid = (u32)from->chld.uid;
        child->status = from->code == 1 ? from->chld.status : netbsd_signal_from_host(from->chld.status);
        child->utime = (u32)from->chld.utime;
        child->stime = (u32)from->chld.stime;
    } else if (to->signo == NETBSD_SIGIO) {
        struct netbsd_siginfo_poll *poll = (struct netbsd_siginfo_poll *)to;
        poll->band = from->poll.band;
        poll->fd = from->poll.fd;
    }
}

/* What the kernel says of a trap, where the host says something else or nothing. */
static s32 fault_code(s32 trap, s32 code)
{
    switch (trap) {
    case 0:
        return NETBSD_ILL_PRVOPC;
    case 1:
        return NETBSD_TRAP_BRKPT;
    case 4:
        return NETBSD_SEGV_ACCERR;
    case 5:
        return NETBSD_TRAP_TRACE;
    case 15:
        return NETBSD_BUS_OBJERR;
    case 16:
    case 17:
        return NETBSD_BUS_ADRERR;
    }
    return code;
}

static void describe_fault(const struct thread *t, struct sigframe *s)
{
    struct netbsd_siginfo_fault *fault = (struct netbsd_siginfo_fault *)&s->si;
    struct netbsd_mcontext *m = &s->uc.mcontext;

    m->trapno = (u64)trap_number(t->fault_trap);
    m->err = t->fault_error;
    fault->trap = (s32)m->trapno;
    fault->addr = t->fault_trap == 14 ? t->fault_address : m->rip;
    s->si.code = fault_code(fault->trap, s->si.code);
}

/* ---- vector state ------------------------------------------------------------------------------------- */

/* Into a context, with what it has no room for below `sp`, which moves.  0 or -EFAULT. */
static long give_vector_state(struct thread *t, struct netbsd_ucontext *uc, const void *xstate, u64 *sp)
{
    u64 size = t->process->xstate_size;
    u8 *legacy = uc->mcontext.fpregs;

    uc->flags |= NETBSD__UC_FPU;
    if (xstate == NULL) {
        *(u16 *)legacy = FP_CONTROL;
        *(u32 *)(legacy + 24) = MXCSR;
        return 0;
    }
    memcpy(legacy, xstate, LEGACY_STATE);
    memset(legacy + NETBSD_XSAVE_PLACE, 0, LEGACY_STATE - NETBSD_XSAVE_PLACE);
    if (sp == NULL || size <= LEGACY_STATE)
        return 0;
    *sp = (*sp - size) & ~(u64)(XSAVE_ALIGNMENT - 1);
    const struct netbsd_xsave_place place = {.address = *sp, .length = size};
    memcpy(legacy + NETBSD_XSAVE_PLACE, &place, sizeof(place));
    uc->flags |= NETBSD__UC_XSAVE;
    return copy_out(*sp, xstate, size);
}

static long take_vector_state(struct thread *t, const struct netbsd_ucontext *uc, void **xstate)
{
    struct netbsd_xsave_place place = {0};

    if (uc->flags & NETBSD__UC_XSAVE)
        memcpy(&place, uc->mcontext.fpregs + NETBSD_XSAVE_PLACE, sizeof(place));
    bool more = place.length > LEGACY_STATE;
    return vector_state_take(t, uc->mcontext.fpregs, more ? place.address + LEGACY_STATE : 0,
                             more ? place.length - LEGACY_STATE : 0, xstate);
}

/* ---- delivery ----------------------------------------------------------------------------------------- */

int netbsd_deliver(struct thread *t, struct frame *f, const struct delivery *d)
{
    struct lwp *l = lwp_of(t);
    bool change_stack = t->alt.enabled && !l->on_stack && (d->action->flags & ACTION_ONSTACK);
    u64 sp = change_stack ? t->alt.base + t->alt.size : f->rsp - RED_ZONE;
    struct sigframe s;

    memset(&s, 0, sizeof(s));
    s.return_to = d->action->extra;
    bsd_siginfo(&s.si, &d->info);
    s.si.signo = d->guest_signal;
    s.uc.flags = NETBSD__UC_SIGMASK | NETBSD__UC_CPU | NETBSD__UC_TLSBASE |
                 (l->on_stack ? NETBSD__UC_SETSTACK : NETBSD__UC_CLRSTACK);
    s.uc.link = l->link;
    netbsd_sigset_from_host(d->mask_after, &s.uc.sigmask);
    fill_registers(&s.uc.mcontext, f);
    if (d->fault)
        describe_fault(t, &s);
    if (give_vector_state(t, &s.uc, d->xstate, &sp) != 0)
        return HOST_SIGILL;
    sp = ((sp - sizeof(s)) & ~15UL) - 8;
    if (copy_out(sp, &s, sizeof(s)) != 0)
        return HOST_SIGILL;

    f->rdi = (u64)d->guest_signal;
    f->rsi = sp + offsetof(struct sigframe, si);
    f->rdx = f->r15 = sp + offsetof(struct sigframe, uc);
    f->rsp = sp;
    f->rip = d->action->handler;
    f->rflags &= ~CLEARED_FOR_HANDLER;
    l->on_stack |= change_stack;
    return 0;
}

/* ---- contexts ----------------------------------------------------------------------------------------- */

long thread_pointer_set(struct thread *t, u64 base)
{
    long r = host(__NR_arch_prctl, ARCH_SET_FS, base);
    if (r != 0)
        return -EINVAL;
    t->guest_fs_base = base;
    return 0;
}

long context_enter(struct thread *t, const struct netbsd_ucontext *uc)
{
    struct lwp *l = lwp_of(t);
    void *xstate = NULL;
    struct frame f;
    long r = 0;

    if (uc->flags & NETBSD__UC_FPU)
        r = take_vector_state(t, uc, &xstate);
    if (r == 0 && (uc->flags & NETBSD__UC_TLSBASE))
        r = thread_pointer_set(t, uc->mcontext.tlsbase);
    if (r != 0)
        return r;
    take_registers(&f, &uc->mcontext);
    if (uc->flags & NETBSD__UC_SETSTACK)
        l->on_stack = true;
    if (uc->flags & NETBSD__UC_CLRSTACK)
        l->on_stack = false;
    if (uc->flags & NETBSD__UC_STACK)
        l->on_stack = (uc->stack.flags & NETBSD_SS_ONSTACK) != 0;
    l->link = uc->link;
    if (uc->flags & NETBSD__UC_SIGMASK)
        mask_on_return(t, netbsd_sigset_to_host(&uc->sigmask));
    leave_with_context(t, &f, xstate);
}

long netbsd_sys_getcontext(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const struct lwp *l = lwp_of(t);
    struct netbsd_ucontext uc;

    memset(&uc, 0, sizeof(uc));
    uc.flags = NETBSD__UC_SIGMASK | NETBSD__UC_STACK | NETBSD__UC_CPU | NETBSD__UC_TLSBASE;
    uc.link = l->link;
    netbsd_sigset_from_host(t->mask, &uc.sigmask);
    if (l->on_stack)
        uc.stack = (struct netbsd_stack){.sp = t->alt.base, .size = t->alt.size, .flags = NETBSD_SS_ONSTACK};
    else
        lwp_main_stack(t, &uc.stack);
    fill_registers(&uc.mcontext, f);
    save_xstate((void *)t->xstate);
    give_vector_state(t, &uc, (void *)t->xstate, NULL);
    return copy_out(a[0], &uc, sizeof(uc));
}

long netbsd_sys_setcontext(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_ucontext uc;

    if (copy_in(&uc, a[0], sizeof(uc)) != 0)
        return -EFAULT;
    if (!(uc.flags & NETBSD__UC_CPU))
        return -EINVAL;
    long r = context_check(&uc);
    return r != 0 ? r : context_enter(t, &uc);
}
