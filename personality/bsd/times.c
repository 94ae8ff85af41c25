/* Setting a file's times: the utimes family.  FreeBSD's words for "now" and "leave it" are -1 and -2 in
 * the nanoseconds, the host's are two large numbers. */
#include "files.h"

#define HERE ((u64)(s64)BSD_AT_FDCWD)
#define MICROSECONDS 1000000

static bool convert_nanoseconds(s64 from, s64 *to)
{
    if (from == BSD_UTIME_NOW)
        *to = LINUX_UTIME_NOW;
    else if (from == BSD_UTIME_OMIT)
        *to = LINUX_UTIME_OMIT;
    else if (from >= 0 && from < 1000 * MICROSECONDS)
        *to = from;
    else
        return false;
    return true;
}

/* Two struct timespec of the guest; 0: now, for both. */
static long nanosecond_times(u64 address, struct linux_timespec to[2])
{
    struct bsd_timespec from[2];
    if (copy_in(from, address, sizeof(from)) != 0)
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        to[i].sec = from[i].sec;
        if (!convert_nanoseconds(from[i].nsec, &to[i].nsec))
            return -EINVAL;
    }
    return 0;
}

static long microsecond_times(u64 address, struct linux_timespec to[2])
{
    struct bsd_timeval from[2];
    if (copy_in(from, address, sizeof(from)) != 0)
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (from[i].usec < 0 || from[i].usec >= MICROSECONDS)
            return -EINVAL;
        to[i].sec = from[i].sec;
        to[i].nsec = from[i].usec * 1000;
    }
    return 0;
}

/* The host tells who watches a file that it was written to when only its time of modification is set, which a BSD
 * kernel calls a change of attributes: so the time of the last access is set as well, to what it is. */
static void keep_access_time(int fd, u64 path, u64 flags, struct linux_timespec times[2])
{
    struct linux_stat now;
    if (times[0].nsec != LINUX_UTIME_OMIT || times[1].nsec == LINUX_UTIME_OMIT)
        return;
    if (is_error(path ? host(__NR_newfstatat, fd, path, &now, flags) : host(__NR_fstat, fd, &now)))
        return;
    times[0].sec = (s64)now.atim.sec;
    times[0].nsec = (s64)now.atim.nsec;
}

typedef long (*times_reader)(u64 address, struct linux_timespec to[2]);

static long set_times(struct thread *t, u64 fd, u64 path, u64 flags, u64 address, times_reader read)
{
    u64 allowed = BSD_AT_SYMLINK_NOFOLLOW | BSD_AT_RESOLVE_BENEATH | BSD_AT_EMPTY_PATH;
    struct linux_timespec times[2];
    struct place at;
    long r = address ? read(address, times) : 0;
    if (!is_error(r))
        r = place_find(t, fd, path, flags, allowed, &at);
    if (is_error(r))
        return r;
    if (address && at.path)
        keep_access_time(at.fd, at.path, at.flags, times);
    /* Without a path the host would set the descriptor's own file. */
    r = at.path == 0 ? -EFAULT : host(__NR_utimensat, at.fd, at.path, address ? times : NULL, at.flags);
    place_end(&at);
    return r;
}

static long set_descriptor_times(struct thread *t, u64 fd, u64 address, times_reader read)
{
    struct linux_timespec times[2];
    if (fd_is_reserved(t, (s32)fd) || (s32)fd < 0)
        return -EBADF;
    long r = address ? read(address, times) : 0;
    if (is_error(r))
        return r;
    if (address)
        keep_access_time((s32)fd, 0, 0, times);
    return host(__NR_utimensat, (s32)fd, 0, address ? times : NULL, 0);
}

long bsd_sys_utimes(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_times(t, HERE, a[0], 0, a[1], microsecond_times);
}

long bsd_sys_lutimes(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_times(t, HERE, a[0], BSD_AT_SYMLINK_NOFOLLOW, a[1], microsecond_times);
}

long bsd_sys_futimesat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_times(t, a[0], a[1], 0, a[2], microsecond_times);
}

long bsd_sys_futimes(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_descriptor_times(t, a[0], a[1], microsecond_times);
}

long bsd_sys_futimens(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_descriptor_times(t, a[0], a[1], nanosecond_times);
}

long bsd_sys_utimensat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return set_times(t, a[0], a[1], a[3], a[2], nanosecond_times);
}
