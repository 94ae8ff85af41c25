/* stat and its relatives: what an inode says of itself.  All of them ask statx, which alone knows the birth time
 * and the flags that a BSD reports. */
#include "files.h"

#define WANTED (LINUX_STATX_BASIC_STATS | LINUX_STATX_BTIME)
#define SMALLEST_BLOCK 4096 /* no BSD reports less than a page */

static void convert_time(const struct linux_statx_timestamp *from, struct bsd_timespec *to)
{
    to->sec = from->sec;
    to->nsec = from->nsec;
}

static u32 flags_of(const struct linux_statx *from)
{
    u32 flags = 0;
    if (from->attributes & LINUX_STATX_ATTR_IMMUTABLE)
        flags |= BSD_SF_IMMUTABLE;
    if (from->attributes & LINUX_STATX_ATTR_APPEND)
        flags |= BSD_SF_APPEND;
    if (from->attributes & LINUX_STATX_ATTR_NODUMP)
        flags |= BSD_UF_NODUMP;
    return flags;
}

long read_stat(int dirfd, u64 path, u64 host_flags, struct bsd_stat *st)
{
    struct linux_statx from;
    long r = host(__NR_statx, dirfd, path, host_flags, WANTED, &from);
    if (is_error(r))
        return r;
    memset(st, 0, sizeof(*st));
    st->dev = device_from_host(from.dev_major, from.dev_minor);
    st->ino = from.ino;
    st->nlink = from.nlink;
    /* A kqueue, an event counter: the host gives those no type, a BSD calls them pipes. */
    st->mode = from.mode & MODE_TYPE ? from.mode : from.mode | MODE_FIFO;
    st->uid = from.uid;
    st->gid = from.gid;
    st->rdev = device_from_host(from.rdev_major, from.rdev_minor);
    convert_time(&from.atime, &st->atim);
    convert_time(&from.mtime, &st->mtim);
    convert_time(&from.ctime, &st->ctim);
    if (from.mask & LINUX_STATX_BTIME)
        convert_time(&from.btime, &st->birthtim);
    else
        st->birthtim.sec = -1;
    st->size = (s64)from.size;
    st->blocks = (s64)from.blocks;
    st->blksize = from.blksize > SMALLEST_BLOCK ? (s32)from.blksize : SMALLEST_BLOCK;
    st->flags = flags_of(&from);
    return 0;
}

long stat_descriptor(struct thread *t, u64 fd, struct bsd_stat *st)
{
    if (fd_is_reserved(t, (s32)fd) || (s32)fd < 0)
        return -EBADF;
    long r = read_stat((s32)fd, (u64) "", LINUX_AT_EMPTY_PATH, st);
    s32 waiting = 0;
    /* A pipe's size is what it holds. */
    if (!is_error(r) && (st->mode & MODE_TYPE) == MODE_FIFO &&
        !is_error(host(__NR_ioctl, (s32)fd, LINUX_FIONREAD, &waiting)))
        st->size = waiting;
    return r;
}

long stat_at(struct thread *t, u64 fd, u64 path, u64 flags, struct bsd_stat *st)
{
    struct place at;
    u64 allowed = BSD_AT_SYMLINK_NOFOLLOW | BSD_AT_RESOLVE_BENEATH | BSD_AT_EMPTY_PATH;
    long r = place_find(t, fd, path, flags, allowed, &at);
    if (is_error(r))
        return r;
    r = bsd_hides(path) ? own_process_stat(t, path, at.flags, st) : read_stat(at.fd, at.path, at.flags, st);
    place_end(&at);
    return r;
}

static long give(long r, const struct bsd_stat *st, u64 to)
{
    return is_error(r) ? r : copy_out(to, st, sizeof(*st));
}

long bsd_sys_fstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_stat st;
    return give(stat_descriptor(t, a[0], &st), &st, a[1]);
}

long bsd_sys_fstatat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_stat st;
    return give(stat_at(t, a[0], a[1], a[3], &st), &st, a[2]);
}
