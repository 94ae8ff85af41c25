/* Joining multicast groups of either family by one structure, and with sources. */
#include "socket_own.h"

#define STORAGE 128

struct host_group {
    u32 interface, pad;
    u8 group[STORAGE], source[STORAGE];
};

static const struct {
    int guest, host, sources; /* sources: how many addresses follow the group's */
} requests[] = {
    {FREEBSD_MCAST_JOIN_GROUP, LINUX_MCAST_JOIN_GROUP, 0},
    {FREEBSD_MCAST_LEAVE_GROUP, LINUX_MCAST_LEAVE_GROUP, 0},
    {FREEBSD_MCAST_JOIN_SOURCE_GROUP, LINUX_MCAST_JOIN_SOURCE_GROUP, 1},
    {FREEBSD_MCAST_LEAVE_SOURCE_GROUP, LINUX_MCAST_LEAVE_SOURCE_GROUP, 1},
    {FREEBSD_MCAST_BLOCK_SOURCE, LINUX_MCAST_BLOCK_SOURCE, 1},
    {FREEBSD_MCAST_UNBLOCK_SOURCE, LINUX_MCAST_UNBLOCK_SOURCE, 1},
};

static long storage_to_host(const u8 *from, u8 *to)
{
    union guest_address address;
    union host_address converted;
    long size;

    memset(&address, 0, sizeof(address));
    memcpy(&address, from, STORAGE);
    if (address.family != FREEBSD_AF_INET && address.family != FREEBSD_AF_INET6)
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
    struct freebsd_group_source_req from;
    struct host_group to;
    u32 from_size = requests[which].sources ? sizeof(from) : sizeof(struct freebsd_group_req);
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

static long ipv4_source(const struct option_call *c)
{
    struct freebsd_ip_mreq_source from;
    struct linux_ip_mreq_source to;
    long r = option_read(c, &from, sizeof(from));
    int name;

    if (r)
        return r;
    to.multiaddr = from.multiaddr;
    to.interface = from.interface;
    to.sourceaddr = from.sourceaddr;
    switch (c->name) {
    case FREEBSD_IP_ADD_SOURCE_MEMBERSHIP:
        name = LINUX_IP_ADD_SOURCE_MEMBERSHIP;
        break;
    case FREEBSD_IP_DROP_SOURCE_MEMBERSHIP:
        name = LINUX_IP_DROP_SOURCE_MEMBERSHIP;
        break;
    case FREEBSD_IP_BLOCK_SOURCE:
        name = LINUX_IP_BLOCK_SOURCE;
        break;
    default:
        name = LINUX_IP_UNBLOCK_SOURCE;
    }
    return host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP, name, &to, sizeof(to));
}

long source_membership_set(struct option_call *c, int host_level)
{
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
        if (c->name == requests[i].guest)
            return multicast_joined(c, host_level, any_family(c, host_level, i));
    return multicast_joined(c, host_level, ipv4_source(c));
}
