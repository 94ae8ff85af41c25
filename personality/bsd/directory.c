/* Reading directories.
 *
 * The host's positions are opaque cookies and so are the guest's, so they pass through: d_off, *basep and
 * lseek all mean the same place.  Entries may be a little longer than the host's, at most by a third.  The
 * host is therefore asked for three quarters of the room; should an entry not fit after all, the
 * directory is set back to it. */
#include "files.h"

#define HOST_ENTRY_MAXIMUM 280 /* a name of 255 bytes */
#define SMALLEST_REST 373      /* no entry is longer than this: nothing is asked for less */

struct listing {
    int fd;
    entry_writer write;
    u64 to, room, done;
};

/* Puts one entry; 0, -EFAULT, or 1 if there is no room left. */
static long put_entry(struct listing *list, const struct linux_dirent64 *from)
{
    u8 entry[ENTRY_MAXIMUM] __attribute__((aligned(8)));
    size_t size = list->write(entry, from);
    if (size > list->room - list->done)
        return 1;
    if (copy_out(list->to + list->done, entry, size) != 0)
        return -EFAULT;
    list->done += size;
    return 0;
}

/* One read of the host's.  Bytes it gave (0: the end), or -errno; *full when no more may be read. */
static long read_some(struct listing *list, s64 *position, bool *full)
{
    u8 buffer[6144] __attribute__((aligned(8)));
    u64 left = list->room - list->done, ask = left / 4 * 3;
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

long list_directory(struct thread *t, u64 fd, u64 to, u64 room, u64 base, entry_writer write)
{
    struct listing list = {.fd = (s32)fd, .write = write, .to = to, .room = room};
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
    } while (!full && list.room - list.done >= SMALLEST_REST);
    if (full && list.done == 0)
        return -EINVAL; /* not even one entry has room */
    if (base != 0 && put_u64(base, (u64)start) != 0)
        return -EFAULT;
    return (long)list.done;
}
