/* Options at level SOL_SOCKET.
 *
 * getsockopt shows a switch that is on as the option's own bit or as 1, by kernel.  Not served, because
 * the host has nothing like it: SO_SNDLOWAT (set), SO_USER_COOKIE, SO_NO_OFFLOAD, SO_NO_DDP, SO_RERROR,
 * SO_USELOOPBACK. */
#include "socket.h"

/* kern.ipc.maxsockbuf (2 MiB) less what FreeBSD reserves for its buffers' headers. */
#define LARGEST_BUFFER 1864135
#define LONGEST_LINGER 65535

static const struct option_rule rules[] = {
    {BSD_SO_DEBUG, LINUX_SOL_SOCKET, LINUX_SO_DEBUG, WAY_OPTION_IS_ON(BSD_SO_DEBUG), 0},
    {BSD_SO_ACCEPTCONN, LINUX_SOL_SOCKET, LINUX_SO_ACCEPTCONN, WAY_OPTION_IS_ON(BSD_SO_ACCEPTCONN), OPTION_GET_ONLY},
    {BSD_SO_REUSEADDR, LINUX_SOL_SOCKET, LINUX_SO_REUSEADDR, WAY_OPTION_IS_ON(BSD_SO_REUSEADDR), 0},
    {BSD_SO_KEEPALIVE, LINUX_SOL_SOCKET, LINUX_SO_KEEPALIVE, WAY_OPTION_IS_ON(BSD_SO_KEEPALIVE), 0},
    {BSD_SO_DONTROUTE, LINUX_SOL_SOCKET, LINUX_SO_DONTROUTE, WAY_OPTION_IS_ON(BSD_SO_DONTROUTE), 0},
    {BSD_SO_BROADCAST, LINUX_SOL_SOCKET, LINUX_SO_BROADCAST, WAY_OPTION_IS_ON(BSD_SO_BROADCAST), 0},
    {BSD_SO_OOBINLINE, LINUX_SOL_SOCKET, LINUX_SO_OOBINLINE, WAY_OPTION_IS_ON(BSD_SO_OOBINLINE), 0},
    /* The host balances the load between the sockets of one port in either case. */
    {BSD_SO_REUSEPORT, LINUX_SOL_SOCKET, LINUX_SO_REUSEPORT, WAY_OPTION_IS_ON(BSD_SO_REUSEPORT), 0},
    {BSD_SO_RCVLOWAT, LINUX_SOL_SOCKET, LINUX_SO_RCVLOWAT, 0, 0},
    {BSD_SO_SNDLOWAT, LINUX_SOL_SOCKET, LINUX_SO_SNDLOWAT, 0, OPTION_GET_ONLY},
    {BSD_SO_TYPE, LINUX_SOL_SOCKET, LINUX_SO_TYPE, 0, OPTION_GET_ONLY},
    {BSD_SO_NOSIGPIPE, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE, WAY_OPTION_IS_ON(BSD_SO_NOSIGPIPE), 0},
};

static const struct option_rule without_ports[] = {
    {BSD_SO_REUSEPORT, LINUX_SOL_SOCKET, HOST_HOLDS_REUSEPORT, WAY_OPTION_IS_ON(BSD_SO_REUSEPORT), 0},
};

/* ---- sizes and times ---------------------------------------------------------------------------- */

/* The host stores twice what it is told, and shows that. */
static long set_buffer(const struct option_call *c)
{
    bool sending = c->name == BSD_SO_SNDBUF;
    int value;
    long r = option_read_int(c, &value);

    if (r)
        return r;
    if (value < 1)
        return -EINVAL;
    if (value > LARGEST_BUFFER)
        return -ENOBUFS;
    /* Beyond the host's own limit if it lets us: a guest with too little would not be told. */
    if (!host_option_set(c->fd, LINUX_SOL_SOCKET, sending ? LINUX_SO_SNDBUFFORCE : LINUX_SO_RCVBUFFORCE,
                         value))
        return 0;
    return host_option_set(c->fd, LINUX_SOL_SOCKET, sending ? LINUX_SO_SNDBUF : LINUX_SO_RCVBUF, value);
}

static long get_buffer(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_SOL_SOCKET,
                         c->name == BSD_SO_SNDBUF ? LINUX_SO_SNDBUF : LINUX_SO_RCVBUF);

    return r < 0 ? r : option_write_int(c, (int)r / 2);
}

static int timeout_name(int name)
{
    return name == BSD_SO_SNDTIMEO ? LINUX_SO_SNDTIMEO_OLD : LINUX_SO_RCVTIMEO_OLD;
}

static long set_timeout(const struct option_call *c)
{
    struct bsd_timeval limit;
    long r = option_read(c, &limit, sizeof(limit));

    if (r)
        return r;
    if (limit.sec < 0 || limit.usec < 0 || limit.usec >= 1000000)
        return -EDOM;
    const s64 wanted[2] = {limit.sec, limit.usec};
    return host(__NR_setsockopt, c->fd, LINUX_SOL_SOCKET, timeout_name(c->name), wanted, sizeof(wanted));
}

static long get_timeout(struct option_call *c)
{
    s64 limit[2] = {0, 0};
    u32 size = sizeof(limit);
    long r = host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, timeout_name(c->name), limit, &size);

    return r ? r : option_write(c, limit, sizeof(limit));
}

static long set_linger(const struct option_call *c)
{
    struct bsd_linger value;
    long r = option_read(c, &value, sizeof(value));

    if (r)
        return r;
    if (value.linger < 0 || value.linger > LONGEST_LINGER)
        return -EDOM;
    return host(__NR_setsockopt, c->fd, LINUX_SOL_SOCKET, LINUX_SO_LINGER, &value, sizeof(value));
}

static long get_linger(struct option_call *c)
{
    struct bsd_linger value = {0, 0};
    u32 size = sizeof(value);
    long r = host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, LINUX_SO_LINGER, &value, &size);

    if (value.onoff)
        value.onoff = WAY_OPTION_IS_ON(BSD_SO_LINGER);
    return r ? r : option_write(c, &value, sizeof(value));
}

/* ---- the rest ----------------------------------------------------------------------------------- */

/* No accept filter is loaded, as on a kernel without the modules. */
static long set_accept_filter(const struct option_call *c)
{
    struct bsd_accept_filter_arg filter;

    if (host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_ACCEPTCONN) != 1)
        return -EINVAL;
    if (!c->value)
        return 0; /* remove what is not there */
    return option_read(c, &filter, sizeof(filter)) ? -EINVAL : -ENOENT;
}

static long get_error(struct option_call *c)
{
    long r = host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_ERROR);
    int guest;

    if (r < 0)
        return r;
    guest = r ? bsd_errno_from_host((int)r) : 0;
    return option_write_int(c, guest < 0 ? BSD_EIO : guest);
}

long socket_level_set(struct option_call *c)
{
    int value;
    long r;

    switch (c->name) {
    case BSD_SO_SNDBUF:
    case BSD_SO_RCVBUF:
        return set_buffer(c);
    case BSD_SO_SNDTIMEO:
    case BSD_SO_RCVTIMEO:
        return set_timeout(c);
    case BSD_SO_LINGER:
        return set_linger(c);
    case BSD_SO_ACCEPTFILTER:
        return set_accept_filter(c);
    case BSD_SO_NOSIGPIPE:
        __atomic_store_n(&socket_nosigpipe_used, 1, __ATOMIC_RELAXED);
        break;
    case BSD_SO_REUSEPORT:
        if (!socket_is_internet(c->kind))
            return option_set_by_rule(c, without_ports, ARRAY_LENGTH(without_ports));
        break;
    case BSD_SO_RCVLOWAT:
        r = option_read_int(c, &value);
        if (r || value < 1)
            return r ? r : -EINVAL;
        break;
    }
    return option_set_by_rule(c, rules, ARRAY_LENGTH(rules));
}

long socket_level_get(struct option_call *c)
{
    switch (c->name) {
    case BSD_SO_SNDBUF:
    case BSD_SO_RCVBUF:
        return get_buffer(c);
    case BSD_SO_SNDTIMEO:
    case BSD_SO_RCVTIMEO:
        return get_timeout(c);
    case BSD_SO_LINGER:
        return get_linger(c);
    case BSD_SO_ACCEPTFILTER:
        return -EINVAL; /* none is attached */
    case BSD_SO_ERROR:
        return get_error(c);
    case BSD_SO_REUSEPORT:
        if (!socket_is_internet(c->kind))
            return option_get_by_rule(c, without_ports, ARRAY_LENGTH(without_ports));
        break;
    }
    return option_get_by_rule(c, rules, ARRAY_LENGTH(rules));
}
