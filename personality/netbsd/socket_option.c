/* Options that NetBSD alone has, or has in another way than the other BSDs. */
#include "netbsd.h"
#include "socket.h"
#include "socket_own.h"

static const struct option_rule socket_rules[] = {
    {NETBSD_SO_TIMESTAMP, LINUX_SOL_SOCKET, LINUX_SO_TIMESTAMP_OLD, 1, 0},
};

static const struct congestion_words congestion = {"newreno", 12, -EINVAL};

/* ---- time limits of releases before 5: struct timeval with 32 bits of seconds ------------------------------- */

struct timeval50 {
    s32 sec;
    s64 usec;
};

static long old_timeout(struct option_call *c, bool set)
{
    int name = c->name == NETBSD_SO_OSNDTIMEO ? LINUX_SO_SNDTIMEO_OLD : LINUX_SO_RCVTIMEO_OLD;
    s64 limit[2] = {0, 0};
    u32 size = sizeof(limit);
    struct timeval50 old;

    memset(&old, 0, sizeof(old));
    long r = set ? option_read(c, &old, sizeof(old))
                 : host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, name, limit, &size);
    if (r != 0)
        return r;
    if (!set) {
        old.sec = (s32)limit[0];
        old.usec = limit[1];
        return option_write(c, &old, sizeof(old));
    }
    if (old.sec < 0 || old.usec < 0 || old.usec >= 1000000)
        return -EDOM;
    const s64 wanted[2] = {old.sec, old.usec};
    return host(__NR_setsockopt, c->fd, LINUX_SOL_SOCKET, name, wanted, sizeof(wanted));
}

static bool socket_option(struct option_call *c, bool set, long *result)
{
    switch (c->name) {
    case NETBSD_SO_OSNDTIMEO:
    case NETBSD_SO_ORCVTIMEO:
        *result = old_timeout(c, set);
        return true;
    case NETBSD_SO_TIMESTAMP:
        *result = set ? option_set_by_rule(c, socket_rules, ARRAY_LENGTH(socket_rules))
                      : option_get_by_rule(c, socket_rules, ARRAY_LENGTH(socket_rules));
        return true;
    default:
        return false;
    }
}

/* ---- where a datagram came in: one option of the host's, of which two different messages are made ---------- */

static long ask_for_arrival(struct option_call *c, int marker)
{
    int value;
    long r = option_read_int(c, &value);

    if (r == 0)
        r = host_option_set(c->fd, LINUX_SOL_SOCKET, marker, value != 0);
    if (r != 0)
        return r;
    bool wanted = host_option(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_RECVIF) == 1 ||
                  host_option(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_RECVPKTINFO) == 1;
    return host_option_set(c->fd, LINUX_IPPROTO_IP, LINUX_IP_PKTINFO, wanted);
}

static bool ip_option(struct option_call *c, bool set, long *result)
{
    if (c->name != NETBSD_IP_RECVIF && c->name != NETBSD_IP_RECVPKTINFO)
        return false;
    int marker = c->name == NETBSD_IP_RECVIF ? HOST_HOLDS_RECVIF : HOST_HOLDS_RECVPKTINFO;
    *result = set ? ask_for_arrival(c, marker)
                  : option_write_int(c, host_option(c->fd, LINUX_SOL_SOCKET, marker) == 1);
    return true;
}

bool own_option(struct option_call *c, bool set, long *result)
{
    if (c->level == NETBSD_SOL_SOCKET)
        return socket_option(c, set, result);
    if (socket_domain(c->kind) == SOCKET_INET && c->level == NETBSD_IPPROTO_IP)
        return ip_option(c, set, result);
    if (socket_is_tcp(c->kind) && c->level == NETBSD_IPPROTO_TCP && c->name == NETBSD_TCP_CONGCTL) {
        *result = set ? congestion_set(c, &congestion) : congestion_get(c, &congestion);
        return true;
    }
    return false;
}

void own_tcp_info(const struct linux_tcp_info *from UNUSED, struct netbsd_tcp_info *to UNUSED) {}

long own_interface_request(int fd UNUSED, u64 command UNUSED, u64 data UNUSED) { return -EOPNOTSUPP; }

/* ---- local sockets ------------------------------------------------------------------------------------------ */

static long get_peer(struct option_call *c)
{
    struct netbsd_unpcbid peer;
    struct linux_ucred from;
    u32 size = sizeof(from);

    if (!socket_is_connected(c->fd) || socket_type(c->kind) == LINUX_SOCK_DGRAM)
        return -EINVAL;
    long r = host(__NR_getsockopt, c->fd, LINUX_SOL_SOCKET, LINUX_SO_PEERCRED, &from, &size);
    if (r != 0)
        return r;
    peer = (struct netbsd_unpcbid){.pid = from.pid, .euid = from.uid, .egid = from.gid};
    return option_write(c, &peer, sizeof(peer));
}

/* Two forms of one message, of which a socket has one at a time. */
long local_level_get(struct option_call *c)
{
    bool on = host_option(c->fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED) == 1;
    bool old = host_option(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT) == 1;

    switch (c->name) {
    case NETBSD_LOCAL_PEEREID:
        return get_peer(c);
    case NETBSD_LOCAL_CREDS:
    case NETBSD_LOCAL_OCREDS:
        return option_write_int(c, on && old == (c->name == NETBSD_LOCAL_OCREDS));
    default: /* LOCAL_CONNWAIT too: the host's connect never waits for accept */
        return -ENOPROTOOPT;
    }
}

long local_level_set(struct option_call *c)
{
    int value;

    if (c->name != NETBSD_LOCAL_CREDS && c->name != NETBSD_LOCAL_OCREDS)
        return -ENOPROTOOPT;
    long r = option_read_int(c, &value);
    if (r == 0)
        r = host_option_set(c->fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT,
                            value != 0 && c->name == NETBSD_LOCAL_OCREDS);
    return r != 0 ? r : host_option_set(c->fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, value != 0);
}
