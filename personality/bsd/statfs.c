/* statfs, fstatfs, getfsstat: file systems with their mount points, in the form of this release and of
 * the releases up to 11.
 *
 * The host's statfs says how full a file system is but not where it is mounted from and on; the mount
 * that a file is on is looked up in the mount table by the number that statx gives. */
#include "files.h"

/* Kinds of the host's that are no file system to FreeBSD: pipes, sockets, event counters. */
#define PIPE_MAGIC 0x50495045
#define SOCKET_MAGIC 0x534f434b
#define ANONYMOUS_MAGIC 0x09041934

enum form { FORM_NOW, FORM_11 };

static size_t form_size(enum form form)
{
    return form == FORM_NOW ? sizeof(struct bsd_statfs) : sizeof(struct bsd_freebsd11_statfs);
}

static void shorten(u8 *to, const u8 *from, size_t room)
{
    memcpy(to, from, room - 1);
}

static long give_11(u64 address, const struct bsd_statfs *from)
{
    struct bsd_freebsd11_statfs to;
    memset(&to, 0, sizeof(to));
    to.version = BSD_FREEBSD11_STATFS_VERSION;
    to.type = from->type;
    to.flags = from->flags;
    to.bsize = from->bsize;
    to.iosize = from->iosize;
    to.blocks = from->blocks;
    to.bfree = from->bfree;
    to.bavail = from->bavail;
    to.files = from->files;
    to.ffree = from->ffree;
    to.namemax = from->namemax;
    to.owner = from->owner;
    to.fsid = from->fsid;
    shorten(to.fstypename, from->fstypename, sizeof(to.fstypename));
    shorten(to.mntfromname, from->mntfromname, sizeof(to.mntfromname));
    shorten(to.mntonname, from->mntonname, sizeof(to.mntonname));
    return copy_out(address, &to, sizeof(to));
}

static long give(u64 address, const struct bsd_statfs *from, enum form form)
{
    if (form == FORM_11)
        return give_11(address, from);
    return copy_out(address, from, sizeof(*from));
}

/* ---- one file system ---------------------------------------------------------------------------- */

struct search {
    u64 id, to;
    enum form form;
    const struct linux_statfs *numbers;
};

static long give_if_found(const struct mount_entry *entry, void *context)
{
    const struct search *search = context;
    struct bsd_statfs status;
    if (entry->id != search->id)
        return 0;
    describe_mount(entry, search->numbers, &status);
    long r = give(search->to, &status, search->form);
    return is_error(r) ? r : 1;
}

static long describe(int dirfd, u64 path, u64 flags, const struct linux_statfs *numbers, u64 to,
                     enum form form)
{
    struct linux_statx place;
    long r = host(__NR_statx, dirfd, path, flags, LINUX_STATX_MNT_ID, &place);
    if (is_error(r))
        return r;
    struct search search = {.id = place.mnt_id, .to = to, .form = form, .numbers = numbers};
    r = each_mount(give_if_found, &search);
    if (r == 1 || r == -EFAULT)
        return r == 1 ? 0 : r;
    /* No mount table, or a mount outside of what this process may see: one that holds its root. */
    struct mount_entry unknown = {.id = search.id, .point = "/", .type = "unknown", .source = ""};
    r = give_if_found(&unknown, &search);
    return is_error(r) ? r : 0;
}

static long of_path(u64 path, u64 to, enum form form)
{
    struct linux_statfs numbers;
    long r = host(__NR_statfs, path, &numbers);
    return is_error(r) ? r : describe(LINUX_AT_FDCWD, path, 0, &numbers, to, form);
}

static long of_descriptor(struct thread *t, u64 fd, u64 to, enum form form)
{
    struct linux_statfs numbers;
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    long r = host(__NR_fstatfs, (s32)fd, &numbers);
    if (is_error(r))
        return r;
    if (numbers.type == PIPE_MAGIC || numbers.type == SOCKET_MAGIC || numbers.type == ANONYMOUS_MAGIC)
        return -EINVAL;
    return describe((s32)fd, (u64) "", LINUX_AT_EMPTY_PATH, &numbers, to, form);
}

/* ---- all of them -------------------------------------------------------------------------------- */

struct collection {
    u64 to, room, count;
    enum form form;
};

static long collect(const struct mount_entry *entry, void *context)
{
    struct collection *all = context;
    struct linux_statfs numbers;
    struct bsd_statfs status;
    u64 size = form_size(all->form);
    if (all->to != 0 && all->room < size)
        return 1;
    if (all->to != 0) {
        if (is_error(host(__NR_statfs, entry->point, &numbers)))
            memset(&numbers, 0, sizeof(numbers)); /* out of reach: it is mounted all the same */
        describe_mount(entry, &numbers, &status);
        if (is_error(give(all->to + all->count * size, &status, all->form)))
            return -EFAULT;
        all->room -= size;
    }
    all->count++;
    return 0;
}

static long all_mounts(u64 to, u64 room, u64 mode, enum form form)
{
    struct collection all = {.to = to, .room = room, .form = form};
    if ((s64)room < 0 || (mode != BSD_MNT_WAIT && mode != BSD_MNT_NOWAIT))
        return -EINVAL;
    long r = each_mount(collect, &all);
    return is_error(r) ? r : (long)all.count;
}

long bsd_sys_statfs(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return of_path(a[0], a[1], FORM_NOW);
}

long bsd_sys_fstatfs(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return of_descriptor(t, a[0], a[1], FORM_NOW);
}

long bsd_sys_getfsstat(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return all_mounts(a[0], a[1], (u32)a[2], FORM_NOW);
}

long bsd_sys_freebsd11_statfs(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return of_path(a[0], a[1], FORM_11);
}

long bsd_sys_freebsd11_fstatfs(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return of_descriptor(t, a[0], a[1], FORM_11);
}

long bsd_sys_freebsd11_getfsstat(struct thread *t UNUSED, struct frame *f UNUSED,
                                     const u64 a[MAX_ARGUMENTS])
{
    return all_mounts(a[0], a[1], (u32)a[2], FORM_11);
}
