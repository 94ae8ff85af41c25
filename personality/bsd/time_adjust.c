/* Steering the clock: adjtime and the ntp calls, all of which are adjtimex on the host.  The modes and status
 * bits have the same values there; TIME_* states too. */
#include "bsd.h"

#define SINGLE_SHOT LINUX_ADJ_OFFSET_SINGLESHOT
#define SINGLE_SHOT_READ LINUX_ADJ_OFFSET_SS_READ
#define MODES_SERVED                                                                                     \
    (BSD_MOD_OFFSET | BSD_MOD_FREQUENCY | BSD_MOD_MAXERROR | BSD_MOD_ESTERROR |              \
     BSD_MOD_STATUS | BSD_MOD_TIMECONST | BSD_MOD_TAI | BSD_MOD_MICRO | BSD_MOD_NANO)

_Static_assert(BSD_MOD_TIMECONST == LINUX_ADJ_TIMECONST && BSD_MOD_TAI == LINUX_ADJ_TAI &&
                   BSD_MOD_NANO == LINUX_ADJ_NANO,
               "modes are passed on as they are");

long bsd_sys_adjtime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_timex host = {.modes = SINGLE_SHOT_READ};
    struct bsd_timeval delta, rest;

    if (a[0] != 0) {
        if (copy_in(&delta, a[0], sizeof(delta)) != 0)
            return -EFAULT;
        host.modes = SINGLE_SHOT;
        host.offset = delta.sec * 1000000 + delta.usec;
    }
    long r = host_call6(__NR_adjtimex, (u64)&host, 0, 0, 0, 0, 0);
    if (r < 0)
        return r;
    if (a[1] == 0)
        return 0;
    rest.sec = host.offset / 1000000;
    rest.usec = host.offset % 1000000;
    return copy_out(a[1], &rest, sizeof(rest));
}

long bsd_sys_ntp_adjtime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_timex wanted;
    struct linux_timex host;

    if (copy_in(&wanted, a[0], sizeof(wanted)) != 0)
        return -EFAULT;
    if (wanted.modes & ~MODES_SERVED)
        return -EINVAL;
    memset(&host, 0, sizeof(host));
    host.modes = wanted.modes;
    host.offset = wanted.offset;
    host.freq = wanted.freq;
    host.maxerror = wanted.maxerror;
    host.esterror = wanted.esterror;
    host.status = wanted.status;
    host.constant = wanted.constant;
    long state = host_call6(__NR_adjtimex, (u64)&host, 0, 0, 0, 0, 0);
    if (state < 0)
        return state;
    struct bsd_timex now = {
        .modes = wanted.modes, .offset = host.offset, .freq = host.freq, .maxerror = host.maxerror,
        .esterror = host.esterror, .status = host.status, .constant = host.constant,
        .precision = host.precision, .tolerance = host.tolerance, .ppsfreq = host.ppsfreq,
        .jitter = host.jitter, .shift = host.shift, .stabil = host.stabil, .jitcnt = host.jitcnt,
        .calcnt = host.calcnt, .errcnt = host.errcnt, .stbcnt = host.stbcnt,
    };
    return copy_out(a[0], &now, sizeof(now)) != 0 ? -EFAULT : state;
}

long bsd_sys_ntp_gettime(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct linux_timex host;

    memset(&host, 0, sizeof(host));
    long state = host_call6(__NR_adjtimex, (u64)&host, 0, 0, 0, 0, 0);
    if (state < 0)
        return state;
    bool fine = host.status & BSD_STA_NANO;
    struct bsd_ntptimeval now = {
        .time = {host.time.sec, fine ? host.time.usec : host.time.usec * 1000},
        .maxerror = host.maxerror, .esterror = host.esterror, .tai = host.tai, .time_state = (s32)state,
    };
    return copy_out(a[0], &now, sizeof(now)) != 0 ? -EFAULT : state;
}
