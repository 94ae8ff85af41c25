/* procctl: what a process may ask to be done with itself.
 *
 * Served where the host has the thing (prctl).  For the rest a program is told how matters stand, and asking
 * for how they stand is granted; asking for a change that would not happen is EINVAL, as on a kernel without
 * the command. */
#include "freebsd.h"
#include "reaper.h"
#include <linux/prctl.h>

static s32 trace_control = FREEBSD_PROC_TRACE_CTL_ENABLE;

static bool is_own(const struct thread *t, u32 kind, s64 id)
{
    return kind == FREEBSD_P_PID && (id == 0 || id == t->process->pid);
}

/* The host may hold a signal that the guest has not asked for: the one that ends it with its launcher. */
static u32 death_signal_asked;

static void forget_death_signal(struct thread *t UNUSED) { death_signal_asked = 0; }
ON_FORK_CHILD(forget_death_signal);

static long death_signal(bool set, u64 data)
{
    u32 signal;
    int host_signal = 0;

    if (!set)
        return put_u32(data, death_signal_asked);
    if (get_u32(data, &signal) != 0)
        return -EFAULT;
    if (signal != 0 && (host_signal = freebsd_signal_to_host((int)signal)) == 0)
        return -EINVAL;
    long r = host(__NR_prctl, PR_SET_PDEATHSIG, host_signal, 0, 0, 0);
    if (r == 0)
        death_signal_asked = signal;
    return r;
}

static long no_new_privileges(bool set, u64 data)
{
    u32 wanted;

    if (!set) {
        long on = host(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
        return is_error(on) ? on
                            : put_u32(data, on ? FREEBSD_PROC_NO_NEW_PRIVS_ENABLE
                                               : FREEBSD_PROC_NO_NEW_PRIVS_DISABLE);
    }
    if (get_u32(data, &wanted) != 0)
        return -EFAULT;
    return wanted == FREEBSD_PROC_NO_NEW_PRIVS_ENABLE ? host(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                                                      : -EINVAL;
}

/* No guest can trace another one, so "not to be traced" holds from the start; what is left is to remember
 * what was asked, and to leave no core file. */
static long trace(bool set, u64 data)
{
    u32 wanted;

    if (!set)
        return put_u32(data, trace_control == FREEBSD_PROC_TRACE_CTL_ENABLE ? 0 : (u32)-1);
    if (get_u32(data, &wanted) != 0)
        return -EFAULT;
    if (wanted < FREEBSD_PROC_TRACE_CTL_ENABLE || wanted > FREEBSD_PROC_TRACE_CTL_DISABLE_EXEC)
        return -EINVAL;
    if (wanted == FREEBSD_PROC_TRACE_CTL_ENABLE && trace_control != FREEBSD_PROC_TRACE_CTL_ENABLE)
        return -EPERM;
    if (wanted != FREEBSD_PROC_TRACE_CTL_ENABLE) {
        struct linux_rlimit none = {0};
        host(__NR_prlimit64, 0, LINUX_RLIMIT_CORE, 0, &none);
        none.cur = 0;
        host(__NR_prlimit64, 0, LINUX_RLIMIT_CORE, &none, 0);
    }
    trace_control = (s32)wanted;
    return 0;
}

struct standing { /* a pair of commands: how matters stand, and the one request that changes nothing */
    u32 control, status, value, grantable;
};

static const struct standing standings[] = {
    {FREEBSD_PROC_TRAPCAP_CTL, FREEBSD_PROC_TRAPCAP_STATUS, FREEBSD_PROC_TRAPCAP_CTL_DISABLE,
     FREEBSD_PROC_TRAPCAP_CTL_DISABLE},
    {FREEBSD_PROC_ASLR_CTL, FREEBSD_PROC_ASLR_STATUS, FREEBSD_PROC_ASLR_NOFORCE | FREEBSD_PROC_ASLR_ACTIVE,
     FREEBSD_PROC_ASLR_NOFORCE},
    {FREEBSD_PROC_PROTMAX_CTL, FREEBSD_PROC_PROTMAX_STATUS, FREEBSD_PROC_PROTMAX_NOFORCE,
     FREEBSD_PROC_PROTMAX_NOFORCE},
    {FREEBSD_PROC_STACKGAP_CTL, FREEBSD_PROC_STACKGAP_STATUS,
     FREEBSD_PROC_STACKGAP_ENABLE | FREEBSD_PROC_STACKGAP_ENABLE_EXEC,
     FREEBSD_PROC_STACKGAP_ENABLE | FREEBSD_PROC_STACKGAP_ENABLE_EXEC},
    {FREEBSD_PROC_WXMAP_CTL, FREEBSD_PROC_WXMAP_STATUS, FREEBSD_PROC_WX_MAPPINGS_PERMIT,
     FREEBSD_PROC_WX_MAPPINGS_PERMIT},
    {FREEBSD_PROC_LOGSIGEXIT_CTL, FREEBSD_PROC_LOGSIGEXIT_STATUS, FREEBSD_PROC_LOGSIGEXIT_CTL_NOFORCE,
     FREEBSD_PROC_LOGSIGEXIT_CTL_NOFORCE},
};

static long standing_command(u32 command, u64 data)
{
    for (u32 i = 0; i < ARRAY_LENGTH(standings); i++) {
        const struct standing *s = &standings[i];
        u32 wanted;

        if (command == s->status)
            return put_u32(data, s->value);
        if (command != s->control)
            continue;
        if (get_u32(data, &wanted) != 0)
            return -EFAULT;
        return wanted != 0 && (wanted & ~s->grantable) == 0 ? 0 : -EINVAL;
    }
    return -EINVAL;
}

long freebsd_sys_procctl(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 kind = (u32)a[0], command = (u32)a[2];
    s64 id = (s64)a[1];

    if (command == FREEBSD_PROC_SPROTECT)
        return -EPERM; /* from the killer at the end of memory: a privilege on both sides */
    if (!is_own(t, kind, id)) {
        if (kind != FREEBSD_P_PID && kind != FREEBSD_P_PGID)
            return -EINVAL;
        return is_error(host(__NR_kill, kind == FREEBSD_P_PID ? id : -id, 0)) ? -ESRCH : -EPERM;
    }
    switch (command) {
    case FREEBSD_PROC_REAP_ACQUIRE:
    case FREEBSD_PROC_REAP_RELEASE:
    case FREEBSD_PROC_REAP_STATUS:
    case FREEBSD_PROC_REAP_GETPIDS:
    case FREEBSD_PROC_REAP_KILL:
        return reaper_command(t, command, a[3]);
    case FREEBSD_PROC_TRACE_CTL:
    case FREEBSD_PROC_TRACE_STATUS:
        return trace(command == FREEBSD_PROC_TRACE_CTL, a[3]);
    case FREEBSD_PROC_PDEATHSIG_CTL:
    case FREEBSD_PROC_PDEATHSIG_STATUS:
        return death_signal(command == FREEBSD_PROC_PDEATHSIG_CTL, a[3]);
    case FREEBSD_PROC_NO_NEW_PRIVS_CTL:
    case FREEBSD_PROC_NO_NEW_PRIVS_STATUS:
        return no_new_privileges(command == FREEBSD_PROC_NO_NEW_PRIVS_CTL, a[3]);
    default:
        return standing_command(command, a[3]);
    }
}
