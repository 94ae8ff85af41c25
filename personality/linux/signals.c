/* Linux's signal calls: actions, masks, the alternate stack, and waiting without a handler. */
#include "linux.h"

#define SIGSET_SIZE 8
#define NEVER_BLOCKED (signal_bit(LINUX_SIGKILL) | signal_bit(LINUX_SIGSTOP))
#define ACTION_FLAGS                                                                             \
    (LINUX_SA_NOCLDSTOP | LINUX_SA_NOCLDWAIT | LINUX_SA_SIGINFO | LINUX_SA_EXPOSE_TAGBITS |          \
     LINUX_SA_RESTORER | LINUX_SA_ONSTACK | LINUX_SA_RESTART | LINUX_SA_NODEFER | LINUX_SA_RESETHAND)

static u32 action_flags(u64 guest)
{
    u32 flags = 0;
    if (guest & LINUX_SA_ONSTACK)
        flags |= ACTION_ONSTACK;
    if (guest & LINUX_SA_RESTART)
        flags |= ACTION_RESTART;
    if (guest & LINUX_SA_RESETHAND)
        flags |= ACTION_RESETHAND;
    if (guest & LINUX_SA_NODEFER)
        flags |= ACTION_NODEFER;
    if (guest & LINUX_SA_SIGINFO)
        flags |= ACTION_SIGINFO;
    if (guest & LINUX_SA_NOCLDSTOP)
        flags |= ACTION_NOCLDSTOP;
    if (guest & LINUX_SA_NOCLDWAIT)
        flags |= ACTION_NOCLDWAIT;
    return flags;
}

long linux_sys_rt_sigaction(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_kernel_sigaction wanted, old = {0};
    struct guest_action action = {0}, before = {0};
    int signal = (int)a[0];

    if (a[3] != SIGSET_SIZE)
        return -EINVAL;
    if (a[1] != 0) {
        if (copy_in(&wanted, a[1], sizeof(wanted)) != 0)
            return -EFAULT;
        action = (struct guest_action){
            .handler = wanted.handler,
            .mask = wanted.mask & ~NEVER_BLOCKED,
            .flags = action_flags(wanted.flags),
            .guest_flags = (u32)(wanted.flags & ACTION_FLAGS),
            .extra = wanted.restorer,
        };
    }
    long r = action_set(t, signal, a[1] != 0 ? &action : NULL, &before);
    if (r != 0 || a[2] == 0)
        return r;
    old.handler = before.handler;
    old.flags = before.guest_flags;
    old.restorer = before.extra;
    old.mask = before.mask;
    return copy_out(a[2], &old, sizeof(old));
}

long linux_sys_rt_sigprocmask(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 before = t->mask, bits;

    if (a[3] != SIGSET_SIZE)
        return -EINVAL;
    if (a[1] != 0) {
        if (get_u64(a[1], &bits) != 0)
            return -EFAULT;
        switch ((int)a[0]) {
        case LINUX_SIG_BLOCK: bits = before | bits; break;
        case LINUX_SIG_UNBLOCK: bits = before & ~bits; break;
        case LINUX_SIG_SETMASK: break;
        default: return -EINVAL;
        }
        if ((bits & ~NEVER_BLOCKED) != before)
            mask_set(t, bits);
    }
    return a[2] != 0 ? put_u64(a[2], before) : 0;
}

long linux_sys_rt_sigpending(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 bits = 0;

    if (a[1] > SIGSET_SIZE)
        return -EINVAL;
    host(__NR_rt_sigpending, &bits, SIGSET_SIZE);
    bits = (bits | queued_signals(t)) & t->mask;
    return copy_out(a[0], &bits, a[1]);
}

long linux_sys_rt_sigsuspend(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 mask;

    if (a[1] != SIGSET_SIZE)
        return -EINVAL;
    return get_u64(a[0], &mask) != 0 ? -EFAULT : suspend_with_mask(t, mask);
}

/* A signal of the set that is not blocked must not go to its handler while this waits. */
long linux_sys_rt_sigtimedwait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct siginfo_host info;
    struct timespec_host limit;
    u64 set, before = t->mask;

    if (a[3] != SIGSET_SIZE)
        return -EINVAL;
    if (get_u64(a[0], &set) != 0 || (a[2] != 0 && copy_in(&limit, a[2], sizeof(limit)) != 0))
        return -EFAULT;
    set &= ~NEVER_BLOCKED;
    long r = 0;
    if (!take_queued_signal(t, set, &info)) {
        mask_set(t, before | set);
        if (!take_queued_signal(t, set, &info))
            r = host_intr(__NR_rt_sigtimedwait, &set, &info, a[2] ? &limit : NULL, SIGSET_SIZE);
        mask_set(t, before);
    }
    if (is_error(r))
        return r == RESTART ? -EINTR : r;
    if (a[1] != 0 && copy_out(a[1], &info, sizeof(info)) != 0)
        return -EFAULT;
    return info.signo;
}

/* ---- the alternate stack: the host has the runtime's, the guest's is a note in its thread ------------- */

static bool within(const struct thread *t, u64 rsp)
{
    return rsp > t->alt.base && rsp - t->alt.base <= t->alt.size;
}

/* With SS_AUTODISARM there is no being on it: the first delivery takes it away. */
bool linux_on_alt_stack(const struct thread *t, u64 rsp)
{
    return t->alt.enabled && !(t->alt.enabled & LINUX_SS_AUTODISARM) && within(t, rsp);
}

void linux_save_alt_stack(const struct thread *t, struct linux_stack *s)
{
    s->sp = t->alt.base;
    s->size = t->alt.size;
    s->flags = t->alt.enabled ? (s32)(t->alt.enabled & LINUX_SS_AUTODISARM) : LINUX_SS_DISABLE;
}

void linux_reset_alt_stack(struct thread *t)
{
    t->alt = (struct alt_stack){0};
}

long linux_set_alt_stack(struct thread *t, const struct linux_stack *s, u64 rsp)
{
    u32 mode = (u32)s->flags & ~LINUX_SS_AUTODISARM;

    if (linux_on_alt_stack(t, rsp))
        return -EPERM;
    if (mode != LINUX_SS_DISABLE && mode != LINUX_SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == LINUX_SS_DISABLE) {
        linux_reset_alt_stack(t);
        return 0;
    }
    if (s->size < LINUX_MINSIGSTKSZ)
        return -ENOMEM;
    t->alt = (struct alt_stack){s->sp, s->size, 1 | ((u32)s->flags & LINUX_SS_AUTODISARM)};
    return 0;
}

long linux_sys_sigaltstack(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct linux_stack wanted, old;

    memset(&old, 0, sizeof(old));
    linux_save_alt_stack(t, &old);
    if (linux_on_alt_stack(t, f->rsp))
        old.flags |= LINUX_SS_ONSTACK;
    if (a[0] != 0) {
        if (copy_in(&wanted, a[0], sizeof(wanted)) != 0)
            return -EFAULT;
        long r = linux_set_alt_stack(t, &wanted, f->rsp);
        if (r != 0)
            return r;
    }
    return a[1] != 0 ? copy_out(a[1], &old, sizeof(old)) : 0;
}
