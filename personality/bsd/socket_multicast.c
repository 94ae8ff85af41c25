/* Joining and leaving multicast groups, with and without sources, and the ranges of automatic ports.
 *
 * A FreeBSD socket hears only the groups it joined itself; the host's hears what any socket joined until
 * told otherwise. */
#include "socket.h"

#define STORAGE 128

struct host_group {
    u32 interface, pad;
    u8 group[STORAGE], source[STORAGE];
};

static const struct {
    int guest, host, sources; /* sources: how many addresses follow the group's */
} requests[] = {
    {BSD_MCAST_JOIN_GROUP, LINUX_MCAST_JOIN_GROUP, 0},
    {BSD_MCAST_LEAVE_GROUP, LINUX_MCAST_LEAVE_GROUP, 0},
    {BSD_MCAST_JOIN_SOURCE_GROUP, LINUX_MCAST_JOIN_SOURCE_GROUP, 1},
    {BSD_MCAST_LEAVE_SOURCE_GROUP, LINUX_MCAST_LEAVE_SOURCE_GROUP, 1},
    {BSD_MCAST_BLOCK_SOURCE, LINUX_MCAST_BLOCK_SOURCE, 1},
    {BSD_MCAST_UNBLOCK_SOURCE, LINUX_MCAST_UNBLOCK_SOURCE, 1},
};

static long storage_to_host(const u8 *from, u8 *to)
{
    union guest_address address;
    union host_address converted;
    long size;

    memset(&address, 0, sizeof(address));
    memcpy(&address, from, STORAGE);
    if (address.family != BSD_AF_INET && address.family != BSD_AF_INET6)
        return -EAFNOSUPPORT;
    size = socket_address_to_host(&address, address.len, &converted);
    if (size < 0)
        return size;
    memcpy(to, &converted, (size_t)size);
    return 0;
}

/* MCAST_*: struct group_req or group_source_req. */
static long any_family(const struct option_call *c, int host_level, size_t which)
{
    struct bsd_group_source_req from;
    struct host_group to;
    u32 from_size = requests[which].sources ? sizeof(from) : sizeof(struct bsd_group_req);
    u32 to_size = requests[which].sources ? sizeof(to) : offsetof(struct host_group, source);
    long r;

    memset(&to, 0, sizeof(to));
    r = option_read(c, &from, from_size);
    if (r)
        return r;
    to.interface = from.interface;
    r = storage_to_host(from.group, to.group);
    if (!r && requests[which].sources)
        r = storage_to_host(from.source, to.source);
    return r ? r : host(__NR_setsockopt, c->fd, host_level, requests[which].host, &to, to_size);
}

/* IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP: struct ip_mreq or ip_mreqn, alike on both. */
static long ipv4_group(const struct option_call *c)
{
    struct bsd_ip_mreqn value;
    u32 size = c->size >= sizeof(value) ? sizeof(value) : sizeof(struct bsd_ip_mreq);
    long r = option_read(c, &value, size);

    if (r)
        return r;
    return host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP,
                c->name == BSD_IP_ADD_MEMBERSHIP ? LINUX_IP_ADD_MEMBERSHIP : LINUX_IP_DROP_MEMBERSHIP,
                &value, size);
}

static long ipv4_source(const struct option_call *c)
{
    struct bsd_ip_mreq_source from;
    struct linux_ip_mreq_source to;
    long r = option_read(c, &from, sizeof(from));
    int name;

    if (r)
        return r;
    to.multiaddr = from.multiaddr;
    to.interface = from.interface;
    to.sourceaddr = from.sourceaddr;
    switch (c->name) {
    case BSD_IP_ADD_SOURCE_MEMBERSHIP:
        name = LINUX_IP_ADD_SOURCE_MEMBERSHIP;
        break;
    case BSD_IP_DROP_SOURCE_MEMBERSHIP:
        name = LINUX_IP_DROP_SOURCE_MEMBERSHIP;
        break;
    case BSD_IP_BLOCK_SOURCE:
        name = LINUX_IP_BLOCK_SOURCE;
        break;
    default:
        name = LINUX_IP_UNBLOCK_SOURCE;
    }
    return host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP, name, &to, sizeof(to));
}

static long ipv6_group(const struct option_call *c)
{
    struct bsd_ipv6_mreq value;
    long r = option_read(c, &value, sizeof(value));

    if (r)
        return r;
    return host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IPV6,
                c->name == BSD_IPV6_JOIN_GROUP ? LINUX_IPV6_ADD_MEMBERSHIP
                                                   : LINUX_IPV6_DROP_MEMBERSHIP,
                &value, sizeof(value));
}

static void hear_only_own_groups(const struct option_call *c, int host_level)
{
    if (host_level == LINUX_IPPROTO_IP)
        host_option_set(c->fd, host_level, LINUX_IP_MULTICAST_ALL, 0);
    else
        host_option_set(c->fd, host_level, LINUX_IPV6_MULTICAST_ALL, 0);
}

long multicast_group_set(struct option_call *c, int host_level)
{
    size_t i;
    long r;

    for (i = 0; i < ARRAY_LENGTH(requests); i++)
        if (c->name == requests[i].guest)
            break;
    if (i < ARRAY_LENGTH(requests))
        r = any_family(c, host_level, i);
    else if (host_level == LINUX_IPPROTO_IPV6)
        r = ipv6_group(c);
    else if (c->name == BSD_IP_ADD_MEMBERSHIP || c->name == BSD_IP_DROP_MEMBERSHIP)
        r = ipv4_group(c);
    else
        r = ipv4_source(c);
    if (r == 0)
        hear_only_own_groups(c, host_level);
    return r == -ENODEV ? -EADDRNOTAVAIL : r;
}

/* ---- IP_PORTRANGE, IPV6_PORTRANGE: the host keeps the range as its two ends ----------------------- */

#define RANGE(low, high) ((int)((u32)(high) << 16 | (low)))
#define RANGE_HIGH RANGE(49152, 65535)
#define RANGE_LOW RANGE(600, 1023)

static const int ranges[] = {
    [BSD_IP_PORTRANGE_DEFAULT] = 0,
    [BSD_IP_PORTRANGE_HIGH] = RANGE_HIGH,
    [BSD_IP_PORTRANGE_LOW] = RANGE_LOW,
};

static int current_range(int fd)
{
    int value = 0, size = sizeof(value);

    host(__NR_getsockopt, fd, LINUX_IPPROTO_IP, LINUX_IP_LOCAL_PORT_RANGE, &value, &size);
    return value;
}

long port_range_set(struct option_call *c, int wanted)
{
    if (wanted < 0 || (size_t)wanted >= ARRAY_LENGTH(ranges))
        return -EINVAL;
    return host_option_set(c->fd, LINUX_IPPROTO_IP, LINUX_IP_LOCAL_PORT_RANGE, ranges[wanted]);
}

long port_range_get(struct option_call *c)
{
    int range = current_range(c->fd);
    size_t i;

    for (i = 0; i < ARRAY_LENGTH(ranges); i++)
        if (range == ranges[i])
            return option_write_int(c, (int)i);
    return option_write_int(c, BSD_IP_PORTRANGE_DEFAULT);
}

bool socket_wants_low_port(int fd, long kind)
{
    (void)kind;
    return current_range(fd) == RANGE_LOW;
}
