/* statfs, fstatfs, getfsstat: file systems with their mount points, in the form of this release, of the
 * releases from 5 to 11, and of FreeBSD 4. */
#include "files.h"

/* What the mount table and the host's statfs say of one file system. */
static void describe(const struct mount_entry *entry, const struct linux_statfs *from, struct freebsd_statfs *to)
{
    const char *name;
    u64 more;

    memset(to, 0, sizeof(*to));
    to->version = FREEBSD_STATFS_VERSION;
    to->type = file_system_type(entry->type, &name, &more);
    to->flags = mount_flags_of((u64)from->flags, entry->point) | more;
    to->bsize = (u64)(from->frsize ? from->frsize : from->bsize);
    to->iosize = (u64)from->bsize;
    to->blocks = (u64)from->blocks;
    to->bfree = (u64)from->bfree;
    to->bavail = from->bavail;
    to->files = (u64)from->files;
    to->ffree = from->ffree;
    to->namemax = (u32)from->namelen;
    to->fsid.val[0] = from->fsid[0];
    to->fsid.val[1] = from->fsid[1];
    copy_text(to->fstypename, sizeof(to->fstypename), name);
    copy_text(to->mntfromname, sizeof(to->mntfromname), entry->source);
    copy_text(to->mntonname, sizeof(to->mntonname), entry->point);
}

static long give_now(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct freebsd_statfs now;
    describe(entry, numbers, &now);
    return copy_out(address, &now, sizeof(now));
}

static void shorten(u8 *to, const u8 *from, size_t room)
{
    memcpy(to, from, room - 1);
}

static long give_11(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct freebsd_statfs now;
    struct freebsd_freebsd11_statfs to;
    describe(entry, numbers, &now);
    memset(&to, 0, sizeof(to));
    to.version = FREEBSD_FREEBSD11_STATFS_VERSION;
    to.type = now.type;
    to.flags = now.flags;
    to.bsize = now.bsize;
    to.iosize = now.iosize;
    to.blocks = now.blocks;
    to.bfree = now.bfree;
    to.bavail = now.bavail;
    to.files = now.files;
    to.ffree = now.ffree;
    to.namemax = now.namemax;
    to.owner = now.owner;
    to.fsid = now.fsid;
    shorten(to.fstypename, now.fstypename, sizeof(to.fstypename));
    shorten(to.mntfromname, now.mntfromname, sizeof(to.mntfromname));
    shorten(to.mntonname, now.mntonname, sizeof(to.mntonname));
    return copy_out(address, &to, sizeof(to));
}

static long give_4(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct freebsd_statfs now;
    struct freebsd_ostatfs to;
    describe(entry, numbers, &now);
    memset(&to, 0, sizeof(to));
    to.bsize = (s64)now.bsize;
    to.iosize = (s64)now.iosize;
    to.blocks = (s64)now.blocks;
    to.bfree = (s64)now.bfree;
    to.bavail = now.bavail;
    to.files = (s64)now.files;
    to.ffree = now.ffree;
    to.fsid = now.fsid;
    to.owner = now.owner;
    to.type = (s32)now.type;
    to.flags = (s32)now.flags;
    shorten(to.fstypename, now.fstypename, sizeof(to.fstypename));
    shorten(to.mntonname, now.mntonname, sizeof(to.mntonname));
    shorten(to.mntfromname, now.mntfromname, sizeof(to.mntfromname));
    return copy_out(address, &to, sizeof(to));
}

static long all_of_them(const u64 a[MAX_ARGUMENTS], u64 size, mount_receiver give)
{
    u32 mode = (u32)a[2];
    if ((s64)a[1] < 0 || (mode != FREEBSD_MNT_WAIT && mode != FREEBSD_MNT_NOWAIT))
        return -EINVAL;
    return all_mounts(a[0], a[1], size, give);
}

long freebsd_sys_statfs(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_path(a[0], a[1], give_now);
}

long freebsd_sys_fstatfs(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_descriptor(t, a[0], a[1], give_now);
}

long freebsd_sys_getfsstat(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return all_of_them(a, sizeof(struct freebsd_statfs), give_now);
}

long freebsd_sys_freebsd11_statfs(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_path(a[0], a[1], give_11);
}

long freebsd_sys_freebsd11_fstatfs(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_descriptor(t, a[0], a[1], give_11);
}

long freebsd_sys_freebsd11_getfsstat(struct thread *t UNUSED, struct frame *f UNUSED,
                                     const u64 a[MAX_ARGUMENTS])
{
    return all_of_them(a, sizeof(struct freebsd_freebsd11_statfs), give_11);
}

long freebsd_sys_freebsd4_statfs(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_path(a[0], a[1], give_4);
}

long freebsd_sys_freebsd4_fstatfs(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return mount_of_descriptor(t, a[0], a[1], give_4);
}

long freebsd_sys_freebsd4_getfsstat(struct thread *t UNUSED, struct frame *f UNUSED,
                                    const u64 a[MAX_ARGUMENTS])
{
    return all_of_them(a, sizeof(struct freebsd_ostatfs), give_4);
}
