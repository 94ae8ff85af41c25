/* Pseudo-terminals as NetBSD makes and names them, and requests about files that it alone has: none. */
#include "files.h"
#include "netbsd.h"

#define READ_WRITE (LINUX_O_RDWR | LINUX_O_NOCTTY)

static long unlock(int fd)
{
    const s32 locked = 0;
    return host(__NR_ioctl, fd, LINUX_TIOCSPTLCK, &locked);
}

static long name_of(int fd, struct netbsd_ptmget *to)
{
    u32 number;
    long r = host(__NR_ioctl, fd, LINUX_TIOCGPTN, &number);

    if (is_error(r))
        return r;
    memset(to, 0, sizeof(*to));
    to->cfd = to->sfd = -1;
    format((char *)to->cn, sizeof(to->cn), "/dev/ptmx");
    format((char *)to->sn, sizeof(to->sn), "/dev/pts/%u", number);
    return 0;
}

/* To guest memory, in the layout of releases before 7.0 if `old`, whose names are shorter. */
static long give(u64 data, const struct netbsd_ptmget *pair, bool old)
{
    struct netbsd_ptmget60 short_pair = {.cfd = pair->cfd, .sfd = pair->sfd};

    if (!old)
        return copy_out(data, pair, sizeof(*pair));
    memcpy(short_pair.cn, pair->cn, sizeof(short_pair.cn));
    memcpy(short_pair.sn, pair->sn, sizeof(short_pair.sn));
    return copy_out(data, &short_pair, sizeof(short_pair));
}

static long give_name(int fd, u64 data, bool old)
{
    struct netbsd_ptmget names;
    long r = name_of(fd, &names);

    return is_error(r) ? r : give(data, &names, old);
}

static long open_both(u64 data, bool old)
{
    struct netbsd_ptmget pair;
    long first = open_pseudo_terminal(READ_WRITE), second;

    if (is_error(first))
        return first;
    long r = name_of((int)first, &pair);
    second = is_error(r) ? r : host(__NR_ioctl, first, LINUX_TIOCGPTPEER, READ_WRITE);
    if (is_error(second)) {
        host(__NR_close, first);
        return second;
    }
    pair.cfd = (s32)first;
    pair.sfd = (s32)second;
    return give(data, &pair, old);
}

long own_terminal_request(struct thread *t UNUSED, int fd, u32 command, u64 data)
{
    switch (command) {
    case NETBSD_TIOCPTMGET:
    case NETBSD_COMPAT_60_TIOCPTMGET:
        return terminal_is_master(fd) != 0 ? -ENOTTY : open_both(data, command == NETBSD_COMPAT_60_TIOCPTMGET);
    case NETBSD_TIOCPTSNAME:
    case NETBSD_COMPAT_60_TIOCPTSNAME:
        return give_name(fd, data, command == NETBSD_COMPAT_60_TIOCPTSNAME);
    case NETBSD_TIOCGRANTPT:
        return unlock(fd);
    default:
        return -ENOTTY;
    }
}

long own_file_request(int fd UNUSED, u32 command UNUSED, u64 data UNUSED) { return -ENOTTY; }
