/* ioctl: finding out whose request it is, and the requests that every descriptor knows.
 *
 * A BSD's request numbers say their group, direction and size, so the group letter decides who serves
 * one: terminals ('t'), sockets ('s', 'i', 'r'), and the plain ones ('f') here.  A request that nobody
 * knows is ENOTTY, as for a device that does not know it. */
#include "files.h"

#define GROUP(command) ((command) >> 8 & 0xff)

static long pass(int fd, u64 request, u64 data)
{
    return host(__NR_ioctl, fd, request, data);
}

/* Where the next data or hole begins, without moving the file's own position for longer than that. */
static long seek_kind(int fd, u64 data, u64 whence)
{
    u64 from;
    if (get_u64(data, &from) != 0)
        return -EFAULT;
    long here = host(__NR_lseek, fd, 0, LINUX_SEEK_CUR);
    if (is_error(here))
        return -ENOTTY;
    long found = host(__NR_lseek, fd, from, whence);
    long back = host(__NR_lseek, fd, here, LINUX_SEEK_SET);
    if (is_error(found) || is_error(back))
        return is_error(found) ? found : back;
    return put_u64(data, (u64)found);
}

static long set_close_on_exec(int fd, bool on)
{
    return pass(fd, on ? LINUX_FIOCLEX : LINUX_FIONCLEX, 0);
}

static long set_owner(int fd, u64 data)
{
    u32 who;
    if (get_u32(data, &who) != 0)
        return -EFAULT;
    return host(__NR_fcntl, fd, LINUX_F_SETOWN, (s32)who);
}

static long get_owner(int fd, u64 data)
{
    struct linux_f_owner_ex owner;
    long r = host(__NR_fcntl, fd, LINUX_F_GETOWN_EX, &owner);
    if (is_error(r))
        return r;
    return put_u32(data, (u32)(owner.type == LINUX_F_OWNER_PGRP ? -owner.pid : owner.pid));
}

/* What a terminal or socket has not sent yet; pipes and files never wait. */
static long unsent(int fd, u64 data)
{
    s32 waiting = 0;
    long r = pass(fd, LINUX_TIOCOUTQ, (u64)&waiting);
    if (is_error(r) && r != -ENOTTY && r != -EINVAL)
        return r;
    return put_u32(data, (u32)waiting);
}

static long file_request(int fd, u32 command, u64 data)
{
    switch (command) {
    case BSD_FIOCLEX:
        return set_close_on_exec(fd, true);
    case BSD_FIONCLEX:
        return set_close_on_exec(fd, false);
    case BSD_FIONREAD:
        return pass(fd, LINUX_FIONREAD, data);
    case BSD_FIONBIO:
        return pass(fd, LINUX_FIONBIO, data);
    case BSD_FIOASYNC:
        return pass(fd, LINUX_FIOASYNC, data);
    case BSD_FIOSETOWN:
        return set_owner(fd, data);
    case BSD_FIOGETOWN:
        return get_owner(fd, data);
    case BSD_FIONWRITE:
        return unsent(fd, data);
    case BSD_FIOSEEKDATA:
        return seek_kind(fd, data, LINUX_SEEK_DATA);
    case BSD_FIOSEEKHOLE:
        return seek_kind(fd, data, LINUX_SEEK_HOLE);
    default:
        return own_file_request(fd, command, data);
    }
}

long bsd_sys_ioctl(struct thread *t, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    int fd = (s32)a[0];
    u32 command = (u32)a[1]; /* programs that keep it in an int sign-extend it */
    if (fd_is_reserved(t, fd))
        return -EBADF;
    long r = -ENOTTY;
    switch (GROUP(command)) {
    case 'f':
        r = file_request(fd, command, a[2]);
        break;
    case 't':
        r = bsd_terminal_ioctl(t, fd, command, a[2]);
        break;
    case 's':
    case 'i':
    case 'r':
        r = bsd_socket_ioctl(t, fd, command, a[2]);
        break;
    default:
        if (is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
            r = -EBADF;
        break;
    }
    return r;
}
