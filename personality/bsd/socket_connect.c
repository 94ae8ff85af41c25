/* Connections: connect, connectat, accept and accept4.
 *
 * An interrupted connect is never restarted: it goes on in the background and the call fails with
 * EINTR.  accept, unlike accept4, hands the listening socket's O_NONBLOCK and O_ASYNC on. */
#include "socket.h"

/* A signal came before the host's connect was entered or while it waited.  Either way the guest will
 * expect the attempt to be under way. */
static long connect_interrupted(int fd, const union host_address *to, u32 size)
{
    long r, flags = host(__NR_fcntl, fd, F_GETFL, 0);

    if (flags < 0)
        return flags;
    host(__NR_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
    r = host(__NR_connect, fd, to, size);
    host(__NR_fcntl, fd, F_SETFL, flags);
    if (r == -EINPROGRESS || r == -EALREADY || r == -EAGAIN)
        return -EINTR;
    return r == -EISCONN ? 0 : r;
}

static long connect_error(int fd, long kind, const union host_address *to, long r)
{
    bool local = socket_domain(kind) == SOCKET_UNIX;

    /* FreeBSD looks at the socket before it looks for the file. */
    if (local && socket_type(kind) != LINUX_SOCK_DGRAM && socket_is_connected(fd))
        return -EISCONN;
    if ((r == -EISCONN || r == -EINVAL) && host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_ACCEPTCONN) == 1)
        return -EOPNOTSUPP;
    if (r == -ECONNREFUSED && local && !socket_exists_at(to))
        return -ENOTSOCK;
    /* The listener's queue is full. */
    if (r == -EAGAIN && local)
        return -ECONNREFUSED;
    return r;
}

/* connect() to no family dissolves a datagram socket's connection and then fails. */
static long connect_to_nothing(struct thread *t, int fd, long kind)
{
    static const union host_address nothing;

    if (socket_type(kind) != LINUX_SOCK_DGRAM)
        return socket_is_connected(fd) ? -EISCONN : -EAFNOSUPPORT;
    host(__NR_connect, fd, &nothing, sizeof(nothing.in));
    socket_kind_set(t, fd, (u32)kind & ~(u32)SOCKET_MAY_BE_CONNECTED);
    return -EAFNOSUPPORT;
}

static long connect_to(struct thread *t, int fd, long kind, const union host_address *to, u32 size)
{
    int type = socket_type(kind);
    long r;

    if (to->family == LINUX_AF_UNSPEC)
        return connect_to_nothing(t, fd, kind);
    if ((socket_domain(kind) == SOCKET_UNIX) != (to->family == LINUX_AF_UNIX) ||
        (socket_domain(kind) == SOCKET_INET && to->family != LINUX_AF_INET) ||
        (socket_domain(kind) == SOCKET_INET6 && to->family != LINUX_AF_INET6))
        return -EAFNOSUPPORT;
    if (socket_is_internet(kind) && !to->in.port && type != LINUX_SOCK_RAW)
        return -EADDRNOTAVAIL;
    r = host_intr(__NR_connect, fd, to, size);
    if (r == RESTART || r == -EINTR)
        r = connect_interrupted(fd, to, size);
    if (r < 0)
        return connect_error(fd, kind, to, r);
    if (type == LINUX_SOCK_DGRAM)
        socket_kind_set(t, fd, (u32)kind | SOCKET_MAY_BE_CONNECTED);
    /* Never the first call's answer on a non-blocking TCP socket: the connection was complete. */
    else if (socket_is_tcp(kind) && socket_is_nonblocking(fd))
        return -EISCONN;
    return 0;
}

long bsd_sys_connect(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    union host_address to;
    long size, kind = socket_kind(t, (int)a[0]);

    (void)f;
    if (kind < 0)
        return kind;
    size = socket_address_in(a[1], (u32)a[2], &to);
    return size < 0 ? size : connect_to(t, (int)a[0], kind, &to, (u32)size);
}

/* Below a directory: the socket's file is opened first, and named through its descriptor. */
static long connect_below(struct thread *t, int directory, int fd, long kind, union host_address *to)
{
    long r, at;
    int n;

    if (fd_is_reserved(t, directory))
        return -EBADF;
    at = host(__NR_openat, directory, to->un.path, O_PATH | O_CLOEXEC, 0);
    if (at < 0)
        return at;
    n = format((char *)to->un.path, sizeof(to->un.path), "/proc/self/fd/%d", (int)at);
    r = connect_to(t, fd, kind, to, (u32)(2 + n + 1));
    host(__NR_close, at);
    return r;
}

long bsd_sys_connectat(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    union host_address to;
    int directory = (int)a[0], fd = (int)a[1];
    long size, kind = socket_kind(t, fd);

    (void)f;
    if (kind < 0)
        return kind;
    size = socket_address_in(a[2], (u32)a[3], &to);
    if (size < 0)
        return size;
    if (directory == AT_FDCWD)
        return connect_to(t, fd, kind, &to, (u32)size);
    if (socket_domain(kind) != SOCKET_UNIX)
        return -EOPNOTSUPP;
    if (to.family == LINUX_AF_UNIX && to.un.path[0] != '/')
        return connect_below(t, directory, fd, kind, &to);
    return connect_to(t, fd, kind, &to, (u32)size);
}

/* What the host does not carry over from the listening socket. */
static void inherit(int listener, int fd, long kind, long listener_flags, bool with_flags)
{
    long owner;

    if (socket_domain(kind) == SOCKET_UNIX &&
        host_option(listener, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE) == 1)
        host_option_set(fd, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE, 1);
    if (with_flags && (listener_flags & FASYNC)) {
        owner = host(__NR_fcntl, listener, F_GETOWN, 0);
        host(__NR_fcntl, fd, F_SETOWN, owner);
        host(__NR_fcntl, fd, F_SETFL, listener_flags & (O_NONBLOCK | FASYNC));
    }
}

static long accept_connection(struct thread *t, int fd, u64 name, u64 length, u64 flags, bool with_flags)
{
    union host_address peer;
    u32 size = sizeof(peer), room = 0;
    long r, listener_flags = 0, kind = socket_kind(t, fd);

    if (kind < 0)
        return kind;
    if (name && get_u32(length, &room))
        return -EFAULT;
    if (with_flags) {
        listener_flags = host(__NR_fcntl, fd, F_GETFL, 0);
        if (listener_flags < 0)
            return listener_flags;
        if (listener_flags & O_NONBLOCK)
            flags |= LINUX_SOCK_NONBLOCK;
    }
    r = host_intr(__NR_accept4, fd, &peer, &size, flags);
    if (r == -EINTR)
        return RESTART;
    if (r == -EOPNOTSUPP)
        return -EINVAL;
    if (r < 0)
        return r;
    if (name && (socket_address_out(&peer, size, name, &room) || put_u32(length, room))) {
        host(__NR_close, r);
        return -EFAULT;
    }
    socket_kind_set(t, (int)r, (u32)kind);
    inherit(fd, (int)r, kind, listener_flags, with_flags);
    return r;
}

long bsd_sys_accept(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return accept_connection(t, (int)a[0], a[1], a[2], 0, true);
}

long bsd_sys_accept4(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    u64 flags;

    (void)f;
    if (!bsd_socket_flags_to_host((u32)a[3], &flags))
        return -EINVAL;
    return accept_connection(t, (int)a[0], a[1], a[2], flags, false);
}
