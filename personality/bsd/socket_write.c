/* write and writev, which are the host's own but for SIGPIPE: a socket with SO_NOSIGPIPE must not raise it,
 * which only send can tell the host, and the host raises it for streams only.  A process that never set the
 * option pays one test. */
#include "socket.h"

static long write_to(struct thread *t, long number, const u64 a[MAX_ARGUMENTS], bool vector)
{
    u64 length = vector ? U((s64)(s32)a[2]) : a[2];
    int fd = (int)a[0];
    long r;

    if (fd_is_reserved(t, fd))
        return -EBADF;
    if (__builtin_expect(__atomic_load_n(&socket_nosigpipe_used, __ATOMIC_RELAXED), 0)) {
        r = socket_write(t, fd, a[1], length, vector);
        if (r != -ENOTSOCK)
            return r;
    }
    r = host_intr(number, fd, a[1], length);
    return r == -EPIPE ? socket_write_broken(t, fd) : r;
}

long bsd_sys_write(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    if ((s64)a[2] < 0)
        return -EINVAL; /* before anything else is looked at; the host's is EFAULT */
    return write_to(t, __NR_write, a, false);
}

long bsd_sys_writev(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return write_to(t, __NR_writev, a, true);
}
