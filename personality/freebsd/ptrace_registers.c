/* ptrace(2) and registers: cpu_ptrace of sys/amd64/amd64/ptrace_machdep.c. */
#include "ptrace.h"

#define USER_CODE 0x43
#define USER_DATA 0x3b
#define USER_FS 0x13
#define USER_GS 0x1b
#define FLAGS_CHANGEABLE 0x254dd5UL /* PSL_USERCHANGE, with the trap flag */
#define DEBUG_REGISTERS 16
#define FIXED_CONTROL 7 /* %dr6 and %dr7 have bits that are always set */
#define FLAG_TRAP 0x100UL
#define USER_END 0x800000000000UL
#define SOFTWARE_NOTES 464
#define VECTOR_HEADER 64
#define X87_AND_SSE 3

static void registers_from_frame(struct freebsd_reg *r, const struct frame *f)
{
    *r = (struct freebsd_reg){
        .r15 = f->r15, .r14 = f->r14, .r13 = f->r13, .r12 = f->r12, .r11 = f->r11, .r10 = f->r10,
        .r9 = f->r9, .r8 = f->r8, .rdi = f->rdi, .rsi = f->rsi, .rbp = f->rbp, .rbx = f->rbx,
        .rdx = f->rdx, .rcx = f->rcx, .rax = f->rax, .rip = f->rip, .rflags = f->rflags, .rsp = f->rsp,
        .cs = USER_CODE, .ss = USER_DATA, .ds = USER_DATA, .es = USER_DATA, .fs = USER_FS, .gs = USER_GS,
    };
}

static long registers_to_frame(struct frame *f, const struct freebsd_reg *r)
{
    if ((r->rflags ^ f->rflags) & ~(FLAGS_CHANGEABLE | FLAG_TRAP | 0x10000UL))
        return -EINVAL;
    f->r15 = r->r15; f->r14 = r->r14; f->r13 = r->r13; f->r12 = r->r12; f->r11 = r->r11; f->r10 = r->r10;
    f->r9 = r->r9; f->r8 = r->r8; f->rdi = r->rdi; f->rsi = r->rsi; f->rbp = r->rbp; f->rbx = r->rbx;
    f->rdx = r->rdx; f->rcx = r->rcx; f->rax = r->rax; f->rip = r->rip; f->rflags = r->rflags; f->rsp = r->rsp;
    return 0;
}

static long put_frame(const struct target *target, const struct debuggee_thread *thread)
{
    return target_put(target, thread->frame_at, &thread->frame, sizeof(thread->frame));
}

/* In a call %rcx has the fourth argument, which the program passes in %r10: fast_syscall_common puts it there. */
static long general_registers(const struct target *target, struct debuggee_thread *thread, bool set, u64 at)
{
    struct freebsd_reg r;
    if (!set) {
        registers_from_frame(&r, &thread->frame);
        if (is_in_call(thread))
            r.rcx = r.r10;
        return copy_out(at, &r, sizeof(r));
    }
    if (copy_in(&r, at, sizeof(r)) != 0)
        return -EFAULT;
    if (is_in_call(thread))
        r.r10 = r.rcx;
    return registers_to_frame(&thread->frame, &r) ?: put_frame(target, thread);
}

/* ---- vector state: the first 512 bytes are struct fpreg, a header of 64 follows, and then what came later -------- */

static u8 *scratch(void) { return (u8 *)current_thread()->xstate; }

static long read_vector(const struct target *target, const struct debuggee_thread *thread, u64 at, size_t size)
{
    u8 *state = scratch();
    if (target_read(target, thread->park.vector, state, size) != (long)size)
        return -ESRCH;
    memset(state + SOFTWARE_NOTES, 0, LEGACY_STATE - SOFTWARE_NOTES); /* the host's */
    return copy_out(at, state, size);
}

static long write_vector(const struct target *target, const struct debuggee_thread *thread, u64 at, size_t size)
{
    u8 *state = scratch(), header[LEGACY_STATE + VECTOR_HEADER];
    const u32 changed = 1;
    u64 mask = current_thread()->process->xstate_mask, present;

    if (copy_in(state, at, size) != 0)
        return -EFAULT;
    if (target_read(target, thread->park.vector, header, sizeof(header)) != sizeof(header))
        return -ESRCH;
    memcpy(&present, size > LEGACY_STATE ? state + LEGACY_STATE : header + LEGACY_STATE, sizeof(present));
    if (present & ~mask)
        return -EINVAL;
    present |= X87_AND_SSE; /* they are not in their first state any more */
    memcpy(state + SOFTWARE_NOTES, header + SOFTWARE_NOTES, sizeof(header) - SOFTWARE_NOTES);
    memcpy(state + LEGACY_STATE, &present, sizeof(present));
    if (size < sizeof(header))
        size = sizeof(header);
    return target_put(target, thread->park.vector, state, size) ?:
           target_put(target, thread->park_at + offsetof(struct park, vector_changed), &changed, sizeof(changed));
}

static long vector_registers(const struct target *target, const struct debuggee_thread *thread, bool set, u64 at,
                             size_t size)
{
    if (thread->park_at == 0 || thread->park.vector == 0)
        return -EBUSY;
    return set ? write_vector(target, thread, at, size) : read_vector(target, thread, at, size);
}

static long vector_info(u64 at, s32 size)
{
    const struct process *p = current_thread()->process;
    struct freebsd_ptrace_xstate_info info = {.xsave_mask = p->xstate_mask, .xsave_len = (u32)p->xstate_size};
    return size == sizeof(info) ? copy_out(at, &info, sizeof(info)) : -EINVAL;
}

/* ---- others ---------------------------------------------------------------------------------------------- */

/* The host lets only a tracer of its own set them, so they are all clear, and stay so. */
static long debug_registers(bool set, u64 at)
{
    u64 r[DEBUG_REGISTERS] = {0};
    if (!set) {
        r[6] = 0xffff0ff0;
        r[7] = 0x400;
        return copy_out(at, r, sizeof(r));
    }
    if (copy_in(r, at, sizeof(r)) != 0)
        return -EFAULT;
    return r[FIXED_CONTROL] & ~0x400UL ? -EINVAL : 0;
}

static long base_register(const struct debuggee_thread *thread, u32 request, u64 at)
{
    u64 base = request == FREEBSD_PT_GETFSBASE ? thread->park.fs_base : thread->state.guest_gs_base;
    if (request == FREEBSD_PT_GETFSBASE && thread->park_at == 0)
        base = thread->state.guest_fs_base;
    return put_u64(at, base);
}

/* %gs is not the guest's to set, as sysarch says too. */
static long set_fs_base(const struct target *target, const struct debuggee_thread *thread, u64 at)
{
    const u32 changed = 1;
    u64 base;
    if (get_u64(at, &base) != 0)
        return -EFAULT;
    if (base >= USER_END)
        return -EINVAL;
    if (thread->park_at == 0)
        return -EBUSY;
    return target_put(target, thread->park_at + offsetof(struct park, fs_base), &base, sizeof(base)) ?:
           target_put(target, thread->park_at + offsetof(struct park, fs_changed), &changed, sizeof(changed));
}

long registers_step(const struct target *target, struct debuggee_thread *thread, bool on)
{
    thread->frame.rflags = on ? thread->frame.rflags | FLAG_TRAP : thread->frame.rflags & ~FLAG_TRAP;
    return put_frame(target, thread);
}

long registers_request(const struct target *target, struct debuggee_thread *thread, u32 request, u64 at, s32 data)
{
    const size_t all = current_thread()->process->xstate_size;
    switch (request) {
    case FREEBSD_PT_GETREGS:
    case FREEBSD_PT_SETREGS:
        return general_registers(target, thread, request == FREEBSD_PT_SETREGS, at);
    case FREEBSD_PT_GETFPREGS:
    case FREEBSD_PT_SETFPREGS:
        return vector_registers(target, thread, request == FREEBSD_PT_SETFPREGS, at, LEGACY_STATE);
    case FREEBSD_PT_GETXSTATE_INFO:
        return vector_info(at, data);
    case FREEBSD_PT_GETXSTATE:
        return vector_registers(target, thread, false, at, all);
    case FREEBSD_PT_SETXSTATE:
        if (data < (s32)LEGACY_STATE || data > (s32)all)
            return -EINVAL;
        return vector_registers(target, thread, true, at, (size_t)data);
    case FREEBSD_PT_GETDBREGS:
    case FREEBSD_PT_SETDBREGS:
        return debug_registers(request == FREEBSD_PT_SETDBREGS, at);
    case FREEBSD_PT_GETFSBASE:
    case FREEBSD_PT_GETGSBASE:
        return base_register(thread, request, at);
    case FREEBSD_PT_SETFSBASE:
        return set_fs_base(target, thread, at);
    default:
        return -EINVAL;
    }
}
