/* Requests about files and devices that only FreeBSD has. */
#include "files.h"

static long give_device_name(int fd, u64 data)
{
    struct freebsd_fiodgname_arg wanted;
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
    if (!is_error(host(__NR_ioctl, fd, LINUX_TCGETS2, &settings)))
        type = FREEBSD_D_TTY;
    else if (mode == MODE_BLOCK)
        type = FREEBSD_D_DISK;
    else if (mode != MODE_CHARACTER)
        return -ENOTTY;
    return put_u32(data, type);
}

long own_file_request(int fd, u32 command, u64 data)
{
    switch (command) {
    case FREEBSD_FIODTYPE:
        return give_device_type(fd, data);
    case FREEBSD_FIODGNAME:
        return give_device_name(fd, data);
    default:
        return -ENOTTY;
    }
}
