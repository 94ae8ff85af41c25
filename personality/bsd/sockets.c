/* Making sockets, and what is done to a socket as a whole: socket, socketpair, listen, shutdown, setfib.
 *
 * What FreeBSD refuses and Linux has (raw local sockets, ICMP datagrams, local protocol 1) is refused
 * here, and the errors are FreeBSD's: an unknown type is EPROTOTYPE, an unknown pair of type and
 * protocol EPROTONOSUPPORT. */
#include "kqueue.h"
#include "socket.h"

struct request {
    long domain, type; /* the host's */
    u64 flags;         /* the host's SOCK_CLOEXEC, SOCK_NONBLOCK */
    int protocol;
    u32 kind;
};

static bool internet_protocol_fits(long type, int protocol)
{
    switch (type) {
    case LINUX_SOCK_STREAM:
        return protocol == LINUX_IPPROTO_TCP || protocol == LINUX_IPPROTO_SCTP;
    case LINUX_SOCK_DGRAM:
        return protocol == LINUX_IPPROTO_UDP || protocol == LINUX_IPPROTO_UDPLITE;
    case LINUX_SOCK_SEQPACKET:
        return protocol == LINUX_IPPROTO_SCTP;
    default:
        return type == LINUX_SOCK_RAW;
    }
}

static long parse_request(int domain, int type, int protocol, struct request *r)
{
    const u64 flags = BSD_SOCK_CLOEXEC | BSD_SOCK_NONBLOCK;
    bool fits;

    r->domain = bsd_address_family_to_host(domain);
    if (r->domain != LINUX_AF_UNIX && r->domain != LINUX_AF_INET && r->domain != LINUX_AF_INET6)
        return -EAFNOSUPPORT;
    if (!bsd_socket_flags_to_host((u32)type & flags, &r->flags))
        return -EINVAL;
    r->type = bsd_socket_type_to_host((u32)type & ~flags);
    r->protocol = protocol;
    if (r->domain == LINUX_AF_UNIX)
        fits = !protocol && (r->type == LINUX_SOCK_STREAM || r->type == LINUX_SOCK_DGRAM ||
                             r->type == LINUX_SOCK_SEQPACKET);
    else
        fits = r->type > 0 && (!protocol || internet_protocol_fits(r->type, protocol));
    if (!fits)
        return !protocol && r->type ? -EPROTOTYPE : -EPROTONOSUPPORT;
    r->kind = socket_kind_of(r->domain, r->type);
    return 0;
}

static long creation_error(long r, int protocol)
{
    if (r == -ESOCKTNOSUPPORT)
        return protocol ? -EPROTONOSUPPORT : -EPROTOTYPE;
    return r;
}

long bsd_sys_socket(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct request q;
    long r = parse_request((int)a[0], (int)a[1], (int)a[2], &q);

    (void)f;
    if (r)
        return r;
    r = creation_error(host(__NR_socket, q.domain, (u64)q.type | q.flags, q.protocol), q.protocol);
    if (r < 0)
        return r;
    socket_kind_set(t, (int)r, q.kind);
    /* net.inet6.ip6.v6only is 1 on FreeBSD: an IPv6 socket leaves the port free for an IPv4 one. */
    if (q.domain == LINUX_AF_INET6)
        host_option_set((int)r, LINUX_IPPROTO_IPV6, LINUX_IPV6_V6ONLY, 1);
    return r;
}

long bsd_sys_socketpair(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct request q;
    int fds[2];
    long r = parse_request((int)a[0], (int)a[1], (int)a[2], &q);

    (void)f;
    if (r)
        return r;
    r = creation_error(host(__NR_socketpair, q.domain, (u64)q.type | q.flags, q.protocol, fds), q.protocol);
    if (r < 0)
        return r;
    if (copy_out(a[3], fds, sizeof(fds))) {
        host(__NR_close, fds[0]);
        host(__NR_close, fds[1]);
        return -EFAULT;
    }
    if (q.type == LINUX_SOCK_DGRAM)
        q.kind |= SOCKET_MAY_BE_CONNECTED;
    socket_kind_set(t, fds[0], q.kind);
    socket_kind_set(t, fds[1], q.kind);
    return 0;
}

long bsd_sys_listen(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    int fd = (int)a[0];
    long r, kind = socket_kind(t, fd);

    (void)f;
    if (kind < 0)
        return kind;
    r = host(__NR_listen, fd, (int)a[1]);
    if (r == -EINVAL && socket_domain(kind) == SOCKET_UNIX && !socket_is_connected(fd))
        return -EDESTADDRREQ;
    return r;
}

/* After SHUT_RD a BSD kernel holds nothing to be read, where the host keeps what had come. */
static void discard_received(int fd)
{
    char sink[4096];
    s64 left = host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_RCVBUF);
    while (left > 0) {
        long r = host(__NR_recvfrom, fd, sink, sizeof(sink), LINUX_MSG_DONTWAIT, NULL, NULL);
        if (r <= 0)
            return;
        left -= r;
    }
}

long bsd_sys_shutdown(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    int fd = (int)a[0];
    long r, kind = socket_kind(t, fd);
    bool unconnected = false;

    (void)f;
    if (kind < 0)
        return kind;
    if (a[1] > BSD_SHUT_RDWR)
        return -EINVAL;
    /* FreeBSD says ENOTCONN for every socket that is not connected; Linux is content with local and
     * with listening ones. */
    if (socket_domain(kind) == SOCKET_UNIX)
        unconnected = !socket_is_connected(fd);
    else if (socket_is_tcp(kind))
        unconnected = host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_ACCEPTCONN) == 1;
    r = host(__NR_shutdown, fd, bsd_shutdown_how_to_host((long)a[1]));
    if (r == 0) {
        if (a[1] != BSD_SHUT_WR)
            discard_received(fd);
        kqueue_socket_shut(t, fd);
    }
    return r == 0 && unconnected ? -ENOTCONN : r;
}

/* There is one routing table, number 0, as on a kernel with net.fibs=1: the host chooses routing tables by
 * network namespace. */
long bsd_sys_setfib(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)t;
    (void)f;
    return (int)a[0] == 0 ? 0 : -EINVAL;
}
