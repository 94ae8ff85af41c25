/* ioctl: finding out whose request it is, and the requests that every descriptor knows.
 *
 * FreeBSD's request numbers say their group, direction and size, so the group letter decides who serves
 * one: terminals ('t'), sockets ('s', 'i', 'r'), and the plain ones ('f') here.  A request that nobody
 * knows is ENOTTY, as for a device that does not know it. */
#include "files.h"

#define GROUP(command) ((command) >> 8 & 0xff)
#define DEVICE_DIRECTORY "/dev/"
#define PSEUDO_TERMINAL_MAJOR 136

static long pass(int fd, u64 request, u64 data)
{
    return host(__NR_ioctl, fd, request, data);
}

/* The real name of the controlling terminal, which the host's /dev/tty hides: the fifth word after the
 * command's name in the status line, a packed device number.  false: it is no pseudo-terminal. */
static bool controlling_terminal(char *name, size_t room)
{
    char status[512];
    long fd = host(__NR_openat, LINUX_AT_FDCWD, "/proc/self/stat", LINUX_O_RDONLY | LINUX_O_CLOEXEC, 0);
    if (is_error(fd))
        return false;
    long length = host(__NR_read, fd, status, sizeof(status) - 1);
    host(__NR_close, fd);
    if (length <= 0)
        return false;
    status[length] = 0;
    const char *at = status + length;
    while (at > status && *at != ')')
        at--;
    for (int blanks = 0; *at && blanks < 5; at++)
        blanks += *at == ' ';
    u64 device = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        device = device * 10 + (u64)(*at - '0');
    if ((device >> 8 & 0xfff) != PSEUDO_TERMINAL_MAJOR)
        return false;
    format(name, room, "pts/%lu", (device & 0xff) | (device >> 12 & 0xfff00));
    return true;
}

/* The name under /dev, as devname(3) gives it.  A terminal's controlling side has the name of the other
 * side: that is how ptsname(3) finds it. */
static long device_name(int fd, char *name, size_t room)
{
    char path[256];
    s32 number;
    if (!is_error(pass(fd, LINUX_TIOCGPTN, (u64)&number)))
        return format(name, room, "pts/%d", number);
    if (descriptor_type(fd) != MODE_CHARACTER)
        return -ENOTTY;
    long length = descriptor_target(fd, path, sizeof(path));
    if (is_error(length))
        return length;
    size_t skip = sizeof(DEVICE_DIRECTORY) - 1;
    if ((size_t)length <= skip || memcmp(path, DEVICE_DIRECTORY, skip) != 0)
        return -ENXIO;
    if (strcmp(path + skip, "tty") == 0 && controlling_terminal(name, room))
        return (long)strlen(name);
    return format(name, room, "%s", path + skip);
}

static long give_device_name(int fd, u64 data)
{
    struct bsd_fiodgname_arg wanted;
    char name[256];
    if (copy_in(&wanted, data, sizeof(wanted)) != 0)
        return -EFAULT;
    long length = device_name(fd, name, sizeof(name));
    if (is_error(length))
        return length;
    if (length + 1 > wanted.len)
        return -EINVAL;
    return copy_out(wanted.buf, name, (size_t)length + 1);
}

static long give_device_type(int fd, u64 data)
{
    struct linux_termios2 settings;
    u32 type = 0, mode = descriptor_type(fd);
    if (!is_error(pass(fd, LINUX_TCGETS2, (u64)&settings)))
        type = BSD_D_TTY;
    else if (mode == MODE_BLOCK)
        type = BSD_D_DISK;
    else if (mode != MODE_CHARACTER)
        return -ENOTTY;
    return put_u32(data, type);
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
    case BSD_FIODTYPE:
        return give_device_type(fd, data);
    case BSD_FIODGNAME:
        return give_device_name(fd, data);
    case BSD_FIONWRITE:
        return unsent(fd, data);
    case BSD_FIOSEEKDATA:
        return seek_kind(fd, data, LINUX_SEEK_DATA);
    case BSD_FIOSEEKHOLE:
        return seek_kind(fd, data, LINUX_SEEK_HOLE);
    default:
        return -ENOTTY;
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
        if (bsd_socket_ioctl)
            r = bsd_socket_ioctl(t, fd, command, a[2]);
        break;
    default:
        if (is_error(host(__NR_fcntl, fd, LINUX_F_GETFD, 0)))
            r = -EBADF;
        break;
    }
    return r;
}
