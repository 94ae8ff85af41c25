/* Pseudo-terminals as FreeBSD makes and names them. */
#include "files.h"

long freebsd_sys_posix_openpt(struct thread *t UNUSED, struct frame *f UNUSED, const u64 a[MAX_ARGUMENTS])
{
    u32 flags = (u32)a[0], known = FREEBSD_O_RDWR | FREEBSD_O_NOCTTY | FREEBSD_O_CLOEXEC;
    u64 host_flags;
    if ((flags & ~known) != 0 || !freebsd_open_flags_to_host(flags, &host_flags))
        return -EINVAL;
    return open_pseudo_terminal(host_flags);
}

long own_terminal_request(struct thread *t UNUSED, int fd, u32 command, u64 data)
{
    switch (command) {
    case FREEBSD_TIOCPTMASTER:
        return terminal_is_master(fd);
    case FREEBSD_TIOCGPTN:
        return host(__NR_ioctl, fd, LINUX_TIOCGPTN, data);
    default:
        return -ENOTTY;
    }
}
