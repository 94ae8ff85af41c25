/* Record locks: fcntl's F_GETLK, F_SETLK and F_SETLKW, and the three older numbers of the same whose
 * structure ends before l_sysid.  Both kernels keep them per process and file; only the layout, the
 * numbers of the kinds and what the old structure leaves out have to be translated. */
#include "files.h"

_Static_assert(offsetof(struct bsd_flock, sysid) == sizeof(struct bsd_oflock),
               "the old structure is the new one without its end");

static bool is_old(u32 command)
{
    return command == BSD_F_OGETLK || command == BSD_F_OSETLK || command == BSD_F_OSETLKW;
}

static u64 host_command(u32 command)
{
    switch (command) {
    case BSD_F_GETLK:
    case BSD_F_OGETLK:
        return LINUX_F_GETLK;
    case BSD_F_SETLK:
    case BSD_F_OSETLK:
        return LINUX_F_SETLK;
    default:
        return LINUX_F_SETLKW;
    }
}

/* Only files have record locks: FreeBSD says EBADF of pipes and sockets. */
static bool can_lock(int fd)
{
    u32 type = descriptor_type(fd);
    return type != 0 && type != MODE_SOCKET;
}

long record_lock(int fd, u32 command, u64 address)
{
    struct bsd_flock lock = {.sysid = 0};
    struct linux_flock wanted;
    size_t size = is_old(command) ? sizeof(struct bsd_oflock) : sizeof(lock);
    u64 action = host_command(command);
    if (copy_in(&lock, address, size) != 0)
        return -EFAULT;
    if (!can_lock(fd))
        return -EBADF;
    if (!bsd_flock_to_host(&lock, &wanted))
        return -EINVAL;
    if (action != LINUX_F_GETLK)
        return action == LINUX_F_SETLKW ? host_intr(__NR_fcntl, fd, action, &wanted)
                                        : host(__NR_fcntl, fd, action, &wanted);
    long r = host(__NR_fcntl, fd, action, &wanted);
    if (is_error(r))
        return r;
    if (wanted.type == LINUX_F_UNLCK) {
        lock.type = BSD_F_UNLCK; /* nothing in the way: the rest stays as it was */
    } else {
        bsd_flock_from_host(&wanted, &lock);
        lock.sysid = 0;
    }
    return copy_out(address, &lock, size);
}
