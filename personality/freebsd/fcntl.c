/* Commands of fcntl that only FreeBSD has: copies onto a number, read-ahead, locks without l_sysid. */
#include "fcntl_own.h"

_Static_assert(offsetof(struct freebsd_flock, sysid) == sizeof(struct freebsd_oflock),
               "the old structure is the new one without its end");

static long read_ahead(int fd, s64 amount)
{
    u32 type = descriptor_type(fd);
    if (type != MODE_REGULAR)
        return type == MODE_FIFO || type == MODE_SOCKET || type == 0 ? -EBADF : -ENOTTY;
    return host(__NR_fadvise64, fd, 0, 0,
                amount > 0 ? LINUX_POSIX_FADV_SEQUENTIAL : LINUX_POSIX_FADV_NORMAL);
}

/* The older numbers, whose structure ends before l_sysid. */
static long old_lock_request(int fd, u64 host_command, u64 address)
{
    struct freebsd_flock lock = {.sysid = 0};
    if (copy_in(&lock, address, sizeof(struct freebsd_oflock)) != 0)
        return -EFAULT;
    long r = record_lock(fd, host_command, &lock);
    if (is_error(r) || host_command != LINUX_F_GETLK)
        return r;
    return copy_out(address, &lock, sizeof(struct freebsd_oflock));
}

long bsd_own_fcntl(struct thread *t, int fd, u32 command, u64 argument)
{
    switch (command) {
    case FREEBSD_F_DUP2FD:
        return duplicate_onto(t, fd, (s32)argument, 0);
    case FREEBSD_F_DUP2FD_CLOEXEC:
        return duplicate_onto(t, fd, (s32)argument, LINUX_O_CLOEXEC);
    case FREEBSD_F_OGETLK:
        return old_lock_request(fd, LINUX_F_GETLK, argument);
    case FREEBSD_F_OSETLK:
        return old_lock_request(fd, LINUX_F_SETLK, argument);
    case FREEBSD_F_OSETLKW:
        return old_lock_request(fd, LINUX_F_SETLKW, argument);
    case FREEBSD_F_RDAHEAD:
        return read_ahead(fd, argument != 0);
    case FREEBSD_F_READAHEAD:
        return read_ahead(fd, (s64)argument >= 0);
    case FREEBSD_F_ISUNIONSTACK:
        return is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)) ? -EBADF : 0;
    case FREEBSD_F_KINFO:
        return describe_descriptor(fd, argument);
    default:
        /* F_SETLK_REMOTE is for the lock daemon of an NFS server. */
        return -EINVAL;
    }
}
