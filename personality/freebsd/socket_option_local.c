/* Options at level SOL_LOCAL: who is at the other end, and whether messages say who sent them. */
#include "socket.h"

#define XUCRED_GROUPS 16

/* The peer as it was when the connection was made. */
static long get_peer_credentials(struct option_call *c)
{
    struct freebsd_xucred peer;
    struct linux_ucred from;
    u32 groups[64], size = sizeof(from), more = sizeof(groups), i;
    long r;

    if (!socket_is_connected(c->fd) || socket_type(c->kind) == LINUX_SOCK_DGRAM)
        return socket_type(c->kind) == LINUX_SOCK_STREAM ? -ENOTCONN : -EINVAL;
    r = host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, LINUX_SO_PEERCRED, &from, &size);
    if (r)
        return r;
    memset(&peer, 0, sizeof(peer));
    peer.uid = from.uid;
    peer.pid = from.pid;
    peer.groups[0] = from.gid;
    peer.ngroups = 1;
    /* The list is longer than this array for nobody that xucred could describe. */
    if (!host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, LINUX_SO_PEERGROUPS, groups, &more))
        for (i = 0; i < more / sizeof(groups[0]) && peer.ngroups < XUCRED_GROUPS; i++)
            if (groups[i] != from.gid)
                peer.groups[peer.ngroups++] = groups[i];
    return option_write(c, &peer, sizeof(peer));
}

long local_level_get(struct option_call *c)
{
    bool on, persistent;

    switch (c->name) {
    case FREEBSD_LOCAL_PEERCRED:
        return get_peer_credentials(c);
    case FREEBSD_LOCAL_CREDS:
    case FREEBSD_LOCAL_CREDS_PERSISTENT:
        on = host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED) == 1;
        persistent = host_option(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT) == 1;
        return option_write_int(c, on && persistent == (c->name == FREEBSD_LOCAL_CREDS_PERSISTENT));
    default:
        return -EOPNOTSUPP;
    }
}

long local_level_set(struct option_call *c)
{
    bool persistent = c->name == FREEBSD_LOCAL_CREDS_PERSISTENT, on;
    int value;
    long r;

    if (c->name != FREEBSD_LOCAL_CREDS && !persistent)
        return -ENOPROTOOPT;
    r = option_read_int(c, &value);
    if (r)
        return r;
    on = host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED) == 1;
    /* One of the two at a time. */
    if (value && on && (host_option(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT) == 1) != persistent)
        return -EINVAL;
    r = host_option_set(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT, value && persistent);
    return r ? r : host_option_set(c->fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, value != 0);
}
