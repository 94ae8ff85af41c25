/* POSIX message queues: the host's.  FreeBSD's are descriptors of a file system too, and librt calls these
 * with the name as the program gave it; the host's call wants it without its slash. */
#include "bsd.h"

#define HOST_NONBLOCK 0x800
#define MOST_NAME 255

static long name_of(u64 address, char name[MOST_NAME + 2])
{
    long n = copy_in_string(name, address, MOST_NAME + 2);

    if (n < 0)
        return n;
    if (n < 2 || name[0] != '/')
        return -EINVAL;
    for (char *c = name + 1; *c != 0; c++)
        if (*c == '/')
            return -EINVAL;
    return 0;
}

long bsd_sys_kmq_open(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    const u32 known =
        BSD_O_ACCMODE | BSD_O_CREAT | BSD_O_EXCL | BSD_O_NONBLOCK | BSD_O_CLOEXEC;
    char name[MOST_NAME + 2];
    u64 flags;

    if (((u32)a[1] & ~known) || !bsd_open_flags_to_host((u32)a[1], &flags))
        return -EINVAL;
    long r = name_of(a[0], name);
    if (r != 0)
        return r;
    struct linux_mq_attr attr;
    if (a[3] != 0) {
        if (copy_in(&attr, a[3], sizeof(attr)) != 0)
            return -EFAULT;
        attr.flags = 0;
    }
    return host(__NR_mq_open, name + 1, flags, (u32)a[2], a[3] != 0 ? &attr : NULL);
}

long bsd_sys_kmq_unlink(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    char name[MOST_NAME + 2];
    long r = name_of(a[0], name);

    return r != 0 ? r : host(__NR_mq_unlink, name + 1);
}

long bsd_sys_kmq_setattr(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_mq_attr attr;
    struct linux_mq_attr wanted, old;

    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    memset(&wanted, 0, sizeof(wanted));
    if (a[1] != 0) {
        if (copy_in(&attr, a[1], sizeof(attr)) != 0)
            return -EFAULT;
        if (attr.flags & ~(s64)BSD_O_NONBLOCK)
            return -EINVAL;
        wanted.flags = attr.flags ? HOST_NONBLOCK : 0;
    }
    long r = host(__NR_mq_getsetattr, (s32)a[0], a[1] != 0 ? &wanted : NULL, &old);
    if (r != 0 || a[2] == 0)
        return r;
    memset(&attr, 0, sizeof(attr));
    attr.flags = old.flags & HOST_NONBLOCK ? BSD_O_NONBLOCK : 0;
    attr.maxmsg = old.maxmsg;
    attr.msgsize = old.msgsize;
    attr.curmsgs = old.curmsgs;
    return copy_out(a[2], &attr, sizeof(attr));
}

/* Their limits of time are points of real time on both sides; one cannot be taken up again at home. */
long bsd_sys_kmq_timedreceive(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long r = host_intr(__NR_mq_timedreceive, (s32)a[0], a[1], a[2], a[3], a[4]);
    return r == RESTART && a[4] != 0 ? -EINTR : r;
}

long bsd_sys_kmq_timedsend(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    long r = host_intr(__NR_mq_timedsend, (s32)a[0], a[1], a[2], (u32)a[3], a[4]);
    return r == RESTART && a[4] != 0 ? -EINTR : r;
}

long bsd_sys_kmq_notify(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_sigevent event;
    struct linux_sigevent wanted;

    if (fd_is_reserved(t, (s32)a[0]))
        return -EBADF;
    if (a[1] == 0)
        return host(__NR_mq_notify, (s32)a[0], 0);
    if (copy_in(&event, a[1], sizeof(event)) != 0)
        return -EFAULT;
    memset(&wanted, 0, sizeof(wanted));
    wanted.value = event.value;
    wanted.notify = LINUX_SIGEV_NONE;
    if (event.notify == BSD_SIGEV_SIGNAL) {
        wanted.notify = LINUX_SIGEV_SIGNAL;
        wanted.signo = bsd_signal_to_host(event.signo);
        if (wanted.signo == 0)
            return -EINVAL;
    } else if (event.notify != BSD_SIGEV_NONE) {
        return -EINVAL; /* the host tells no single thread and no kqueue */
    }
    return host(__NR_mq_notify, (s32)a[0], &wanted);
}
