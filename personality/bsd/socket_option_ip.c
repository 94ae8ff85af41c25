/* Options at the levels IPPROTO_IP and IPPROTO_IPV6.
 *
 * IP_RECVDSTADDR and IP_RECVIF are two switches here and one on the host (IP_PKTINFO).  Each gets a host
 * option to itself: the destination comes with IP_ORIGDSTADDR, the interface with IP_PKTINFO, and
 * socket_control.c takes the needed part out of each.  Not served: IP_ORIGDSTADDR itself for that
 * reason, IP_ONESBCAST, IP_RECVOPTS, IP_RETOPTS, virtual interfaces, source filters as one list
 * (MSFILTER), IPsec policies, flow identifiers, IPV6_USE_MIN_MTU and IPV6_RECVPATHMTU. */
#include "socket.h"

#define LONGEST_IP_OPTIONS 40

static const struct option_rule ip_rules[] = {
    {BSD_IP_HDRINCL, LINUX_IPPROTO_IP, LINUX_IP_HDRINCL, 1, 0},
    {BSD_IP_TOS, LINUX_IPPROTO_IP, LINUX_IP_TOS, 0, 0},
    {BSD_IP_TTL, LINUX_IPPROTO_IP, LINUX_IP_TTL, 0, 0},
    {BSD_IP_MINTTL, LINUX_IPPROTO_IP, LINUX_IP_MINTTL, 0, 0},
    {BSD_IP_RECVDSTADDR, LINUX_IPPROTO_IP, LINUX_IP_ORIGDSTADDR, 1, 0},
    {BSD_IP_RECVIF, LINUX_IPPROTO_IP, LINUX_IP_PKTINFO, 1, 0},
    {BSD_IP_RECVTTL, LINUX_IPPROTO_IP, LINUX_IP_RECVTTL, 1, 0},
    {BSD_IP_BINDANY, LINUX_IPPROTO_IP, LINUX_IP_TRANSPARENT, 1, 0},
    {BSD_IP_MULTICAST_TTL, LINUX_IPPROTO_IP, LINUX_IP_MULTICAST_TTL, 0, OPTION_BYTE},
    {BSD_IP_MULTICAST_LOOP, LINUX_IPPROTO_IP, LINUX_IP_MULTICAST_LOOP, 1, OPTION_BYTE},
};

static const struct option_rule ipv6_rules[] = {
    {BSD_IPV6_UNICAST_HOPS, LINUX_IPPROTO_IPV6, LINUX_IPV6_UNICAST_HOPS, 0, 0},
    {BSD_IPV6_MULTICAST_IF, LINUX_IPPROTO_IPV6, LINUX_IPV6_MULTICAST_IF, 0, 0},
    {BSD_IPV6_MULTICAST_HOPS, LINUX_IPPROTO_IPV6, LINUX_IPV6_MULTICAST_HOPS, 0, 0},
    {BSD_IPV6_MULTICAST_LOOP, LINUX_IPPROTO_IPV6, LINUX_IPV6_MULTICAST_LOOP, 0, 0},
    {BSD_IPV6_CHECKSUM, LINUX_IPPROTO_IPV6, LINUX_IPV6_CHECKSUM, 0, 0},
    {BSD_IPV6_V6ONLY, LINUX_IPPROTO_IPV6, LINUX_IPV6_V6ONLY, 1, 0},
    {BSD_IPV6_RECVPKTINFO, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVPKTINFO, 1, 0},
    {BSD_IPV6_RECVHOPLIMIT, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVHOPLIMIT, 1, 0},
    {BSD_IPV6_RECVRTHDR, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVRTHDR, 1, 0},
    {BSD_IPV6_RECVHOPOPTS, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVHOPOPTS, 1, 0},
    {BSD_IPV6_RECVDSTOPTS, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVDSTOPTS, 1, 0},
    {BSD_IPV6_RECVTCLASS, LINUX_IPPROTO_IPV6, LINUX_IPV6_RECVTCLASS, 1, 0},
    {BSD_IPV6_TCLASS, LINUX_IPPROTO_IPV6, LINUX_IPV6_TCLASS, 0, 0},
    {BSD_IPV6_DONTFRAG, LINUX_IPPROTO_IPV6, LINUX_IPV6_DONTFRAG, 1, 0},
    {BSD_IPV6_BINDANY, LINUX_IPPROTO_IPV6, LINUX_IPV6_TRANSPARENT, 1, 0},
};

/* Options whose value is a run of bytes that both kernels read alike. */
static long set_bytes(const struct option_call *c, int host_level, int host_name, u32 most)
{
    u8 value[LONGEST_IP_OPTIONS];
    long r;

    if (c->size > most)
        return -EINVAL;
    r = c->size ? option_read(c, value, c->size) : 0;
    return r ? r : host(__NR_setsockopt, c->fd, host_level, host_name, value, c->size);
}

static long get_bytes(struct option_call *c, int host_level, int host_name, u32 most)
{
    u8 value[LONGEST_IP_OPTIONS];
    u32 size = most;
    long r = host(__NR_getsockopt, c->fd, host_level, host_name, value, &size);

    return r ? r : option_write(c, value, size);
}

/* By address here; the kernels that know more forms have served those already. */
static long set_multicast_interface(const struct option_call *c)
{
    u32 address;
    long r = option_read(c, &address, sizeof(address));

    return r ? r : host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP, LINUX_IP_MULTICAST_IF, &address,
                        sizeof(address));
}

long ip_level_set(struct option_call *c)
{
    int value;
    long r;

    switch (c->name) {
    case BSD_IP_OPTIONS:
        return set_bytes(c, LINUX_IPPROTO_IP, LINUX_IP_OPTIONS, LONGEST_IP_OPTIONS);
    case BSD_IP_MULTICAST_IF:
        r = set_multicast_interface(c);
        return r == -ENODEV ? -EADDRNOTAVAIL : r;
    case BSD_IP_ADD_MEMBERSHIP:
    case BSD_IP_DROP_MEMBERSHIP:
        return multicast_group_set(c, LINUX_IPPROTO_IP);
    case BSD_IP_PORTRANGE:
        r = option_read_int(c, &value);
        return r ? r : port_range_set(c, value);
    default:
        return option_set_by_rule(c, ip_rules, ARRAY_LENGTH(ip_rules));
    }
}

long ip_level_get(struct option_call *c)
{
    switch (c->name) {
    case BSD_IP_OPTIONS:
        return get_bytes(c, LINUX_IPPROTO_IP, LINUX_IP_OPTIONS, LONGEST_IP_OPTIONS);
    case BSD_IP_MULTICAST_IF:
        return get_bytes(c, LINUX_IPPROTO_IP, LINUX_IP_MULTICAST_IF, 4);
    case BSD_IP_PORTRANGE:
        return port_range_get(c);
    default:
        return option_get_by_rule(c, ip_rules, ARRAY_LENGTH(ip_rules));
    }
}

static long get_path_mtu(struct option_call *c)
{
    struct {
        struct linux_sockaddr_in6 address;
        u32 mtu;
    } from;
    struct {
        struct bsd_sockaddr_in6 address;
        u32 mtu;
    } to;
    u32 size = sizeof(from);
    long r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_IPV6, LINUX_IPV6_PATHMTU, &from, &size);

    if (r)
        return r;
    memset(&to, 0, sizeof(to));
    to.address.len = sizeof(to.address);
    to.address.family = BSD_AF_INET6;
    memcpy(to.address.addr, from.address.addr, sizeof(to.address.addr));
    to.address.scope_id = from.address.scope_id;
    to.mtu = from.mtu;
    return option_write(c, &to, sizeof(to));
}

long ipv6_level_set(struct option_call *c)
{
    int value;
    long r;

    switch (c->name) {
    case BSD_IPV6_PKTINFO:
        return set_bytes(c, LINUX_IPPROTO_IPV6, LINUX_IPV6_PKTINFO, sizeof(struct bsd_in6_pktinfo));
    case BSD_IPV6_JOIN_GROUP:
    case BSD_IPV6_LEAVE_GROUP:
        return multicast_group_set(c, LINUX_IPPROTO_IPV6);
    case BSD_IPV6_PORTRANGE:
        r = option_read_int(c, &value);
        return r ? r : port_range_set(c, value);
    default:
        return option_set_by_rule(c, ipv6_rules, ARRAY_LENGTH(ipv6_rules));
    }
}

long ipv6_level_get(struct option_call *c)
{
    switch (c->name) {
    case BSD_IPV6_PATHMTU:
        return get_path_mtu(c);
    case BSD_IPV6_PORTRANGE:
        return port_range_get(c);
    default:
        return option_get_by_rule(c, ipv6_rules, ARRAY_LENGTH(ipv6_rules));
    }
}
