/* flock, which differs from the host's in what it refuses, and how. */
#include "files.h"

/* Of several wishes in one number the first that the kernel looks for counts, and one without any is EBADF. */
long freebsd_sys_flock(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    u32 how = (u32)a[1], operation;

    if (fd_is_reserved(t, fd) || is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
        return -EBADF;
    u32 type = descriptor_type(fd);
    if (type == MODE_FIFO || type == MODE_SOCKET || type == 0)
        return -EOPNOTSUPP;
    if (how & FREEBSD_LOCK_UN)
        operation = LINUX_LOCK_UN;
    else if (how & FREEBSD_LOCK_EX)
        operation = LINUX_LOCK_EX;
    else if (how & FREEBSD_LOCK_SH)
        operation = LINUX_LOCK_SH;
    else
        return -EBADF;
    return host_intr(__NR_flock, fd, operation | (how & FREEBSD_LOCK_NB ? LINUX_LOCK_NB : 0));
}
