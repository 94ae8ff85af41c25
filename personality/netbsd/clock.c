/* Setting the day: of no time there is nothing to do, and what is no time is said before who may set one. */
#include "netbsd.h"

long netbsd_sys_settimeofday(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct netbsd_timeval day;

    if (a[0] == 0)
        return 0;
    if (copy_in(&day, a[0], sizeof(day)) != 0)
        return -EFAULT;
    if (day.usec < 0 || day.usec >= 1000000)
        return -EINVAL;
    const struct netbsd_timespec ts = {.sec = day.sec, .nsec = day.usec * 1000L};
    return host(__NR_clock_settime, 0 /* CLOCK_REALTIME */, &ts);
}
