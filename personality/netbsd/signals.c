/* Signal calls in which NetBSD differs: actions come with a trampoline, and the alternate stack has a flag that says
 * whether it is in use. */
#include "netbsd.h"
#include "lwp.h"

#define ALL_FLAGS 0xffU
#define HOST_SI_QUEUE (-1)

/* a: signal, new action, where the old one goes, trampoline, its version.  The one of version 1 takes a sigcontext,
 * which this machine never had. */
long netbsd_sys_sigaction_sigtramp(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_sigaction wanted;
    u32 version = (u32)a[4];
    bool fixed = (s32)a[0] == NETBSD_SIGKILL || (s32)a[0] == NETBSD_SIGSTOP;

    if (a[1] != 0) {
        if (copy_in(&wanted, a[1], sizeof(wanted)) != 0)
            return -EFAULT;
        bool handled = wanted.handler != GUEST_SIG_DFL && wanted.handler != GUEST_SIG_IGN;
        if (handled && (version != NETBSD_SIGTRAMP_SIGINFO_VERSION_MIN || a[3] == 0))
            return -EINVAL;
        if ((wanted.flags & ~ALL_FLAGS) || fixed)
            return -EINVAL;
    }
    return bsd_change_action(t, a, a[3]);
}

long netbsd_sys_sigaltstack_by_flag(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct lwp *l = lwp_of(t);
    struct netbsd_stack wanted, old = {.sp = t->alt.base, .size = t->alt.size};

    old.flags = (t->alt.enabled ? 0 : NETBSD_SS_DISABLE) | (l->on_stack ? NETBSD_SS_ONSTACK : 0);
    if (a[0] != 0) {
        if (copy_in(&wanted, a[0], sizeof(wanted)) != 0)
            return -EFAULT;
        if (wanted.flags & ~(NETBSD_SS_ONSTACK | NETBSD_SS_DISABLE))
            return -EINVAL;
        bool disable = wanted.flags & NETBSD_SS_DISABLE;
        if (disable && l->on_stack)
            return -EINVAL;
        if (!disable && wanted.size < NETBSD_MINSIGSTKSZ)
            return -ENOMEM;
        t->alt = (struct alt_stack){.base = wanted.sp, .size = wanted.size, .enabled = !disable};
        l->on_stack = (wanted.flags & NETBSD_SS_ONSTACK) != 0;
    }
    return a[1] != 0 ? copy_out(a[1], &old, sizeof(old)) : 0;
}

/* To others a process may only say what is true of the sender. */
static long may_send(struct thread *t, s32 pid, const struct netbsd_siginfo *info)
{
    if ((u32)info->signo > NETBSD_MAXSIG)
        return -EINVAL;
    if (pid == t->process->pid)
        return 0;
    if (info->pid != t->process->pid || info->uid != (u32)host(__NR_geteuid))
        return -EPERM;
    return info->code == NETBSD_SI_USER || info->code == NETBSD_SI_QUEUE ? 0 : -EPERM;
}

/* Groups get the signal without its value: the host queues to single processes only. */
long netbsd_sys_sigqueueinfo(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_siginfo given;
    s32 pid = (s32)a[0];

    if (copy_in(&given, a[1], sizeof(given)) != 0)
        return -EFAULT;
    long r = may_send(t, pid, &given);
    int signal = given.signo != 0 ? netbsd_signal_to_host(given.signo) : 0;
    if (r != 0 || (given.signo != 0 && signal == 0))
        return r != 0 ? r : -EINVAL;
    if (pid <= 0 || signal == 0 || given.code == NETBSD_SI_USER)
        return host(__NR_kill, pid, signal);
    struct siginfo_host info = {.signo = signal, .code = HOST_SI_QUEUE};
    info.rt.pid = given.pid;
    info.rt.uid = (s32)given.uid;
    info.rt.value = given.value;
    return host(__NR_rt_sigqueueinfo, pid, signal, &info);
}
