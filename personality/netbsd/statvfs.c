/* statvfs, fstatvfs, getvfsstat: file systems with their mount points, in the form of this release, of those up to 9,
 * and of those up to 2 (statfs). */
#include "files.h"
#include "netbsd.h"

#define OLD_FLAGS 0xffff /* f_oflags */

/* What the mount table and the host's statfs say of one file system. */
static void describe(const struct mount_entry *entry, const struct linux_statfs *from, struct netbsd_statvfs *to)
{
    const char *name;
    u64 more;

    memset(to, 0, sizeof(*to));
    file_system_type(entry->type, &name, &more);
    to->flag = mount_flags_of((u64)from->flags, entry->point) | more;
    to->bsize = to->iosize = (u64)from->bsize;
    to->frsize = (u64)(from->frsize ? from->frsize : from->bsize);
    to->blocks = (u64)from->blocks;
    to->bfree = (u64)from->bfree;
    to->bavail = (u64)from->bavail;
    to->bresvd = to->bfree > to->bavail ? to->bfree - to->bavail : 0;
    to->files = (u64)from->files;
    to->ffree = to->favail = (u64)from->ffree;
    to->fsidx.val[0] = from->fsid[0];
    to->fsidx.val[1] = from->fsid[1];
    to->fsid = (u32)from->fsid[0];
    to->namemax = (u64)from->namelen;
    copy_text(to->fstypename, sizeof(to->fstypename), name);
    copy_text(to->mntonname, sizeof(to->mntonname), entry->point);
    copy_text(to->mntfromname, sizeof(to->mntfromname), entry->source);
}

static long give_now(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct netbsd_statvfs now;
    describe(entry, numbers, &now);
    return copy_out(address, &now, sizeof(now));
}

/* The numbers are the same; the names lie elsewhere. */
static long give_90(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct netbsd_statvfs now;
    struct netbsd_statvfs90 to;

    describe(entry, numbers, &now);
    memset(&to, 0, sizeof(to));
    memcpy(&to, &now, offsetof(struct netbsd_statvfs90, spare));
    memcpy(to.fstypename, now.fstypename, sizeof(to.fstypename));
    memcpy(to.mntonname, now.mntonname, sizeof(to.mntonname));
    memcpy(to.mntfromname, now.mntfromname, sizeof(to.mntfromname));
    return copy_out(address, &to, sizeof(to));
}
_Static_assert(offsetof(struct netbsd_statvfs90, owner) == offsetof(struct netbsd_statvfs, owner), "copied as one");

static long give_12(const struct mount_entry *entry, const struct linux_statfs *numbers, u64 address)
{
    struct netbsd_statvfs now;
    struct netbsd_statfs12 to;

    describe(entry, numbers, &now);
    memset(&to, 0, sizeof(to));
    to.oflags = (u16)(now.flag & OLD_FLAGS);
    to.flags = (s64)now.flag;
    to.bsize = (s64)now.frsize;
    to.iosize = (s64)now.iosize;
    to.blocks = (s64)now.blocks;
    to.bfree = (s64)now.bfree;
    to.bavail = (s64)now.bavail;
    to.files = (s64)now.files;
    to.ffree = (s64)now.ffree;
    to.fsid = now.fsidx;
    memcpy(to.fstypename, now.fstypename, sizeof(to.fstypename) - 1);
    memcpy(to.mntonname, now.mntonname, sizeof(to.mntonname) - 1);
    memcpy(to.mntfromname, now.mntfromname, sizeof(to.mntfromname) - 1);
    return copy_out(address, &to, sizeof(to));
}

#define CALLS(of_path, of_descriptor, of_all, give, size)                                                  \
    long netbsd_sys_##of_path(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS]) \
    {                                                                                                      \
        return mount_of_path(a[0], a[1], give);                                                            \
    }                                                                                                      \
    long netbsd_sys_##of_descriptor(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])  \
    {                                                                                                      \
        return mount_of_descriptor(t, a[0], a[1], give);                                                   \
    }                                                                                                      \
    long netbsd_sys_##of_all(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])  \
    {                                                                                                      \
        return all_mounts(a[0], a[1], size, give);                                                         \
    }

CALLS(statvfs, fstatvfs, getvfsstat, give_now, sizeof(struct netbsd_statvfs))
CALLS(statvfs90, fstatvfs90, getvfsstat90, give_90, sizeof(struct netbsd_statvfs90))
CALLS(statfs, fstatfs, getfsstat, give_12, sizeof(struct netbsd_statfs12))
