/* Linux's signal frame on x86-64: built on delivery, taken apart by rt_sigreturn.
 *
 * As x64_setup_rt_frame() and rt_sigreturn of arch/x86/kernel/signal_64.c do it: below the red zone lies
 * the vector state on a 64-byte boundary, below that the frame, whose first word is the address that the
 * handler returns to.  The state has two magic words, so that a reader can tell an extended one. */
#include "linux.h"

#define RED_ZONE 128
#define LEGACY_STATE 512
#define SOFTWARE_BYTES 464 /* where struct _fpx_sw_bytes lies in the legacy part */
#define XSTATE_HEADER 64
#define X87_CONTROL 0x37f
#define MXCSR 0x1f80
#define USER_FLAGS 0x50dd5UL /* FIX_EFLAGS: what a frame may change */
#define FLAG_RESUME 0x10000UL
#define FLAG_TRAP 0x100UL
#define FLAG_DIRECTION 0x400UL
#define USER_CODE 0x33
#define USER_DATA 0x2b

struct sigframe {
    u64 restorer;
    struct linux_rt_ucontext uc;
    struct siginfo_host info;
};
_Static_assert(sizeof(struct sigframe) == 440, "struct rt_sigframe");

struct software_bytes {
    u32 magic, extended_size;
    u64 features;
    u32 state_size, padding[7];
};
_Static_assert(sizeof(struct software_bytes) == LEGACY_STATE - SOFTWARE_BYTES, "struct _fpx_sw_bytes");

static void fill_registers(struct linux_rt_sigcontext *c, const struct frame *f)
{
    c->r8 = f->r8; c->r9 = f->r9; c->r10 = f->r10; c->r11 = f->r11;
    c->r12 = f->r12; c->r13 = f->r13; c->r14 = f->r14; c->r15 = f->r15;
    c->rdi = f->rdi; c->rsi = f->rsi; c->rbp = f->rbp; c->rbx = f->rbx;
    c->rdx = f->rdx; c->rax = f->rax; c->rcx = f->rcx; c->rsp = f->rsp;
    c->rip = f->rip; c->eflags = f->rflags;
    c->cs = USER_CODE;
    c->ss = USER_DATA;
}

static void take_registers(struct frame *f, const struct linux_rt_sigcontext *c)
{
    f->r8 = c->r8; f->r9 = c->r9; f->r10 = c->r10; f->r11 = c->r11;
    f->r12 = c->r12; f->r13 = c->r13; f->r14 = c->r14; f->r15 = c->r15;
    f->rdi = c->rdi; f->rsi = c->rsi; f->rbp = c->rbp; f->rbx = c->rbx;
    f->rdx = c->rdx; f->rax = c->rax; f->rcx = c->rcx; f->rsp = c->rsp;
    f->rip = c->rip;
    f->rflags = (c->eflags & USER_FLAGS) | 0x202;
}

static bool put_vector_state(const struct process *p, u64 to, const void *xstate)
{
    const struct software_bytes software = {
        .magic = LINUX_FP_XSTATE_MAGIC1,
        .extended_size = (u32)p->xstate_size + 4,
        .features = p->xstate_mask,
        .state_size = (u32)p->xstate_size,
    };
    return copy_out(to, xstate, p->xstate_size) == 0 &&
           copy_out(to + SOFTWARE_BYTES, &software, sizeof(software)) == 0 &&
           put_u32(to + p->xstate_size, LINUX_FP_XSTATE_MAGIC2) == 0;
}

int linux_deliver(struct thread *t, struct frame *f, const struct delivery *d)
{
    const struct process *p = t->process;
    u64 sp = f->rsp - RED_ZONE, lowest = 0;
    struct sigframe s;

    if (!(d->action->guest_flags & LINUX_SA_RESTORER))
        return LINUX_SIGSEGV;
    if ((d->action->flags & ACTION_ONSTACK) && t->alt.enabled && !linux_on_alt_stack(t, sp)) {
        lowest = t->alt.base;
        sp = t->alt.base + t->alt.size;
    }
    memset(&s, 0, sizeof(s));
    s.restorer = d->action->extra;
    s.info = d->info;
    s.uc.flags = LINUX_UC_SIGCONTEXT_SS | LINUX_UC_STRICT_RESTORE_SS;
    s.uc.sigmask = d->mask_after;
    linux_save_alt_stack(t, &s.uc.stack);
    fill_registers(&s.uc.mcontext, f);
    s.uc.mcontext.err = t->fault_error;
    s.uc.mcontext.trapno = t->fault_trap;
    s.uc.mcontext.cr2 = t->fault_address;
    s.uc.mcontext.oldmask = d->mask_after;
    if (d->xstate != NULL) {
        sp = (sp - p->xstate_size - 4) & ~63UL;
        s.uc.flags |= LINUX_UC_FP_XSTATE;
        s.uc.mcontext.fpstate = sp;
    }
    u64 frame = ((sp - sizeof(s)) & ~15UL) - 8;
    if (frame < lowest || (d->xstate != NULL && !put_vector_state(p, sp, d->xstate)) ||
        copy_out(frame, &s, sizeof(s)) != 0)
        return LINUX_SIGSEGV;
    if (t->alt.enabled & LINUX_SS_AUTODISARM)
        linux_reset_alt_stack(t);

    f->rdi = (u64)d->guest_signal;
    f->rsi = frame + offsetof(struct sigframe, info);
    f->rdx = frame + offsetof(struct sigframe, uc);
    f->rax = 0;
    f->rsp = frame;
    f->rip = d->action->handler;
    f->rflags &= ~(FLAG_DIRECTION | FLAG_TRAP | FLAG_RESUME);
    return 0;
}

/* The frame's vector state into the thread's own area, in XSAVE form; as it is at a program's start where
 * the frame has none. */
static bool take_vector_state(const struct thread *t, u64 from)
{
    const struct process *p = t->process;
    u8 *area = (u8 *)t->xstate;
    u64 *header = (u64 *)(area + LEGACY_STATE);
    const struct software_bytes *software = (const void *)(area + SOFTWARE_BYTES);
    u32 magic = 0;

    memset(area, 0, p->xstate_size);
    if (from == 0) {
        *(u16 *)area = X87_CONTROL;
        *(u32 *)(area + 24) = MXCSR;
        return true;
    }
    if (copy_in(area, from, LEGACY_STATE) != 0)
        return false;
    u64 size = software->state_size;
    if (software->magic == LINUX_FP_XSTATE_MAGIC1 && size >= LEGACY_STATE + XSTATE_HEADER &&
        size <= p->xstate_size && software->extended_size >= size + 4 && get_u32(from + size, &magic) == 0 &&
        magic == LINUX_FP_XSTATE_MAGIC2) {
        u64 features = software->features;
        if (copy_in(area + LEGACY_STATE, from + LEGACY_STATE, size - LEGACY_STATE) != 0)
            return false;
        header[0] &= p->xstate_mask & features;
    } else {
        header[0] = 3; /* x87 and SSE */
    }
    memset(header + 1, 0, XSTATE_HEADER - 8);
    *(u32 *)(area + 24) &= 0xffff; /* reserved bits of MXCSR would fault */
    return true;
}

long linux_sys_rt_sigreturn(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    struct linux_rt_ucontext uc;
    struct frame back = {0};

    /* The handler's return took the first word. */
    if (copy_in(&uc, f->rsp - 8 + offsetof(struct sigframe, uc), sizeof(uc)) != 0 ||
        !take_vector_state(t, uc.mcontext.fpstate))
        die_by_signal(t, LINUX_SIGSEGV);
    take_registers(&back, &uc.mcontext);
    linux_set_alt_stack(t, &uc.stack, back.rsp);
    mask_on_return(t, uc.sigmask);
    leave_with_context(t, &back, (void *)t->xstate);
}
