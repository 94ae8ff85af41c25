/* stat as releases before 5 and before 3 had it: times of 32 bits, and inode numbers of as many before 3. */
#include "files.h"
#include "netbsd.h"

static struct netbsd_timespec50 old_time(const struct netbsd_timespec *from)
{
    return (struct netbsd_timespec50){.sec = (s32)from->sec, .nsec = from->nsec};
}

/* What both forms have, under the same names. */
#define FILL_OLD(to, from)                                                                                 \
    do {                                                                                                   \
        memset(to, 0, sizeof(*(to)));                                                                      \
        (to)->dev = (u32)(from)->dev;                                                                      \
        (to)->mode = (from)->mode;                                                                         \
        (to)->nlink = (from)->nlink;                                                                       \
        (to)->uid = (from)->uid;                                                                           \
        (to)->gid = (from)->gid;                                                                           \
        (to)->rdev = (u32)(from)->rdev;                                                                    \
        (to)->atim = old_time(&(from)->atim);                                                              \
        (to)->mtim = old_time(&(from)->mtim);                                                              \
        (to)->ctim = old_time(&(from)->ctim);                                                              \
        (to)->birthtim = old_time(&(from)->birthtim);                                                      \
        (to)->size = (from)->size;                                                                         \
        (to)->blocks = (from)->blocks;                                                                     \
        (to)->blksize = (u32)(from)->blksize;                                                              \
        (to)->flags = (from)->flags;                                                                       \
        (to)->gen = (from)->gen;                                                                           \
    } while (0)

static long give_30(long r, const struct netbsd_stat *st, u64 to)
{
    struct netbsd_stat30 old;
    if (is_error(r))
        return r;
    FILL_OLD(&old, st);
    old.ino = st->ino;
    return copy_out(to, &old, sizeof(old));
}

static long give_13(long r, const struct netbsd_stat *st, u64 to)
{
    struct netbsd_stat13 old;
    if (is_error(r))
        return r;
    FILL_OLD(&old, st);
    old.ino = (u32)st->ino;
    return copy_out(to, &old, sizeof(old));
}

#define HERE ((u64)(s64)NETBSD_AT_FDCWD)
#define OLD_STATS(number)                                                                                  \
    long netbsd_sys_stat##number(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])     \
    {                                                                                                      \
        struct netbsd_stat st;                                                                             \
        return give_##number(stat_at(t, HERE, a[0], 0, &st), &st, a[1]);                                   \
    }                                                                                                      \
    long netbsd_sys_lstat##number(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])    \
    {                                                                                                      \
        struct netbsd_stat st;                                                                             \
        return give_##number(stat_at(t, HERE, a[0], NETBSD_AT_SYMLINK_NOFOLLOW, &st), &st, a[1]);          \
    }                                                                                                      \
    long netbsd_sys_fstat##number(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])    \
    {                                                                                                      \
        struct netbsd_stat st;                                                                             \
        return give_##number(stat_descriptor(t, a[0], &st), &st, a[1]);                                    \
    }

OLD_STATS(30)
OLD_STATS(13)
