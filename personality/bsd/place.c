/* Finding a file the way FreeBSD's *at calls name it.
 *
 * Most of it is the host's own name lookup.  What the host lacks in those calls is AT_RESOLVE_BENEATH, so
 * the file, or for calls that change a directory the directory, is first opened by openat2 and then
 * named by that descriptor. */
#include "files.h"

#define BENEATH_TRIES 16 /* openat2 says EAGAIN while somebody renames directories under it */

long open_beneath(int dirfd, u64 path, u64 host_flags, u64 mode)
{
    struct linux_open_how how = {.flags = host_flags, .resolve = LINUX_RESOLVE_BENEATH};
    if (host_flags & LINUX_O_CREAT)
        how.mode = mode;
    long r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < BENEATH_TRIES; tries++)
        r = host_intr(__NR_openat2, dirfd, path, &how, sizeof(how));
    return r == -EXDEV ? GUEST_ERRNO(BSD_ENOTCAPABLE) : r;
}

static long check(struct thread *t, u64 fd, u64 flags, u64 allowed, struct place *at)
{
    if ((flags & ~allowed) != 0)
        return -EINVAL;
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    if (!bsd_at_flags_to_host(flags & ~(u64)BSD_AT_RESOLVE_BENEATH, &at->flags))
        return -EINVAL;
    at->fd = (s32)fd;
    at->opened = -1;
    return 0;
}

long place_find(struct thread *t, u64 fd, u64 path, u64 flags, u64 allowed, struct place *at)
{
    long r = check(t, fd, flags, allowed, at);
    at->path = path;
    if (is_error(r) || !(flags & BSD_AT_RESOLVE_BENEATH))
        return r;
    u64 follow = at->flags & LINUX_AT_SYMLINK_NOFOLLOW ? LINUX_O_NOFOLLOW : 0;
    r = open_beneath(at->fd, path, LINUX_O_PATH | LINUX_O_CLOEXEC | follow, 0);
    if (is_error(r))
        return r;
    at->fd = at->opened = (int)r;
    at->path = (u64) "";
    at->flags |= LINUX_AT_EMPTY_PATH;
    return 0;
}

long last_component(char *path, long *length)
{
    while (*length > 1 && path[*length - 1] == '/')
        path[--*length] = 0;
    long start = *length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return start;
}

long place_find_entry(struct thread *t, u64 fd, u64 path, u64 flags, u64 allowed, char name[256],
                      struct place *at)
{
    char whole[1024];
    long r = check(t, fd, flags, allowed, at);
    at->path = path;
    if (is_error(r) || !(flags & BSD_AT_RESOLVE_BENEATH))
        return r;
    long length = copy_in_string(whole, path, sizeof(whole));
    if (length < 0)
        return length;
    long start = last_component(whole, &length);
    if (length - start > 255)
        return -ENAMETOOLONG;
    memcpy(name, whole + start, (size_t)(length - start) + 1);
    whole[start] = 0;
    const char *directory = start == 0 ? "." : whole;
    /* ".." as the last name would step out of a directory that is itself inside. */
    if (strcmp(name, "..") == 0)
        return GUEST_ERRNO(BSD_ENOTCAPABLE);
    r = open_beneath(at->fd, (u64)directory, LINUX_O_PATH | LINUX_O_CLOEXEC | LINUX_O_DIRECTORY, 0);
    if (is_error(r))
        return r;
    at->fd = at->opened = (int)r;
    at->path = (u64)name;
    return 0;
}

void place_end(struct place *at)
{
    if (at->opened >= 0)
        host(__NR_close, at->opened);
    at->opened = -1;
}

static u32 type_of(int dirfd, u64 path, u64 flags)
{
    struct linux_statx status;
    if (is_error(host(__NR_statx, dirfd, path, flags, LINUX_STATX_BASIC_STATS, &status)))
        return 0;
    return status.mode & MODE_TYPE;
}

u32 file_type(int dirfd, u64 path)
{
    return type_of(dirfd, path, LINUX_AT_SYMLINK_NOFOLLOW);
}

u32 descriptor_type(int fd)
{
    return type_of(fd, (u64) "", LINUX_AT_EMPTY_PATH);
}

void descriptor_path(char to[DESCRIPTOR_PATH], int fd)
{
    format(to, DESCRIPTOR_PATH, "/proc/self/fd/%d", fd);
}

long descriptor_target(int fd, char *to, size_t room)
{
    char link[DESCRIPTOR_PATH];
    descriptor_path(link, fd);
    long length = host(__NR_readlinkat, LINUX_AT_FDCWD, link, to, room - 1);
    if (!is_error(length))
        to[length] = 0;
    return length;
}
