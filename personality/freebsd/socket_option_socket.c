/* Options at level SOL_SOCKET that only FreeBSD has: time stamps on four clocks, the queue of a listening socket, what
 * there is one of (routing tables) or none (MAC labels). */
#include "socket_own.h"

static const struct option_rule rules[] = {
    /* The host balances the load between the sockets of one port in either case. */
    {FREEBSD_SO_REUSEPORT_LB, LINUX_SOL_SOCKET, LINUX_SO_REUSEPORT, FREEBSD_SO_REUSEPORT_LB, 0},
    {FREEBSD_SO_PROTOCOL, LINUX_SOL_SOCKET, LINUX_SO_PROTOCOL, 0, OPTION_GET_ONLY},
    {FREEBSD_SO_MAX_PACING_RATE, LINUX_SOL_SOCKET, LINUX_SO_MAX_PACING_RATE, 0, 0},
};

/* ---- time stamps: the host's four ways of asking for them stand for FreeBSD's four clocks ------- */

#define TIMESTAMPS_OFF (-1)

static const int timestamp_modes[] = {
    [FREEBSD_SO_TS_REALTIME_MICRO] = LINUX_SO_TIMESTAMP_OLD,
    [FREEBSD_SO_TS_BINTIME] = LINUX_SO_TIMESTAMPNS_NEW,
    [FREEBSD_SO_TS_REALTIME] = LINUX_SO_TIMESTAMPNS_OLD,
    [FREEBSD_SO_TS_MONOTONIC] = LINUX_SO_TIMESTAMP_NEW,
};

/* The FreeBSD clock in use, or TIMESTAMPS_OFF. */
int socket_timestamp_mode(int fd)
{
    size_t i;

    for (i = 0; i < ARRAY_LENGTH(timestamp_modes); i++)
        if (host_option(fd, LINUX_SOL_SOCKET, timestamp_modes[i]) == 1)
            return (int)i;
    return TIMESTAMPS_OFF;
}

static long set_timestamps(const struct option_call *c)
{
    int value, clock = socket_timestamp_mode(c->fd);
    long r = option_read_int(c, &value);

    if (r)
        return r;
    if (c->name == FREEBSD_SO_TS_CLOCK) {
        if (value < 0 || value > FREEBSD_SO_TS_MONOTONIC)
            return -EINVAL;
        /* The choice is kept in the host's mode, which there is none of while stamps are off. */
        if (clock == TIMESTAMPS_OFF)
            return value == FREEBSD_SO_TS_REALTIME_MICRO ? 0 : -ENOPROTOOPT;
        clock = value;
        value = 1;
    } else if (c->name == FREEBSD_SO_BINTIME) {
        clock = FREEBSD_SO_TS_BINTIME;
    } else if (clock == TIMESTAMPS_OFF) {
        clock = FREEBSD_SO_TS_REALTIME_MICRO;
    }
    return host_option_set(c->fd, LINUX_SOL_SOCKET, timestamp_modes[clock], value != 0);
}

static long get_timestamps(struct option_call *c)
{
    int clock = socket_timestamp_mode(c->fd);

    if (c->name == FREEBSD_SO_TS_CLOCK)
        return option_write_int(c, clock == TIMESTAMPS_OFF ? FREEBSD_SO_TS_REALTIME_MICRO : clock);
    if (c->name == FREEBSD_SO_BINTIME)
        return option_write_int(c, clock == FREEBSD_SO_TS_BINTIME ? FREEBSD_SO_BINTIME : 0);
    return option_write_int(c, clock >= 0 && clock != FREEBSD_SO_TS_BINTIME ? FREEBSD_SO_TIMESTAMP : 0);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

/* The host shows a listening TCP socket's queue in the members of tcp_info that count segments; the
 * queue of incomplete connections is empty on FreeBSD too, which keeps those elsewhere. */
static long get_listen_queue(struct option_call *c)
{
    struct linux_tcp_info info;
    u32 size = sizeof(info);
    long r;

    if (host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_ACCEPTCONN) != 1 ||
        c->name == FREEBSD_SO_LISTENINCQLEN)
        return option_write_int(c, 0);
    if (!socket_is_tcp(c->kind))
        return -ENOPROTOOPT;
    memset(&info, 0, sizeof(info));
    r = host(__NR_getsockopt, c->fd, LINUX_IPPROTO_TCP, LINUX_TCP_INFO, &info, &size);
    if (r)
        return r;
    return option_write_int(c, (int)(c->name == FREEBSD_SO_LISTENQLEN ? info.unacked : info.sacked));
}

/* There is one routing table. */
static long set_routing_table(const struct option_call *c)
{
    int value;
    long r = option_read_int(c, &value);

    return r ? r : value ? -EINVAL : 0;
}

static long get_domain(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_DOMAIN);

    return r < 0 ? r : option_write_int(c, (int)freebsd_address_family_from_host(r));
}

bool socket_own_option(struct option_call *c, bool set, long *result)
{
    switch (c->name) {
    case FREEBSD_SO_TIMESTAMP:
    case FREEBSD_SO_BINTIME:
    case FREEBSD_SO_TS_CLOCK:
        *result = set ? set_timestamps(c) : get_timestamps(c);
        return true;
    case FREEBSD_SO_LABEL:
    case FREEBSD_SO_PEERLABEL:
        *result = set && c->name == FREEBSD_SO_PEERLABEL ? -ENOPROTOOPT : -EOPNOTSUPP;
        return true;
    case FREEBSD_SO_SETFIB:
        *result = set ? set_routing_table(c) : -ENOPROTOOPT;
        return true;
    case FREEBSD_SO_DOMAIN:
        *result = set ? -ENOPROTOOPT : get_domain(c);
        return true;
    case FREEBSD_SO_LISTENQLIMIT:
    case FREEBSD_SO_LISTENQLEN:
    case FREEBSD_SO_LISTENINCQLEN:
        *result = set ? -ENOPROTOOPT : get_listen_queue(c);
        return true;
    case FREEBSD_SO_REUSEPORT_LB:
    case FREEBSD_SO_PROTOCOL:
    case FREEBSD_SO_MAX_PACING_RATE:
        *result = set ? option_set_by_rule(c, rules, ARRAY_LENGTH(rules))
                      : option_get_by_rule(c, rules, ARRAY_LENGTH(rules));
        return true;
    default:
        return false;
    }
}
