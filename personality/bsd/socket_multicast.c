/* Joining and leaving multicast groups, with and without sources, and the ranges of automatic ports.
 *
 * A FreeBSD socket hears only the groups it joined itself; the host's hears what any socket joined until
 * told otherwise. */
#include "socket.h"

/* IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP: struct ip_mreq, or with an index behind it, alike on both. */
static long ipv4_group(const struct option_call *c)
{
    struct {
        u32 multiaddr, interface, index;
    } value;
    u32 size = c->size >= sizeof(value) ? sizeof(value) : sizeof(struct bsd_ip_mreq);
    long r = option_read(c, &value, size);

    if (r)
        return r;
    return host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP,
                c->name == BSD_IP_ADD_MEMBERSHIP ? LINUX_IP_ADD_MEMBERSHIP : LINUX_IP_DROP_MEMBERSHIP,
                &value, size);
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

long multicast_joined(const struct option_call *c, int host_level, long r)
{
    if (r == 0)
        hear_only_own_groups(c, host_level);
    return r == -ENODEV ? -EADDRNOTAVAIL : r;
}

long multicast_group_set(struct option_call *c, int host_level)
{
    long r = host_level == LINUX_IPPROTO_IPV6 ? ipv6_group(c) : ipv4_group(c);
    return multicast_joined(c, host_level, r);
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
