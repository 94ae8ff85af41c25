/* Ranges of descriptors, and event counters. */
#include "files.h"

long freebsd_sys_close_range(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 low = (u32)a[0], high = (u32)a[1];
    u64 flags;
    if (!freebsd_close_range_flags_to_host((u32)a[2], &flags) || high < low)
        return -EINVAL;
    return flags ? close_around_reserved(t, low, high, flags) : close_between(t, low, high);
}

long freebsd_sys_freebsd12_closefrom(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s32 low = (s32)a[0];
    return close_between(t, low < 0 ? 0 : (u32)low, ~0U);
}

long freebsd_sys___specialfd(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_specialfd_eventfd wanted;
    if ((u32)a[0] != FREEBSD_SPECIALFD_EVENTFD)
        return -EINVAL;
    if (a[2] != sizeof(wanted))
        return -EINVAL;
    if (copy_in(&wanted, a[1], sizeof(wanted)) != 0)
        return -EFAULT;
    u64 flags;
    if (!freebsd_eventfd_flags_to_host((u32)wanted.flags, &flags))
        return -EINVAL;
    return host(__NR_eventfd2, wanted.initval, flags);
}
