/* Reading directories: getdirentries, and its form from before inode numbers had 64 bits.
 *
 * The host's positions are opaque cookies and so are FreeBSD's, so they pass through: d_off, *basep and
 * lseek all mean the same place.  Entries are a little longer than the host's, at most by a third.  The
 * host is therefore asked for three quarters of the room; should an entry not fit after all, the
 * directory is set back to it. */
#include "files.h"

#define ENTRY_MAXIMUM sizeof(struct bsd_dirent)
#define HOST_ENTRY_MAXIMUM 280 /* a name of 255 bytes */
#define NO_NUMBER 1 /* C libraries skip entries numbered 0: they were deleted */
#define NAME_OFFSET offsetof(struct bsd_dirent, name)
#define OLD_NAME_OFFSET offsetof(struct bsd_freebsd11_dirent, name)

struct listing {
    int fd;
    bool old; /* struct freebsd11_dirent */
    u64 to, room, done;
};

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

/* Puts one entry; 0, -EFAULT, or 1 if there is no room left. */
static long put_entry(struct listing *list, const struct linux_dirent64 *from)
{
    union {
        struct bsd_dirent now;
        struct bsd_freebsd11_dirent old;
    } entry;
    const char *text = (const char *)from->name;
    size_t length = strlen(text), size;
    if (list->old) {
        size = round_up(OLD_NAME_OFFSET + length + 1, 4);
        memset(&entry, 0, size);
        entry.old.fileno = (u32)from->ino ? (u32)from->ino : NO_NUMBER;
        entry.old.reclen = (u16)size;
        entry.old.type = from->type;
        entry.old.namlen = (u8)length;
        memcpy(entry.old.name, text, length);
    } else {
        size = round_up(NAME_OFFSET + length + 1, 8);
        memset(&entry, 0, size);
        entry.now.fileno = from->ino ? from->ino : NO_NUMBER;
        entry.now.off = from->off;
        entry.now.reclen = (u16)size;
        entry.now.type = from->type;
        entry.now.namlen = (u16)length;
        memcpy(entry.now.name, text, length);
    }
    if (size > list->room - list->done)
        return 1;
    if (copy_out(list->to + list->done, &entry, size) != 0)
        return -EFAULT;
    list->done += size;
    return 0;
}

/* One read of the host's.  Bytes it gave (0: the end), or -errno; *full when no more may be read. */
static long read_some(struct listing *list, s64 *position, bool *full)
{
    u8 buffer[6144] __attribute__((aligned(8)));
    u64 left = list->room - list->done, ask = list->old ? left : left / 4 * 3;
    if (ask < HOST_ENTRY_MAXIMUM)
        ask = left; /* may overflow; may also hold the last small entry */
    if (ask > sizeof(buffer))
        ask = sizeof(buffer);
    long got = host(__NR_getdents64, list->fd, buffer, ask);
    if (is_error(got))
        return got;
    for (long at = 0; at < got;) {
        const struct linux_dirent64 *from = (const void *)(buffer + at);
        long r = put_entry(list, from);
        if (r < 0)
            return r;
        if (r == 1) {
            *full = true;
            r = host(__NR_lseek, list->fd, *position, LINUX_SEEK_SET);
            return is_error(r) ? r : got;
        }
        *position = from->off;
        at += from->reclen;
    }
    return got;
}

static long list_directory(struct thread *t, u64 fd, u64 to, u64 room, u64 base, bool old)
{
    struct listing list = {.fd = (s32)fd, .old = old, .to = to, .room = room};
    if (fd_is_reserved(t, (s32)fd))
        return -EBADF;
    if ((s64)room < 0)
        return -EINVAL;
    long start = host(__NR_lseek, list.fd, 0, LINUX_SEEK_CUR);
    s64 position = start;
    bool full = false;
    do {
        long got = read_some(&list, &position, &full);
        if (got == 0)
            break;
        if (got == -ENOTDIR || (got == -EINVAL && list.done == 0))
            return -EINVAL;
        if (is_error(got) && list.done == 0)
            return got;
        if (is_error(got))
            break;
    } while (!full && list.room - list.done >= ENTRY_MAXIMUM * 4 / 3);
    if (full && list.done == 0)
        return -EINVAL; /* not even one entry has room */
    if (base != 0 && put_u64(base, (u64)start) != 0)
        return -EFAULT;
    return (long)list.done;
}

long bsd_sys_getdirentries(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], a[3], false);
}

long bsd_sys_freebsd11_getdirentries(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], (u32)a[2], a[3], true);
}

long bsd_sys_freebsd11_getdents(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    return list_directory(t, a[0], a[1], a[2], 0, true);
}
