/* Clocks and sleeping.  The host's vDSO reads real and monotonic time without a call. */
#include "clocks.h"
#include "bsd.h"
#include <linux/resource.h>

long bsd_clock_to_host(s32 clock)
{
    switch (clock) {
    case BSD_CLOCK_REALTIME:
        return LINUX_CLOCK_REALTIME;
    case BSD_CLOCK_MONOTONIC:
        return LINUX_CLOCK_MONOTONIC;
    case BSD_CLOCK_THREAD_CPUTIME_ID:
        return LINUX_CLOCK_THREAD_CPUTIME_ID;
    case BSD_CLOCK_PROCESS_CPUTIME_ID:
        return LINUX_CLOCK_PROCESS_CPUTIME_ID;
    default:
        return own_clock_to_host(clock);
    }
}

/* include/linux/posix-timers.h of the host: the id's complement above three bits, of which 2 says
 * "scheduled time" and 4 "of a thread". */
static s32 host_cpu_clock(u32 id, bool process) { return (s32)(~id << 3 | (process ? 2 : 6)); }

static long cpu_used(bool with_system, struct timespec_host *now)
{
    struct linux_rusage used;
    long r = host(__NR_getrusage, RUSAGE_SELF, &used);
    if (r != 0)
        return r;
    now->sec = used.utime.sec + (with_system ? used.stime.sec : 0);
    now->nsec = (used.utime.usec + (with_system ? used.stime.usec : 0)) * 1000;
    if (now->nsec >= 1000000000) {
        now->nsec -= 1000000000;
        now->sec++;
    }
    return 0;
}

long bsd_clock_read(struct thread *t UNUSED, s32 clock, struct timespec_host *now)
{
    if (clock == BSD_CLOCK_VIRTUAL || clock == BSD_CLOCK_PROF)
        return cpu_used(clock == BSD_CLOCK_PROF, now);
    u32 id;
    bool process;
    if (cpu_clock_parts(clock, &id, &process))
        return host(__NR_clock_gettime, host_cpu_clock(id, process), now);
    long host_clock = bsd_clock_to_host(clock);
    if (host_clock < 0)
        return host_clock;
    if (host_clock == LINUX_CLOCK_THREAD_CPUTIME_ID || host_clock == LINUX_CLOCK_PROCESS_CPUTIME_ID)
        return host(__NR_clock_gettime, host_clock, now);
    long r = clock_read((int)host_clock, now);
    if (clock_counts_seconds(clock))
        now->nsec = 0;
    return r;
}

long bsd_sys_clock_gettime(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct timespec_host now;
    long r = bsd_clock_read(t, (s32)a[0], &now);
    return r != 0 ? r : copy_out(a[1], &now, sizeof(now));
}

long bsd_sys_gettimeofday(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct timespec_host now;
    const struct bsd_timezone utc = {0};

    if (a[0] != 0) {
        clock_read(LINUX_CLOCK_REALTIME, &now);
        struct bsd_timeval tv = {.sec = now.sec, .usec = (typeof(tv.usec))(now.nsec / 1000)};
        if (copy_out(a[0], &tv, sizeof(tv)) != 0)
            return -EFAULT;
    }
    return a[1] != 0 ? copy_out(a[1], &utc, sizeof(utc)) : 0;
}

long bsd_sys_clock_getres(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_timespec resolution = {0, 1};
    struct timespec_host now;

    long r = bsd_clock_read(t, (s32)a[0], &now);
    if (r != 0)
        return r;
    if (clock_counts_seconds((s32)a[0]))
        resolution = (struct bsd_timespec){1, 0};
    else if ((s32)a[0] == BSD_CLOCK_VIRTUAL || (s32)a[0] == BSD_CLOCK_PROF)
        resolution.nsec = 1000; /* what getrusage counts in */
    return a[1] != 0 ? copy_out(a[1], &resolution, sizeof(resolution)) : 0;
}

long bsd_sys_clock_settime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_timespec ts;

    if (copy_in(&ts, a[1], sizeof(ts)) != 0)
        return -EFAULT;
    if ((s32)a[0] != BSD_CLOCK_REALTIME || !valid_timespec(&ts))
        return -EINVAL;
    return host(__NR_clock_settime, LINUX_CLOCK_REALTIME, &ts);
}

/* a: an id, what it is the id of, where the clock's number goes. */
long bsd_sys_clock_getcpuclockid2(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 id = (s32)a[0], kind = (s32)a[1];
    struct timespec_host now;

    if ((s64)a[0] != id || id < 0)
        return -ESRCH;
    if (kind != WAY_CLOCK_OF_PROCESS && kind != WAY_CLOCK_OF_THREAD)
        return -EINVAL;
    if (id == 0)
        id = kind == WAY_CLOCK_OF_PROCESS ? t->process->pid : t->tid;
    s32 clock = cpu_clock_of((u32)id, kind == WAY_CLOCK_OF_PROCESS);
    if (bsd_clock_read(t, clock, &now) != 0)
        return -ESRCH;
    return put_u32(a[2], (u32)clock);
}

/* ---- sleeping ------------------------------------------------------------------------------------- */

/* A sleep is never taken up again: whatever was installed, the guest gets EINTR and the rest. */
static long sleep_on(s32 host_clock, bool absolute, u64 wanted, u64 rest)
{
    struct bsd_timespec ts, left;

    if (copy_in(&ts, wanted, sizeof(ts)) != 0)
        return -EFAULT;
    if (ts.nsec < 0 || ts.nsec >= 1000000000)
        return -EINVAL;
    if (ts.sec < 0)
        return WAY_NEGATIVE_SLEEP(absolute); /* where the host says EINVAL always */
    left = ts;
    long r = host_intr(__NR_clock_nanosleep, host_clock, absolute ? LINUX_TIMER_ABSTIME : 0, &ts, &left);
    if (r == 0 && WAY_SLEEP_TELLS_END && !absolute && rest != 0) {
        const struct bsd_timespec none = {0};
        return copy_out(rest, &none, sizeof(none));
    }
    if (r != RESTART && r != -EINTR)
        return r;
    if (left.sec > ts.sec || (left.sec == ts.sec && left.nsec > ts.nsec))
        left = ts; /* the host's rest includes the slack of its timers */
    if (!absolute && rest != 0 && copy_out(rest, &left, sizeof(left)) != 0)
        return -EFAULT;
    return -EINTR;
}

long bsd_sys_nanosleep(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return sleep_on(LINUX_CLOCK_MONOTONIC, false, a[0], a[1]);
}

static long nanosleep_on(s32 clock, u32 flags, u64 wanted, u64 rest)
{
    if (flags & ~BSD_TIMER_ABSTIME)
        return -EINVAL;
    if (clock == BSD_CLOCK_VIRTUAL || clock == BSD_CLOCK_PROF ||
        clock == BSD_CLOCK_PROCESS_CPUTIME_ID)
        return -EOPNOTSUPP;
    long host_clock = bsd_clock_to_host(clock);
    if (host_clock < 0 || clock == BSD_CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    bool absolute = flags & BSD_TIMER_ABSTIME;
    return sleep_on(absolute ? (s32)host_clock : LINUX_CLOCK_MONOTONIC, absolute, wanted, rest);
}

/* The one call here that returns its error as its result. */
long bsd_sys_clock_nanosleep(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    long r = nanosleep_on((s32)a[0], (u32)a[1], a[2], a[3]);
    return r == 0 ? 0 : bsd_errno_from_host((int)-r);
}
