/* stat in the forms of releases before 12, and NetBSD's.  An inode number or a link count that they have no room for
 * is cut short, as the guest's kernel does unless told otherwise. */
#include "files.h"

static void to_freebsd11(const struct freebsd_stat *from, struct freebsd_freebsd11_stat *to)
{
    memset(to, 0, sizeof(*to));
    to->dev = (u32)from->dev;
    to->ino = (u32)from->ino;
    to->mode = from->mode;
    to->nlink = from->nlink > 0xffff ? 0xffff : (u16)from->nlink;
    to->uid = from->uid;
    to->gid = from->gid;
    to->rdev = (u32)from->rdev;
    to->atim = from->atim;
    to->mtim = from->mtim;
    to->ctim = from->ctim;
    to->birthtim = from->birthtim;
    to->size = from->size;
    to->blocks = from->blocks;
    to->blksize = from->blksize;
    to->flags = from->flags;
    to->gen = (u32)from->gen;
}

static void to_nstat(const struct freebsd_stat *from, struct freebsd_nstat *to)
{
    memset(to, 0, sizeof(*to));
    to->dev = (u32)from->dev;
    to->ino = (u32)from->ino;
    to->mode = from->mode;
    to->nlink = (u32)from->nlink;
    to->uid = from->uid;
    to->gid = from->gid;
    to->rdev = (u32)from->rdev;
    to->atim = from->atim;
    to->mtim = from->mtim;
    to->ctim = from->ctim;
    to->birthtim = from->birthtim;
    to->size = from->size;
    to->blocks = from->blocks;
    to->blksize = from->blksize;
    to->flags = from->flags;
    to->gen = (u32)from->gen;
}

static long give_freebsd11(long r, const struct freebsd_stat *st, u64 to)
{
    struct freebsd_freebsd11_stat old;
    if (is_error(r))
        return r;
    to_freebsd11(st, &old);
    return copy_out(to, &old, sizeof(old));
}

static long give_nstat(long r, const struct freebsd_stat *st, u64 to)
{
    struct freebsd_nstat old;
    if (is_error(r))
        return r;
    to_nstat(st, &old);
    return copy_out(to, &old, sizeof(old));
}

#define HERE ((u64)(s64)FREEBSD_AT_FDCWD)

long freebsd_sys_freebsd11_stat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_freebsd11(stat_at(t, HERE, a[0], 0, &st), &st, a[1]);
}

long freebsd_sys_freebsd11_lstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_freebsd11(stat_at(t, HERE, a[0], FREEBSD_AT_SYMLINK_NOFOLLOW, &st), &st, a[1]);
}

long freebsd_sys_freebsd11_fstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_freebsd11(stat_descriptor(t, a[0], &st), &st, a[1]);
}

long freebsd_sys_freebsd11_fstatat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_freebsd11(stat_at(t, a[0], a[1], a[3], &st), &st, a[2]);
}

long freebsd_sys_freebsd11_nstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_nstat(stat_at(t, HERE, a[0], 0, &st), &st, a[1]);
}

long freebsd_sys_freebsd11_nlstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_nstat(stat_at(t, HERE, a[0], FREEBSD_AT_SYMLINK_NOFOLLOW, &st), &st, a[1]);
}

long freebsd_sys_freebsd11_nfstat(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct freebsd_stat st;
    return give_nstat(stat_descriptor(t, a[0], &st), &st, a[1]);
}
