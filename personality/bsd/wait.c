/* Waiting for children: one host call, waitid, behind wait4 and wait6, because it alone tells the cause in
 * parts (a status word packs a signal number, which differs) and takes all options. */
#include "bsd.h"
#include "debugger.h"
#include <linux/futex.h>

#define ALL_CHILDREN 0x40000000 /* __WALL */
#define CORE 0x80
#define WAIT_KNOWN                                                                             \
    (BSD_WNOHANG | BSD_WUNTRACED | BSD_WCONTINUED | BSD_WNOWAIT | BSD_WEXITED |  \
     BSD_WTRAPPED)
#define WAIT_EVENTS (BSD_WUNTRACED | BSD_WCONTINUED | BSD_WEXITED | BSD_WTRAPPED)

struct awaited {
    struct siginfo_host info;
    struct linux_rusage used;
};

static u32 host_options(u32 options)
{
    u32 host = 0;
    if (options & BSD_WNOHANG)
        host |= LINUX_WNOHANG;
    if (options & BSD_WUNTRACED)
        host |= LINUX_WSTOPPED;
    if (options & BSD_WCONTINUED)
        host |= LINUX_WCONTINUED;
    if (options & BSD_WNOWAIT)
        host |= LINUX_WNOWAIT;
    if (options & BSD_WEXITED)
        host |= LINUX_WEXITED;
    return host;
}

static int guest_signal(int host_signal)
{
    int signal = bsd_signal_from_host(host_signal);
    return signal != 0 ? signal : BSD_SIGKILL; /* a host program's, that the guest has no word for */
}

static u32 status_word(const struct siginfo_host *info)
{
    switch (info->code) {
    case BSD_CLD_EXITED:
        return (u32)(info->chld.status & 0xff) << 8;
    case BSD_CLD_KILLED:
        return (u32)guest_signal(info->chld.status);
    case BSD_CLD_DUMPED:
        return (u32)guest_signal(info->chld.status) | CORE;
    case BSD_CLD_CONTINUED:
        return BSD_SIGCONT;
    default: /* stopped, by a signal or a tracer */
        return (u32)guest_signal(info->chld.status) << 8 | BSD_WSTOPPED_STATUS;
    }
}

/* Nobody is debugged, so nothing comes of waiting for that alone; but there may be nobody to wait for. */
static long await_traced(u32 host_kind, s64 id, u32 wanted, struct awaited *w)
{
    u32 look = wanted | LINUX_WSTOPPED | LINUX_WNOHANG | LINUX_WNOWAIT;
    long r = host(__NR_waitid, host_kind, id, &w->info, look, &w->used);
    memset(w, 0, sizeof(*w));
    if (r != 0 || (wanted & LINUX_WNOHANG))
        return r;
    return host_intr(__NR_pause);
}

/* With debuggees, which stop without the host: whatever happens to them or to a child changes the news. */
static long await_debuggees(struct thread *t, u32 host_kind, s64 id, u32 options, u32 wanted, struct awaited *w)
{
    const struct who who = {host_kind, id};
    bool keep = wanted & LINUX_WNOWAIT;
    const u32 events = LINUX_WEXITED | LINUX_WSTOPPED | LINUX_WCONTINUED;

    for (;;) {
        const u32 *news = debugger_news(t);
        u32 seen = __atomic_load_n(news, __ATOMIC_SEQ_CST);
        long r = options & BSD_WTRAPPED ? debugger_look(&who, keep, &w->info) : 0;
        if (r > 0)
            return r;
        memset(w, 0, sizeof(*w));
        u32 look = (wanted & events ? wanted : wanted | LINUX_WSTOPPED | LINUX_WNOWAIT) | LINUX_WNOHANG;
        r = host(__NR_waitid, host_kind, id, &w->info, look, &w->used);
        if (r != 0 && !(r == -ECHILD && debugger_awaits(&who)))
            return r;
        if (r == 0 && (wanted & events) && w->info.chld.pid != 0) {
            if (!keep && w->info.code <= BSD_CLD_DUMPED)
                debugger_forget(w->info.chld.pid);
            return w->info.chld.pid;
        }
        if (wanted & LINUX_WNOHANG)
            return 0;
        r = host_intr(__NR_futex, news, FUTEX_WAIT_PRIVATE, seen, 0);
        if ((r == RESTART || r == -EINTR) && !drop_ignored_signals(t))
            return RESTART;
    }
}

/* The pid, 0 for none yet (WNOHANG), or a failure. */
static long await(struct thread *t, u32 kind, s64 id, u32 options, struct awaited *w)
{
    u32 host_kind, wanted = host_options(options);

    switch (kind) {
    case BSD_P_PID:
        host_kind = LINUX_P_PID;
        wanted |= ALL_CHILDREN;
        break;
    case BSD_P_PGID:
        host_kind = LINUX_P_PGID;
        break;
    case BSD_P_ALL:
        host_kind = LINUX_P_ALL;
        break;
    default: /* by session, user, group, jail: the host cannot choose so */
        return -EINVAL;
    }
    if ((s32)id != id)
        return -ECHILD;
    if (debugger_is_busy())
        return await_debuggees(t, host_kind, id, options, wanted, w);
    if (!(wanted & (LINUX_WEXITED | LINUX_WSTOPPED | LINUX_WCONTINUED)))
        return await_traced(host_kind, id, wanted, w);
    memset(w, 0, sizeof(*w));
    long r = host_intr(__NR_waitid, host_kind, id, &w->info, wanted, &w->used);
    return r != 0 ? r : w->info.chld.pid;
}

static long answer(const struct awaited *w, long pid, u64 status)
{
    return pid > 0 && status != 0 ? put_u32(status, status_word(&w->info)) : 0;
}

/* The host counts a dead child and what that waited for as one. */
long bsd_sys_wait4(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 pid = (s32)a[0];
    u32 options = (u32)a[2] | BSD_WEXITED | BSD_WTRAPPED;
    struct awaited w;
    long r;

    if ((u32)a[2] & ~WAIT_KNOWN)
        return -EINVAL;
    if (pid == -1)
        r = await(t, BSD_P_ALL, 0, options, &w);
    else if (pid > 0)
        r = await(t, BSD_P_PID, pid, options, &w);
    else if (pid == 0 || pid == INT32_MIN)
        r = pid == 0 ? await(t, BSD_P_PGID, 0, options, &w) : -ECHILD;
    else
        r = await(t, BSD_P_PGID, -pid, options, &w);
    if (r <= 0)
        return r;
    if (answer(&w, r, a[1]) != 0 || (a[3] != 0 && copy_out(a[3], &w.used, sizeof(w.used)) != 0))
        return -EFAULT;
    return r;
}

long bsd_sys_wait6(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 kind = (u32)a[0], options = (u32)a[3];
    struct awaited w;

    if ((options & ~WAIT_KNOWN) || !(options & WAIT_EVENTS))
        return -EINVAL;
    long r = await(t, kind, (s64)a[1], options, &w);
    if (r < 0)
        return r;
    if (answer(&w, r, a[2]) != 0)
        return -EFAULT;
    if (a[4] != 0) {
        struct bsd_wrusage used = {0};
        _Static_assert(sizeof(used.self) == sizeof(w.used), "rusage is the same on both sides");
        memcpy(&used.self, &w.used, sizeof(w.used));
        if (r > 0 && copy_out(a[4], &used, sizeof(used)) != 0)
            return -EFAULT;
    }
    if (a[5] != 0) {
        struct bsd_siginfo info;
        memset(&info, 0, sizeof(info));
        if (r > 0)
            bsd_siginfo(&info, &w.info);
        if (copy_out(a[5], &info, sizeof(info)) != 0)
            return -EFAULT;
    }
    return r;
}
