/* Record locks.  Both kernels keep them per process and file; only the layout and the numbers of the kinds have to
 * be translated. */
#include "files.h"

/* Only files have record locks: a BSD says EBADF of pipes and sockets. */
static bool can_lock(int fd)
{
    u32 type = descriptor_type(fd);
    return type != 0 && type != MODE_SOCKET;
}

long record_lock(int fd, u64 host_command, struct bsd_flock *lock)
{
    struct linux_flock wanted;
    if (!can_lock(fd))
        return -EBADF;
    if (!bsd_flock_to_host(lock, &wanted))
        return -EINVAL;
    if (host_command == LINUX_F_SETLKW)
        return host_intr(__NR_fcntl, fd, host_command, &wanted);
    long r = host(__NR_fcntl, fd, host_command, &wanted);
    if (is_error(r) || host_command != LINUX_F_GETLK)
        return r;
    if (wanted.type == LINUX_F_UNLCK)
        lock->type = BSD_F_UNLCK; /* nothing in the way: the rest stays as it was */
    else
        bsd_flock_from_host(&wanted, lock);
    return 0;
}
