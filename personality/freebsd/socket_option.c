/* Options that FreeBSD alone has, level by level. */
#include "socket_own.h"

static const struct option_rule ip_rules[] = {
    {FREEBSD_IP_RECVTOS, LINUX_IPPROTO_IP, LINUX_IP_RECVTOS, 1, 0},
};

static const struct option_rule ipv6_rules[] = {
    {FREEBSD_IPV6_AUTOFLOWLABEL, LINUX_IPPROTO_IPV6, LINUX_IPV6_AUTOFLOWLABEL, 1, 0},
};

static long set_dont_fragment(const struct option_call *c)
{
    int value;
    long r = option_read_int(c, &value);

    if (r)
        return r;
    return host_option_set(c->fd, LINUX_IPPROTO_IP, LINUX_IP_MTU_DISCOVER,
                           value ? LINUX_IP_PMTUDISC_DO : LINUX_IP_PMTUDISC_WANT);
}

static long get_dont_fragment(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_IPPROTO_IP, LINUX_IP_MTU_DISCOVER);

    return r < 0 ? r : option_write_int(c, r == LINUX_IP_PMTUDISC_DO);
}

static long set_multicast_interface(const struct option_call *c)
{
    struct freebsd_ip_mreqn by_index;
    long r = option_read(c, &by_index, sizeof(by_index));

    if (r)
        return r;
    r = host(__NR_setsockopt, c->fd, LINUX_IPPROTO_IP, LINUX_IP_MULTICAST_IF, &by_index, sizeof(by_index));
    return r == -ENODEV ? -EADDRNOTAVAIL : r;
}

static bool names_sources(int name)
{
    return (name >= FREEBSD_MCAST_JOIN_GROUP && name <= FREEBSD_MCAST_UNBLOCK_SOURCE);
}

static bool ip_option(struct option_call *c, bool set, long *result)
{
    switch (c->name) {
    case FREEBSD_IP_DONTFRAG:
        *result = set ? set_dont_fragment(c) : get_dont_fragment(c);
        return true;
    case FREEBSD_IP_RECVTOS:
        *result = set ? option_set_by_rule(c, ip_rules, ARRAY_LENGTH(ip_rules))
                      : option_get_by_rule(c, ip_rules, ARRAY_LENGTH(ip_rules));
        return true;
    case FREEBSD_IP_MULTICAST_IF:
        if (!set || c->size < sizeof(struct freebsd_ip_mreqn))
            return false;
        *result = set_multicast_interface(c);
        return true;
    case FREEBSD_IP_ADD_SOURCE_MEMBERSHIP:
    case FREEBSD_IP_DROP_SOURCE_MEMBERSHIP:
    case FREEBSD_IP_BLOCK_SOURCE:
    case FREEBSD_IP_UNBLOCK_SOURCE:
        *result = set ? source_membership_set(c, LINUX_IPPROTO_IP) : -ENOPROTOOPT;
        return true;
    default:
        if (!names_sources(c->name))
            return false;
        *result = set ? source_membership_set(c, LINUX_IPPROTO_IP) : -ENOPROTOOPT;
        return true;
    }
}

/* IPv6's option, which also speaks of packets of IPv4: the host has one of its own for those. */
static long set_with_mapped(const struct option_call *c, int host_name, int host_mapped)
{
    int value;
    long r = option_read_int(c, &value);

    if (r == 0)
        r = host_option_set(c->fd, LINUX_IPPROTO_IPV6, host_name, value != 0);
    if (r == 0)
        host_option_set(c->fd, LINUX_IPPROTO_IP, host_mapped, value != 0);
    return r;
}

static bool ipv6_option(struct option_call *c, bool set, long *result)
{
    if (set && c->name == FREEBSD_IPV6_RECVTCLASS)
        *result = set_with_mapped(c, LINUX_IPV6_RECVTCLASS, LINUX_IP_RECVTOS);
    else if (set && c->name == FREEBSD_IPV6_RECVHOPLIMIT)
        *result = set_with_mapped(c, LINUX_IPV6_RECVHOPLIMIT, LINUX_IP_RECVTTL);
    else if (names_sources(c->name))
        *result = set ? source_membership_set(c, LINUX_IPPROTO_IPV6) : -ENOPROTOOPT;
    else if (c->name == FREEBSD_IPV6_AUTOFLOWLABEL)
        *result = set ? option_set_by_rule(c, ipv6_rules, ARRAY_LENGTH(ipv6_rules))
                      : option_get_by_rule(c, ipv6_rules, ARRAY_LENGTH(ipv6_rules));
    else
        return false;
    return true;
}

bool own_option(struct option_call *c, bool set, long *result)
{
    if (c->level == FREEBSD_SOL_SOCKET)
        return socket_own_option(c, set, result);
    if (socket_domain(c->kind) == SOCKET_INET && c->level == FREEBSD_IPPROTO_IP)
        return ip_option(c, set, result);
    if (socket_domain(c->kind) == SOCKET_INET6 && c->level == FREEBSD_IPPROTO_IPV6)
        return ipv6_option(c, set, result);
    if (socket_is_tcp(c->kind) && c->level == FREEBSD_IPPROTO_TCP)
        return tcp_own_option(c, set, result);
    return false;
}
