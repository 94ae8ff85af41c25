/* FreeBSD's signal frame: built on delivery, taken apart by sigreturn.
 *
 * As sendsig() and sys_sigreturn() of sys/amd64/amd64/exec_machdep.c do it: struct sigframe is the
 * handler's address, a ucontext and a siginfo; extended vector state lies above it.  The handler is
 * called from a small piece of guest code, the sigcode, that calls sigreturn when it returns. */
#include "freebsd.h"

#define FLAG_TRAP 0x100UL
#define FLAG_DIRECTION 0x400UL
#define USER_FLAGS 0x254dd5UL /* what a program may change: PSL_USERCHANGE */
#define USER_CODE 0x43
#define USER_DATA 0x3b
#define HOST_SIGILL 4
#define HOST_SIGFPE 8

struct sigframe {
    u64 handler, unused;
    struct freebsd_ucontext uc;
    struct freebsd_siginfo si;
};
_Static_assert(offsetof(struct sigframe, uc) == 16, "sigcode");
_Static_assert(offsetof(struct sigframe, si) + offsetof(struct freebsd_siginfo, addr) == 0x398, "sigcode");

static u64 sigcode(void)
{
    static const u8 code[] = {
        0x48, 0x8b, 0x8c, 0x24, 0x98, 0x03, 0x00, 0x00, /* mov si_addr(%rsp), %rcx: the old 4th argument */
        0xff, 0x14, 0x24,                               /* call *(%rsp) */
        0x48, 0x8d, 0x7c, 0x24, 0x10,                   /* lea uc(%rsp), %rdi */
        0x6a, 0x00,                                     /* push $0: a return address */
        0x48, 0xc7, 0xc0, 0xa1, 0x01, 0x00, 0x00,       /* mov $417, %rax: sigreturn */
        0x0f, 0x05,                                     /* syscall */
        0xf4, 0xeb, 0xfd,                               /* hlt, for ever */
    };
    return bsd_code(code, sizeof(code));
}

static void fill_registers(struct freebsd_mcontext *m, const struct frame *f)
{
    m->rdi = f->rdi; m->rsi = f->rsi; m->rdx = f->rdx; m->rcx = f->rcx;
    m->r8 = f->r8; m->r9 = f->r9; m->rax = f->rax; m->rbx = f->rbx;
    m->rbp = f->rbp; m->r10 = f->r10; m->r11 = f->r11; m->r12 = f->r12;
    m->r13 = f->r13; m->r14 = f->r14; m->r15 = f->r15;
    m->rip = f->rip; m->rflags = f->rflags; m->rsp = f->rsp;
    m->cs = USER_CODE;
    m->ss = m->ds = m->es = USER_DATA;
    m->fs = 0x13;
    m->gs = 0x1b;
    m->flags = FREEBSD__MC_HASSEGS;
    m->len = sizeof(*m);
}

static void take_registers(struct frame *f, const struct freebsd_mcontext *m)
{
    f->rdi = m->rdi; f->rsi = m->rsi; f->rdx = m->rdx; f->rcx = m->rcx;
    f->r8 = m->r8; f->r9 = m->r9; f->rax = m->rax; f->rbx = m->rbx;
    f->rbp = m->rbp; f->r10 = m->r10; f->r11 = m->r11; f->r12 = m->r12;
    f->r13 = m->r13; f->r14 = m->r14; f->r15 = m->r15;
    f->rip = m->rip; f->rsp = m->rsp;
    f->rflags = (m->rflags & USER_FLAGS) | 0x202;
}

static bool on_alt_stack(const struct thread *t, u64 rsp)
{
    return t->alt.enabled && rsp - t->alt.base < t->alt.size;
}

static void fill_stack(const struct thread *t, struct freebsd_stack *s, u64 rsp)
{
    s->sp = t->alt.base;
    s->size = t->alt.size;
    s->flags = !t->alt.enabled ? FREEBSD_SS_DISABLE : on_alt_stack(t, rsp) ? FREEBSD_SS_ONSTACK : 0;
}

/* Host vector numbers to FreeBSD's T_*, x86/trap.h. */
static u32 trap_number(u64 vector)
{
    static const u8 numbers[20] = {18, 10, 19, 3, 20, 21, 1, 22, 23, 24, 25, 26, 27, 9, 12, 30, 6, 14, 28, 29};
    return vector < ARRAY_LENGTH(numbers) ? numbers[vector] : 0;
}

/* A general protection fault is SIGBUS there and SIGSEGV here. */
int freebsd_fault_signal(const struct siginfo_host *info, u64 trap)
{
    return info->signo == 11 && trap == 13 ? 7 : info->signo;
}

bool freebsd_default_ignored(int host_signal)
{
    switch (freebsd_signal_from_host(host_signal)) {
    case FREEBSD_SIGURG:
    case FREEBSD_SIGCHLD:
    case FREEBSD_SIGIO:
    case FREEBSD_SIGWINCH:
    case FREEBSD_SIGINFO:
        return true;
    }
    return false;
}

static s32 code_from_host(const struct siginfo_host *from)
{
    switch (from->code) {
    case 0: return FREEBSD_SI_USER;
    case -1: return FREEBSD_SI_QUEUE;
    case -2: return FREEBSD_SI_TIMER;
    case -3: return FREEBSD_SI_MESGQ;
    case -4: return FREEBSD_SI_ASYNCIO;
    case -6: return FREEBSD_SI_LWP;
    case 0x80: return FREEBSD_SI_KERNEL;
    }
    if (from->signo == HOST_SIGFPE && (from->code == FREEBSD_FPE_INTOVF || from->code == FREEBSD_FPE_INTDIV))
        return 3 - from->code; /* the two are swapped between the kernels */
    return from->code > 0 ? from->code : FREEBSD_SI_USER;
}

void freebsd_siginfo(struct freebsd_siginfo *to, const struct siginfo_host *from)
{
    memset(to, 0, sizeof(*to));
    to->signo = freebsd_signal_from_host(from->signo);
    to->errno = from->code_errno > 0 ? freebsd_errno_from_host(from->code_errno) : 0;
    to->code = code_from_host(from);
    if (from->code == -2) {
        to->reason[0] = (u32)from->timer.timerid;
        to->reason[1] = (u32)from->timer.overrun;
        to->value = from->timer.value;
    } else if (from->code <= 0) {
        to->pid = from->rt.pid;
        to->uid = (u32)from->rt.uid;
        to->value = from->code == 0 || from->code == -6 ? 0 : from->rt.value;
    } else if (to->signo == FREEBSD_SIGCHLD) {
        to->pid = from->chld.pid;
        to->uid = (u32)from->chld.uid;
        to->status = from->code == 1 ? from->chld.status : freebsd_signal_from_host(from->chld.status);
    }
}

static void describe_fault(const struct thread *t, struct freebsd_siginfo *si, struct freebsd_mcontext *m)
{
    m->trapno = trap_number(t->fault_trap);
    m->err = t->fault_error;
    m->addr = t->fault_address;
    si->reason[0] = m->trapno;
    if (m->trapno == 9)
        si->code = FREEBSD_BUS_OBJERR;
    else if (m->trapno == 3)
        si->code = FREEBSD_TRAP_BRKPT;
    else if (m->trapno == 10)
        si->code = FREEBSD_TRAP_TRACE;
    si->addr = m->trapno == 12 ? t->fault_address : m->rip;
}

int freebsd_deliver(struct thread *t, struct frame *f, const struct delivery *d)
{
    struct process *p = t->process;
    u64 extended = p->xstate_size > LEGACY_STATE ? p->xstate_size - LEGACY_STATE : 0;
    bool nested = on_alt_stack(t, f->rsp);
    u64 sp = f->rsp - RED_ZONE, returns_to = sigcode();
    struct sigframe s;
    if (returns_to == 0)
        return HOST_SIGILL;
    memset(&s, 0, sizeof(s));

    freebsd_sigset_from_host(d->mask_after, &s.uc.sigmask);
    fill_stack(t, &s.uc.stack, f->rsp);
    fill_registers(&s.uc.mcontext, f);
    s.uc.mcontext.onstack = nested;
    freebsd_siginfo(&s.si, &d->info);
    s.si.signo = d->guest_signal;
    if (d->fault)
        describe_fault(t, &s.si, &s.uc.mcontext);
    host(__NR_arch_prctl, 0x1003 /* ARCH_GET_FS */, &s.uc.mcontext.fsbase);

    if (t->alt.enabled && !nested && (d->action->flags & ACTION_ONSTACK))
        sp = t->alt.base + t->alt.size;
    s.uc.mcontext.fpformat = FREEBSD__MC_FPFMT_XMM;
    s.uc.mcontext.ownedfp = FREEBSD__MC_FPOWNED_NONE;
    if (d->xstate != NULL) {
        s.uc.mcontext.ownedfp = FREEBSD__MC_FPOWNED_FPU;
        memcpy(s.uc.mcontext.fpstate, d->xstate, LEGACY_STATE);
        memset((u8 *)s.uc.mcontext.fpstate + 464, 0, 48);
        if (extended > 0) {
            sp = (sp - extended) & ~63UL;
            s.uc.mcontext.flags |= FREEBSD__MC_HASFPXSTATE;
            s.uc.mcontext.xfpustate = sp;
            s.uc.mcontext.xfpustate_len = extended;
            if (copy_out(sp, (u8 *)d->xstate + LEGACY_STATE, extended) != 0)
                return HOST_SIGILL;
        }
    }
    sp = (sp - sizeof(s)) & ~15UL;
    s.handler = d->action->handler;
    if (copy_out(sp, &s, sizeof(s)) != 0)
        return HOST_SIGILL;

    f->rdi = (u64)d->guest_signal;
    f->rsi = d->action->flags & ACTION_SIGINFO ? sp + offsetof(struct sigframe, si) : (u64)(s64)s.si.code;
    f->rdx = sp + offsetof(struct sigframe, uc);
    f->rcx = s.si.addr;
    f->rsp = sp;
    f->rip = returns_to;
    f->rflags &= ~(FLAG_TRAP | FLAG_DIRECTION);
    return 0;
}

static long enter_context(struct thread *t, const struct freebsd_ucontext *uc)
{
    struct frame f = {0};
    void *xstate = NULL;
    if (uc->mcontext.flags & ~(u32)(FREEBSD__MC_HASSEGS | FREEBSD__MC_HASBASES | FREEBSD__MC_HASFPXSTATE))
        return -EINVAL;
    const struct freebsd_mcontext *m = &uc->mcontext;
    bool extended = m->flags & FREEBSD__MC_HASFPXSTATE;
    if (m->ownedfp != FREEBSD__MC_FPOWNED_NONE && m->fpformat == FREEBSD__MC_FPFMT_XMM) {
        long r = vector_state_take(t, m->fpstate, extended ? m->xfpustate : 0, m->xfpustate_len, &xstate);
        if (r != 0)
            return r;
    }
    take_registers(&f, &uc->mcontext);
    mask_on_return(t, freebsd_sigset_to_host(&uc->sigmask));
    leave_with_context(t, &f, xstate);
}

long freebsd_sys_sigreturn(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_ucontext uc;
    if (copy_in(&uc, a[0], sizeof(uc)) != 0)
        return -EFAULT;
    return enter_context(t, &uc);
}

/* As the kernel's get_mcontext(GET_MC_CLEAR_RET): the context returns 0 when it is entered. */
static long save_context(struct thread *t, struct frame *f, u64 to)
{
    struct freebsd_ucontext uc;
    memset(&uc, 0, sizeof(uc));
    fill_registers(&uc.mcontext, f);
    uc.mcontext.rax = uc.mcontext.rdx = 0;
    uc.mcontext.rflags &= ~1UL;
    uc.mcontext.onstack = on_alt_stack(t, f->rsp);
    save_xstate((void *)t->xstate);
    memcpy(uc.mcontext.fpstate, (void *)t->xstate, LEGACY_STATE);
    uc.mcontext.fpformat = FREEBSD__MC_FPFMT_XMM;
    uc.mcontext.ownedfp = FREEBSD__MC_FPOWNED_FPU;
    host(__NR_arch_prctl, 0x1003 /* ARCH_GET_FS */, &uc.mcontext.fsbase);
    freebsd_sigset_from_host(t->mask, &uc.sigmask);
    return copy_out(to, &uc, offsetof(struct freebsd_ucontext, link));
}

long freebsd_sys_getcontext(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    return a[0] == 0 ? -EINVAL : save_context(t, f, a[0]);
}

long freebsd_sys_setcontext(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_ucontext uc;
    if (a[0] == 0)
        return -EINVAL;
    memset(&uc, 0, sizeof(uc));
    if (copy_in(&uc, a[0], offsetof(struct freebsd_ucontext, link)) != 0)
        return -EFAULT;
    return enter_context(t, &uc);
}

long freebsd_sys_swapcontext(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    if (a[0] == 0 || a[1] == 0)
        return -EINVAL;
    long r = save_context(t, f, a[0]);
    if (r != 0)
        return r;
    const u64 next[MAX_ARGUMENTS] = {a[1]};
    return freebsd_sys_setcontext(t, f, next);
}
