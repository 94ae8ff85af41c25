/* The BSDs' signal calls: actions, masks, stacks, sending, and waiting without a handler.
 *
 * Masks are host bits inside the runtime; numbers above the host's last real-time signal have no
 * carrier there and are refused with EINVAL (signals.tbl). */
#include "bsd.h"
#include "debugger.h"
#include "tasks.h"

#define HOST_SI_QUEUE (-1)
#define HOST_SIG_SIGKILL 9
#define HOST_SIG_SIGSTOP 19
#define SIGQUEUE_TID 0x80000000UL
#define MAX_TIDS 1024

static u32 flags_to_action(u32 guest)
{
    u32 flags = 0;
    if (guest & BSD_SA_ONSTACK)
        flags |= ACTION_ONSTACK;
    if (guest & BSD_SA_RESTART)
        flags |= ACTION_RESTART;
    if (guest & BSD_SA_RESETHAND)
        flags |= ACTION_RESETHAND;
    if (guest & BSD_SA_NODEFER)
        flags |= ACTION_NODEFER;
    if (guest & BSD_SA_SIGINFO)
        flags |= ACTION_SIGINFO;
    if (guest & BSD_SA_NOCLDSTOP)
        flags |= ACTION_NOCLDSTOP;
    if (guest & BSD_SA_NOCLDWAIT)
        flags |= ACTION_NOCLDWAIT;
    return flags;
}

/* 0 for a number that the guest has but the host cannot carry, -1 for one that is no signal. */
static int to_host(u64 guest)
{
    int signal = (int)guest;
    if (signal < 1 || signal > BSD_MAXSIG)
        return -1;
    return bsd_signal_to_host(signal);
}

long bsd_change_action(struct thread *t, const u64 a[MAX_ARGUMENTS], u64 extra)
{
    struct bsd_sigaction wanted, old;
    struct guest_action action, before = {0};
    int signal = to_host(a[0]);
    if (signal <= 0)
        return -EINVAL;
    if (a[1] != 0) {
        if (copy_in(&wanted, a[1], sizeof(wanted)) != 0)
            return -EFAULT;
        if ((signal == HOST_SIG_SIGKILL || signal == HOST_SIG_SIGSTOP) && wanted.handler != GUEST_SIG_DFL)
            return -EINVAL;
        action = (struct guest_action){
            .handler = wanted.handler,
            .mask = bsd_sigset_to_host(&wanted.mask),
            .flags = flags_to_action(wanted.flags),
            .guest_flags = wanted.flags,
            .extra = extra,
        };
    }
    bool change = a[1] != 0 && signal != HOST_SIG_SIGKILL && signal != HOST_SIG_SIGSTOP;
    long r = action_set(t, signal, change ? &action : NULL, &before);
    if (r != 0 || a[2] == 0)
        return r;
    memset(&old, 0, sizeof(old));
    old.handler = before.handler;
    old.flags = before.guest_flags;
    bsd_sigset_from_host(before.mask, &old.mask);
    return copy_out(a[2], &old, sizeof(old));
}

long bsd_sys_sigaction(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return bsd_change_action(t, a, 0);
}

long bsd_sys_sigprocmask(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_sigset set;
    u64 before = t->mask;
    if (a[1] != 0) {
        if (copy_in(&set, a[1], sizeof(set)) != 0)
            return -EFAULT;
        u64 bits = bsd_sigset_to_host(&set);
        switch ((int)a[0]) {
        case BSD_SIG_BLOCK: mask_set(t, before | bits); break;
        case BSD_SIG_UNBLOCK: mask_set(t, before & ~bits); break;
        case BSD_SIG_SETMASK: mask_set(t, bits); break;
        default: return -EINVAL;
        }
    }
    if (a[2] == 0)
        return 0;
    bsd_sigset_from_host(before, &set);
    return copy_out(a[2], &set, sizeof(set));
}

long bsd_sys_sigpending(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_sigset set;
    u64 bits = 0;
    host(__NR_rt_sigpending, &bits, 8);
    bsd_sigset_from_host((bits | queued_signals(t)) & t->mask, &set);
    return copy_out(a[0], &set, sizeof(set));
}

long bsd_sys_sigsuspend(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_sigset set;
    if (copy_in(&set, a[0], sizeof(set)) != 0)
        return -EFAULT;
    return suspend_with_mask(t, bsd_sigset_to_host(&set));
}

long bsd_sys_sigaltstack(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_stack wanted, old = {.sp = t->alt.base, .size = t->alt.size};
    bool inside = t->alt.enabled && f->rsp - t->alt.base < t->alt.size;
    old.flags = !t->alt.enabled ? BSD_SS_DISABLE : inside ? BSD_SS_ONSTACK : 0;
    if (a[0] != 0) {
        if (copy_in(&wanted, a[0], sizeof(wanted)) != 0)
            return -EFAULT;
        if (inside)
            return -EPERM;
        if (wanted.flags & ~BSD_SS_DISABLE)
            return -EINVAL;
        if (!(wanted.flags & BSD_SS_DISABLE) && wanted.size < BSD_MINSIGSTKSZ)
            return -ENOMEM;
        t->alt.enabled = !(wanted.flags & BSD_SS_DISABLE);
        t->alt.base = wanted.sp;
        t->alt.size = wanted.size;
    }
    return a[1] != 0 ? copy_out(a[1], &old, sizeof(old)) : 0;
}

/* ---- sending -------------------------------------------------------------------------------------- */

/* The host's number to send, 0 for the mere check; -EINVAL. */
static int signal_to_send(u64 guest)
{
    if ((int)guest == 0)
        return 0;
    int signal = to_host(guest);
    return signal > 0 ? signal : -EINVAL;
}

static long may_signal(s32 pid, const void *self)
{
    return pid > 1 && pid != *(const s32 *)self && host(__NR_kill, pid, 0) == 0;
}

/* A signal to all processes or to a group, of which the caller may signal none: the host calls the first a success. */
static long signal_many(struct thread *t, s32 pid, int signal)
{
    bool none = pid == -1 && for_each_process(may_signal, &t->process->pid) == 0; /* now: afterwards they may be gone */
    long r = host(__NR_kill, pid, signal);
    return r == -EPERM || (none && r == 0) ? WAY_NONE_TO_SIGNAL : r;
}

long bsd_sys_kill(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int signal = signal_to_send(a[1]);
    if (signal == HOST_SIG_SIGSTOP && debug_takes_stop(t, (s32)a[0]))
        return 0;
    if (signal < 0)
        return signal;
    return (s32)a[0] > 0 ? host(__NR_kill, (s32)a[0], signal) : signal_many(t, (s32)a[0], signal);
}

long bsd_sys_thr_kill2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 pid = (s32)a[0], tid = (s32)a[1];
    int signal = signal_to_send(a[2]);
    if (signal < 0)
        return signal;
    if (signal == HOST_SIG_SIGSTOP && debug_takes_stop(t, pid))
        return 0;
    if (tid != -1)
        return host(__NR_tgkill, pid, tid, signal);
    if (pid != t->process->pid)
        return host(__NR_kill, pid, signal);
    /* Every thread but this one. */
    s32 tids[MAX_TIDS];
    u32 count = thread_ids(t->process, tids, MAX_TIDS);
    long r = -ESRCH;
    for (u32 i = 0; i < count && i < MAX_TIDS; i++)
        if (tids[i] != t->tid && host(__NR_tgkill, pid, tids[i], signal) == 0)
            r = 0;
    return r;
}

long bsd_sys_thr_kill(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const u64 with_pid[MAX_ARGUMENTS] = {(u64)t->process->pid, a[0], a[1]};
    return bsd_sys_thr_kill2(t, f, with_pid);
}

long bsd_sys_sigqueue(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    bool to_thread = a[1] & SIGQUEUE_TID;
    int signal = signal_to_send(a[1] & ~SIGQUEUE_TID & 0xffffffff);
    if (signal < 0 || (s32)a[0] <= 0)
        return -EINVAL;
    if (signal == 0)
        return host(__NR_kill, (s32)a[0], 0);
    struct siginfo_host info = {.signo = signal, .code = HOST_SI_QUEUE};
    info.rt.pid = t->process->pid;
    info.rt.uid = (s32)host(__NR_getuid);
    info.rt.value = a[2];
    if (to_thread)
        return host(__NR_rt_tgsigqueueinfo, t->process->pid, (s32)a[0], signal, &info);
    return host(__NR_rt_sigqueueinfo, (s32)a[0], signal, &info);
}

/* ---- waiting without a handler ---------------------------------------------------------------------- */

/* A signal of the set is taken from the queue; it must be blocked, as at home. */
long bsd_await_signal(struct thread *t, u64 set, const struct timespec_host *limit, struct siginfo_host *info)
{
    if (take_queued_signal(t, set, info))
        return info->signo;
    /* The host takes signals of the set even when they are not blocked, as the guest's kernel does; while it
     * waits they must not go to the handler instead. */
    u64 before = t->mask;
    mask_set(t, before | set);
    long r = take_queued_signal(t, set, info) ? info->signo
                                              : host_intr(__NR_rt_sigtimedwait, &set, info, limit, 8);
    mask_set(t, before);
    return r == RESTART ? -EINTR : r;
}

long bsd_read_sigset(u64 at, u64 *set)
{
    struct bsd_sigset guest;
    if (copy_in(&guest, at, sizeof(guest)) != 0)
        return -EFAULT;
    *set = bsd_sigset_to_host(&guest);
    return 0;
}

long bsd_sys_sigtimedwait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct timespec_host limit;
    struct siginfo_host info;
    struct bsd_siginfo guest;
    u64 set;
    long r = bsd_read_sigset(a[0], &set);
    if (r == 0 && a[2] != 0) {
        if (copy_in(&limit, a[2], sizeof(limit)) != 0)
            return -EFAULT;
        if (limit.nsec < 0 || limit.nsec >= 1000000000L || limit.sec < 0)
            return -EINVAL;
    }
    if (r == 0)
        r = bsd_await_signal(t, set, a[2] != 0 ? &limit : NULL, &info);
    if (r < 0)
        return r;
    bsd_siginfo(&guest, &info);
    if (a[1] != 0 && copy_out(a[1], &guest, sizeof(guest)) != 0)
        return -EFAULT;
    return guest.signo;
}

long bsd_sys_sigwaitinfo(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    const u64 without_limit[MAX_ARGUMENTS] = {a[0], a[1], 0};
    return bsd_sys_sigtimedwait(t, f, without_limit);
}

/* The result is an error number, not an errno; an interruption starts over. */
long bsd_sys_sigwait(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct siginfo_host info;
    u64 set;
    long r = bsd_read_sigset(a[0], &set);
    if (r == 0)
        r = bsd_await_signal(t, set, NULL, &info);
    if (r == -EINTR)
        return RESTART;
    if (r < 0)
        return bsd_errno_from_host((int)-r);
    u32 number = (u32)bsd_signal_from_host((int)r);
    return put_u32(a[1], number) != 0 ? BSD_EFAULT : 0;
}
