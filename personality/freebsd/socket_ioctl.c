/* Requests about interfaces that only FreeBSD has. */
#include "socket.h"

/* Every interface is in routing table 0. */
static long routing_table(int fd, u64 data)
{
    struct bsd_ifreq guest;
    struct linux_ifreq host_request;
    long r;

    if (copy_in(&guest, data, sizeof(guest)))
        return -EFAULT;
    memset(&host_request, 0, sizeof(host_request));
    memcpy(host_request.name, guest.name, sizeof(guest.name));
    r = host(__NR_ioctl, fd, LINUX_SIOCGIFINDEX, &host_request);
    if (r)
        return r == -ENODEV ? -ENXIO : r;
    memset(guest.data, 0, sizeof(s32));
    return copy_out(data, &guest, sizeof(guest));
}

long own_interface_request(int fd, u64 command, u64 data)
{
    return command == BSD_SIOCGIFFIB ? routing_table(fd, data) : -EOPNOTSUPP;
}
