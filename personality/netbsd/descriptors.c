/* Descriptors in ways of NetBSD's own: copies with flags, commands of fcntl, event queues, and writing to the disk. */
#include "files.h"
#include "kqueue.h"
#include "netbsd.h"
#include "socket.h"

#define PATH_ROOM 1024 /* MAXPATHLEN: what F_GETPATH's buffer has */

/* Before NetBSD 11 a copy onto itself was no error. */
long netbsd_sys_dup3(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u64 flags;

    if (((u32)a[2] & ~(u32)(NETBSD_O_CLOEXEC | NETBSD_O_NONBLOCK)) || !netbsd_open_flags_to_host((u32)a[2], &flags))
        return -EINVAL;
    if ((s32)a[0] == (s32)a[1])
        return duplicate_onto(t, (s32)a[0], (s32)a[1], 0);
    long r = duplicate_onto(t, (s32)a[0], (s32)a[1], flags & LINUX_O_CLOEXEC);
    if (!is_error(r) && (flags & LINUX_O_NONBLOCK)) {
        long now = host(__NR_fcntl, r, LINUX_F_GETFL, 0);
        host(__NR_fcntl, r, LINUX_F_SETFL, now | LINUX_O_NONBLOCK);
    }
    return r;
}

long netbsd_sys___dup3100(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    return (s32)a[0] == (s32)a[1] ? -EINVAL : netbsd_sys_dup3(t, f, a);
}

long netbsd_sys_kqueue1(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return kqueue_create(t, ((u32)a[0] & NETBSD_O_CLOEXEC) != 0);
}

/* ---- fcntl ---------------------------------------------------------------------------------------------- */

static void keep_highest(struct thread *t UNUSED, int fd, void *highest)
{
    s32 *so_far = highest;
    if (fd > *so_far)
        *so_far = fd;
}

static long highest_descriptor(struct thread *t)
{
    s32 highest = -1;
    each_descriptor(t, 0, INT32_MAX, keep_highest, &highest);
    return highest;
}

static long close_from(struct thread *t, int low)
{
    return low < 0 ? -EBADF : close_between(t, (u32)low, ~0U);
}

static long give_path(int fd, u64 to)
{
    char path[PATH_ROOM];
    long length = descriptor_target(fd, path, sizeof(path));

    if (is_error(length))
        return length == -ENOENT ? -EBADF : length;
    return path[0] != '/' ? -EINVAL : copy_out(to, path, (size_t)length + 1);
}

/* For sockets: a pipe's end has no such word with the host. */
static long no_sigpipe(int fd, bool change, u32 value)
{
    u32 now = value, size = sizeof(now);
    long r = change ? host(__NR_setsockopt, fd, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE, &now, size)
                    : host(__NR_getsockopt, fd, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE, &now, &size);
    if (r == -ENOTSOCK)
        return change && value != 0 ? -EINVAL : 0;
    return is_error(r) || change ? r : (long)now;
}

long bsd_own_fcntl(struct thread *t, int fd, u32 command, u64 argument)
{
    switch (command) {
    case NETBSD_F_CLOSEM:
        return close_from(t, fd);
    case NETBSD_F_MAXFD:
        return highest_descriptor(t);
    case NETBSD_F_GETPATH:
        return give_path(fd, argument);
    case NETBSD_F_GETNOSIGPIPE:
        return no_sigpipe(fd, false, 0);
    case NETBSD_F_SETNOSIGPIPE:
        return no_sigpipe(fd, true, (u32)argument != 0);
    default: /* those that close in the child of a fork too: a kernel that is older than they are knows none */
        return -EINVAL;
    }
}

/* ---- to the disk, and back ------------------------------------------------------------------------------- */

/* 0, or -EBADF: not open for writing. */
static long writable(struct thread *t, int fd)
{
    long flags = fd_is_reserved(t, fd) ? -EBADF : host(__NR_fcntl, fd, LINUX_F_GETFL, 0);
    if (is_error(flags))
        return flags;
    return (flags & LINUX_O_ACCMODE) == LINUX_O_RDONLY ? -EBADF : 0;
}

/* Whole files: the host can write a range out, and promises nothing by it. */
long netbsd_sys_fsync_range(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 which = NETBSD_FDATASYNC | NETBSD_FFILESYNC;
    u32 flags = (u32)a[1];
    s64 start = (s64)a[2], length = (s64)a[3], end;
    long r = writable(t, (s32)a[0]);

    if (r != 0)
        return r;
    if ((flags & which) == 0 || (flags & which) == which)
        return -EINVAL;
    if (length != 0 && (start < 0 || length < 0 || __builtin_add_overflow(start, length, &end)))
        return -EINVAL;
    return host_intr(flags & NETBSD_FDATASYNC ? __NR_fdatasync : __NR_fsync, (s32)a[0]);
}

/* A range that reads as zeros afterwards, and needs no space. */
long netbsd_sys_fdiscard(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    s64 start = (s64)a[1], length = (s64)a[2], end;

    if (start < 0 || length < 0 || __builtin_add_overflow(start, length, &end))
        return -EINVAL;
    long r = writable(t, (s32)a[0]);
    if (r != 0 || length == 0)
        return r;
    return host_intr(__NR_fallocate, (s32)a[0], LINUX_FALLOC_FL_PUNCH_HOLE | LINUX_FALLOC_FL_KEEP_SIZE, start,
                     length);
}

/* The number of a call that once gave advice and is accepted still. */
long netbsd_sys_ignored(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS] UNUSED)
{
    return 0;
}
