/* Requests on sockets: network interfaces, process groups, the out-of-band mark.
 *
 * Interface requests carry a name and an address of 16 bytes.  The host's SIOCGIFCONF tells IPv4 addresses
 * only; FreeBSD's list begins, for each interface, with its link-level address, and so does the one made
 * here.  IPv6 addresses and interfaces beyond LAST_INDEX are told by sysctl (NET_RT_IFLIST), which is
 * what getifaddrs(3) and Go read. */
#include "socket.h"

#define LAST_INDEX 128
#define HOST_ENTRIES 64
#define NAME_SIZE 16
#define HARDWARE_ETHERNET 1
#define HARDWARE_LOOPBACK 772
#define ETHERNET_ADDRESS 6

struct exchange {
    int fd;
    struct bsd_ifreq guest;
    struct linux_ifreq host;
};

static long request(struct exchange *x, u64 number)
{
    long r = host(__NR_ioctl, x->fd, number, &x->host);

    return r == -ENODEV ? -ENXIO : r;
}

static long read_request(struct exchange *x, u64 data)
{
    if (copy_in(&x->guest, data, sizeof(x->guest)))
        return -EFAULT;
    memset(&x->host, 0, sizeof(x->host));
    memcpy(x->host.name, x->guest.name, NAME_SIZE);
    return 0;
}

static long write_request(const struct exchange *x, u64 data)
{
    return copy_out(data, &x->guest, sizeof(x->guest));
}

static void take_address(struct exchange *x)
{
    union host_address from;
    union guest_address to;

    memset(&from, 0, sizeof(from));
    memcpy(&from, x->host.data, sizeof(from.in));
    memset(x->guest.data, 0, sizeof(x->guest.data));
    if (socket_address_from_host(&from, sizeof(from.in), &to) == sizeof(x->guest.data))
        memcpy(x->guest.data, &to, sizeof(x->guest.data));
}

static long get_address(struct exchange *x, u64 data, u64 number)
{
    long r = read_request(x, data);

    if (!r) {
        x->host.data[0] = LINUX_AF_INET;
        r = request(x, number);
    }
    if (r)
        return r;
    take_address(x);
    return write_request(x, data);
}

static long set_address(struct exchange *x, u64 data, u64 number)
{
    union guest_address from;
    union host_address to;
    long r = read_request(x, data);

    if (r)
        return r;
    memset(&from, 0, sizeof(from));
    memcpy(&from, x->guest.data, sizeof(x->guest.data));
    r = socket_address_to_host(&from, sizeof(from.in), &to);
    if (r < 0)
        return r;
    memcpy(x->host.data, &to, sizeof(to.in));
    return request(x, number);
}

/* An int that both kernels hold in the same place. */
static long exchange_int(struct exchange *x, u64 data, u64 number, bool set)
{
    long r = read_request(x, data);

    if (r)
        return r;
    if (set)
        memcpy(x->host.data, x->guest.data, sizeof(s32));
    r = request(x, number);
    if (r || set)
        return r;
    memcpy(x->guest.data, x->host.data, sizeof(s32));
    return write_request(x, data);
}

static long get_flags(struct exchange *x, u64 data)
{
    u16 flags;
    u32 shown;
    long r = read_request(x, data);

    if (!r)
        r = request(x, LINUX_SIOCGIFFLAGS);
    if (r)
        return r;
    memcpy(&flags, x->host.data, sizeof(flags));
    shown = (u32)bsd_interface_flags_from_host(flags);
    /* No broadcast medium here hears its own transmissions. */
    if (shown & BSD_IFF_BROADCAST)
        shown |= BSD_IFF_SIMPLEX;
    memcpy(x->guest.data, &shown, sizeof(shown));
    return write_request(x, data);
}

static long set_flags(struct exchange *x, u64 data)
{
    const u64 settable = LINUX_IFF_UP | LINUX_IFF_DEBUG | LINUX_IFF_NOARP | LINUX_IFF_PROMISC;
    u16 flags;
    u32 wanted;
    u64 converted;
    long r = read_request(x, data);

    if (!r)
        r = request(x, LINUX_SIOCGIFFLAGS);
    if (r)
        return r;
    memcpy(&flags, x->host.data, sizeof(flags));
    memcpy(&wanted, x->guest.data, sizeof(wanted));
    bsd_interface_flags_to_host(wanted, &converted);
    flags = (u16)((flags & ~settable) | (converted & settable));
    memcpy(x->host.data, &flags, sizeof(flags));
    return request(x, LINUX_SIOCSIFFLAGS);
}

/* ---- the list of interfaces ---------------------------------------------------------------------- */

struct list {
    u64 to;
    u32 room, used;
    bool failed;
};

static void add_entry(struct list *l, const u8 *name, const void *address, u32 size)
{
    u8 entry[NAME_SIZE + sizeof(struct bsd_sockaddr_dl)];
    u32 whole = NAME_SIZE + (size < 16 ? 16 : size);

    if (l->room - l->used < whole) {
        l->room = l->used; /* what does not fit ends the list */
        return;
    }
    memset(entry, 0, sizeof(entry));
    memcpy(entry, name, NAME_SIZE);
    memcpy(entry + NAME_SIZE, address, size);
    if (copy_out(l->to + l->used, entry, whole))
        l->failed = true;
    l->used += whole;
}

static void add_link(struct exchange *x, struct list *l, u32 index)
{
    struct bsd_sockaddr_dl link;
    u16 hardware;

    memset(&link, 0, sizeof(link));
    link.len = sizeof(link);
    link.family = BSD_AF_LINK;
    link.index = (u16)index;
    link.nlen = (u8)strlen((const char *)x->host.name);
    memcpy(link.data, x->host.name, link.nlen);
    if (request(x, LINUX_SIOCGIFHWADDR) == 0) {
        memcpy(&hardware, x->host.data, sizeof(hardware));
        link.type = hardware == HARDWARE_LOOPBACK ? BSD_IFT_LOOP : BSD_IFT_ETHER;
        if (hardware == HARDWARE_ETHERNET) {
            link.alen = ETHERNET_ADDRESS;
            memcpy(link.data + link.nlen, x->host.data + 2, ETHERNET_ADDRESS);
        }
    }
    add_entry(l, x->host.name, &link, sizeof(link));
}

/* The host calls a second address of eth0 eth0:1. */
static bool same_interface(const u8 *label, const u8 *name)
{
    size_t n = strlen((const char *)name);

    return !memcmp(label, name, n) && (!label[n] || label[n] == ':');
}

static long list_interfaces(struct exchange *x, u64 data)
{
    struct linux_ifreq found[HOST_ENTRIES];
    struct linux_ifconf all = {.len = sizeof(found), .buf = U(found)};
    struct bsd_ifconf wanted;
    struct list l;
    u32 index, i;
    long r;

    if (copy_in(&wanted, data, sizeof(wanted)))
        return -EFAULT;
    if (wanted.len <= 0)
        return -EINVAL;
    r = host(__NR_ioctl, x->fd, LINUX_SIOCGIFCONF, &all);
    if (r)
        return r;
    l = (struct list){wanted.buf, (u32)wanted.len, 0, false};
    for (index = 1; index <= LAST_INDEX; index++) {
        memset(&x->host, 0, sizeof(x->host));
        memcpy(x->host.data, &index, sizeof(index));
        if (request(x, LINUX_SIOCGIFNAME))
            continue;
        x->host.name[NAME_SIZE - 1] = 0;
        add_link(x, &l, index);
        for (i = 0; i < (u32)all.len / sizeof(found[0]); i++) {
            if (!same_interface(found[i].name, x->host.name))
                continue;
            memcpy(x->host.data, found[i].data, sizeof(x->host.data));
            take_address(x);
            add_entry(&l, x->host.name, x->guest.data, sizeof(x->guest.data));
        }
    }
    wanted.len = (s32)l.used;
    return l.failed || copy_out(data, &wanted, sizeof(wanted)) ? -EFAULT : 0;
}

static long plain_int(int fd, u64 data, u64 number, bool set)
{
    u32 value = 0;
    long r;

    if (set && get_u32(data, &value))
        return -EFAULT;
    r = host(__NR_ioctl, fd, number, &value);
    return r || set ? r : put_u32(data, value);
}

static long interface_request(struct exchange *x, u64 command, u64 data)
{
    switch (command) {
    case BSD_SIOCGIFCONF:
        return list_interfaces(x, data);
    case BSD_SIOCGIFADDR:
        return get_address(x, data, LINUX_SIOCGIFADDR);
    case BSD_SIOCGIFDSTADDR:
        return get_address(x, data, LINUX_SIOCGIFDSTADDR);
    case BSD_SIOCGIFBRDADDR:
        return get_address(x, data, LINUX_SIOCGIFBRDADDR);
    case BSD_SIOCGIFNETMASK:
        return get_address(x, data, LINUX_SIOCGIFNETMASK);
    case BSD_SIOCSIFADDR:
        return set_address(x, data, LINUX_SIOCSIFADDR);
    case BSD_SIOCSIFDSTADDR:
        return set_address(x, data, LINUX_SIOCSIFDSTADDR);
    case BSD_SIOCSIFBRDADDR:
        return set_address(x, data, LINUX_SIOCSIFBRDADDR);
    case BSD_SIOCSIFNETMASK:
        return set_address(x, data, LINUX_SIOCSIFNETMASK);
    case BSD_SIOCGIFFLAGS:
        return get_flags(x, data);
    case BSD_SIOCSIFFLAGS:
        return set_flags(x, data);
    case BSD_SIOCGIFMETRIC:
        return exchange_int(x, data, LINUX_SIOCGIFMETRIC, false);
    case BSD_SIOCGIFMTU:
        return exchange_int(x, data, LINUX_SIOCGIFMTU, false);
    case BSD_SIOCSIFMTU:
        return exchange_int(x, data, LINUX_SIOCSIFMTU, true);
    case BSD_SIOCGIFINDEX:
        return exchange_int(x, data, LINUX_SIOCGIFINDEX, false);
    default:
        return own_interface_request(x->fd, command, data);
    }
}

#define GROUP(command) ((command) >> 8 & 0xff)

long bsd_socket_ioctl(struct thread *t, int fd, u64 command, u64 data)
{
    struct exchange x = {.fd = fd};
    long kind = socket_kind(t, fd);

    if (kind == -ENOTSOCK)
        return -ENOTTY;
    if (kind < 0)
        return kind;
    switch (command) {
    case BSD_SIOCATMARK:
        return plain_int(fd, data, LINUX_SIOCATMARK, false);
    case BSD_SIOCSPGRP:
        return plain_int(fd, data, LINUX_SIOCSPGRP, true);
    case BSD_SIOCGPGRP:
        return plain_int(fd, data, LINUX_SIOCGPGRP, false);
    }
    return GROUP(command) == 'i' ? interface_request(&x, command, data) : -ENOTTY;
}
