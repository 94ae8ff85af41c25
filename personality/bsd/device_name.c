/* The names of devices below /dev, as programs of the guest know them. */
#include "files.h"

#define DEVICE_DIRECTORY "/dev/"
#define PSEUDO_TERMINAL_MAJOR 136

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
long device_name(int fd, char *name, size_t room)
{
    char path[256];
    s32 number;
    if (!is_error(host(__NR_ioctl, fd, LINUX_TIOCGPTN, &number)))
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
