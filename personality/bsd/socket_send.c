/* Sending: sendto, sendmsg, and write() where SO_NOSIGPIPE matters.
 *
 * The host is always told not to raise SIGPIPE: whether the guest gets one depends on an option of the
 * socket that the host does not know, and it costs nothing to find out only when the pipe is broken.
 * FreeBSD never waits for room at a local datagram socket; it fails with ENOBUFS. */
#include "kqueue.h"
#include "socket.h"

#define SEND_FLAGS                                                                                    \
    (LINUX_MSG_OOB | LINUX_MSG_DONTROUTE | LINUX_MSG_EOR | LINUX_MSG_DONTWAIT | LINUX_MSG_NOSIGNAL)
#define MAX_VECTOR 1024 /* UIO_MAXIOV on both */
#define SI_KERNEL_HOST 0x80
#define TCP_CLOSE_HOST 7
#define TCP_LISTEN_HOST 10

u32 socket_nosigpipe_used;

static void raise_sigpipe(void)
{
    struct siginfo_host info;

    memset(&info, 0, sizeof(info));
    info.signo = LINUX_SIGPIPE;
    info.code = SI_KERNEL_HOST;
    host(__NR_rt_tgsigqueueinfo, host(__NR_getpid), host(__NR_gettid), LINUX_SIGPIPE, &info);
}

static long broken_pipe(int fd, u32 guest_flags)
{
    if (!(guest_flags & BSD_MSG_NOSIGNAL) &&
        host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE) != 1)
        raise_sigpipe();
    return -EPIPE;
}

/* The host says EPIPE also for a TCP socket that has not been connected yet. */
static bool was_never_connected(int fd)
{
    struct linux_tcp_info info;
    u32 size = sizeof(info);

    memset(&info, 0, sizeof(info));
    if (host(__NR_getsockopt, fd, LINUX_IPPROTO_TCP, LINUX_TCP_INFO, &info, &size))
        return false;
    return info.state == TCP_LISTEN_HOST || (info.state == TCP_CLOSE_HOST && !info.segs_out);
}

static long transmit(int fd, const struct outgoing *o, u64 flags)
{
    const struct linux_msghdr *m = &o->message;

    if (o->vector)
        return host_intr(__NR_sendmsg, fd, m, flags);
    return host_intr(__NR_sendto, fd, o->buffer, o->length, flags, m->name, m->namelen);
}

static long send_failed(int fd, long kind, const struct outgoing *o, u32 guest_flags, u64 flags, long r)
{
    const union host_address *to = (const union host_address *)o->message.name;
    const u32 no_wait = BSD_MSG_DONTWAIT | BSD_MSG_NBIO;

    switch (-r) {
    case EINTR:
        return RESTART;
    case EAGAIN:
        if (socket_is(kind, SOCKET_UNIX, LINUX_SOCK_DGRAM) && !(guest_flags & no_wait) &&
            !socket_is_nonblocking(fd))
            return -ENOBUFS;
        return r;
    case ECONNREFUSED:
        if (!socket_is(kind, SOCKET_UNIX, LINUX_SOCK_DGRAM))
            return r;
        /* The socket this one was connected to is gone. */
        if (!to)
            return -ECONNRESET;
        return socket_exists_at(to) ? r : -ENOTSOCK;
    case EINVAL:
        return socket_is_internet(kind) && to && !to->in.port ? -EADDRNOTAVAIL : r;
    case EPIPE:
        if (!socket_is_tcp(kind) || !was_never_connected(fd))
            return broken_pipe(fd, guest_flags);
        /* FreeBSD connects implicitly when there is somebody to connect to. */
        r = to ? transmit(fd, o, flags | LINUX_MSG_FASTOPEN) : -ENOTCONN;
        return r == -EOPNOTSUPP ? -ENOTCONN : r == -EINTR ? RESTART : r;
    default:
        return r;
    }
}

static u64 total_length(const struct outgoing *o)
{
    u64 i, length, total = o->length;

    if (o->vector)
        for (i = 0, total = 0; i < o->message.iovlen; i++)
            if (!get_u64(o->message.iov + i * 16 + 8, &length))
                total += length;
    return total;
}

long socket_send(int fd, long kind, struct outgoing *o, u32 guest_flags)
{
    struct linux_msghdr *m = &o->message;
    u64 flags;
    long r;

    bsd_message_flags_to_host(guest_flags, &flags);
    flags = (flags & SEND_FLAGS) | LINUX_MSG_NOSIGNAL;
    if ((guest_flags & BSD_MSG_EOR) && socket_type(kind) == LINUX_SOCK_STREAM)
        return -EINVAL;
    if (socket_domain(kind) == SOCKET_UNIX) {
        if (guest_flags & BSD_MSG_OOB)
            return -EOPNOTSUPP;
        if (socket_type(kind) == LINUX_SOCK_DGRAM) {
            flags |= LINUX_MSG_DONTWAIT;
        } else {
            m->name = 0; /* of no use to a connection */
            m->namelen = 0;
        }
    }
    if (m->namelen && (kind & SOCKET_MAY_BE_CONNECTED)) {
        if (socket_is_connected(fd))
            return -EISCONN;
        socket_kind_set(current_thread(), fd, (u32)kind & ~(u32)SOCKET_MAY_BE_CONNECTED);
    }
    r = transmit(fd, o, flags);
    if (r < 0)
        return send_failed(fd, kind, o, guest_flags, flags, r);
    if ((guest_flags & BSD_MSG_EOF) && socket_is_tcp(kind) && (u64)r == total_length(o)) {
        host(__NR_shutdown, fd, LINUX_SHUT_WR);
        kqueue_socket_shut(current_thread(), fd);
    }
    return r;
}

/* The address of a message; its size on the host, or -errno. */
static long destination(long kind, u64 name, u32 length, union host_address *to)
{
    long size = socket_address_in(name, length, to);
    int domain = socket_domain(kind);

    if (size < 0 || socket_type(kind) == LINUX_SOCK_STREAM)
        return size;
    if ((domain == SOCKET_UNIX && to->family != LINUX_AF_UNIX) ||
        (domain == SOCKET_INET && to->family != LINUX_AF_INET) ||
        (domain == SOCKET_INET6 && to->family != LINUX_AF_INET6))
        return -EAFNOSUPPORT;
    return size;
}

static long send_buffer(struct thread *t, int fd, u64 buffer, u64 length, u32 flags, u64 name, u32 namelen)
{
    union host_address to;
    struct outgoing o = {.buffer = buffer, .length = length, .vector = false};
    long size, kind = socket_kind(t, fd);

    if (kind < 0)
        return kind;
    if ((s64)length < 0)
        return -EINVAL;
    if (name) {
        size = destination(kind, name, namelen, &to);
        if (size < 0)
            return size;
        o.message.name = U(&to);
        o.message.namelen = (u32)size;
    }
    return socket_send(fd, kind, &o, flags);
}

long bsd_sys_sendto(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return send_buffer(t, (int)a[0], a[1], a[2], (u32)a[3], a[4], (u32)a[5]);
}

static long convert_control(struct thread *t, long kind, const struct bsd_msghdr *g,
                            struct control_buffer *to)
{
    u8 from[CONTROL_ROOM] __attribute__((aligned(8)));

    if (g->controllen < sizeof(struct bsd_cmsghdr) || g->controllen > sizeof(from))
        return -EINVAL;
    if (copy_in(from, g->control, g->controllen))
        return -EFAULT;
    return control_to_host(t, kind, from, g->controllen, to);
}

/* The mark to send along, or -errno. */
static long add_mark(struct control_buffer *to)
{
    s32 *place = control_append_host(to, LINUX_SOL_SOCKET, LINUX_SCM_RIGHTS, sizeof(*place));
    long mark = place ? credential_mark_make() : -EINVAL;

    if (mark >= 0)
        *place = (s32)mark;
    return mark;
}

static long send_message(struct thread *t, int fd, const struct bsd_msghdr *g, u32 flags)
{
    union host_address to;
    u8 control[2 * CONTROL_ROOM] __attribute__((aligned(8)));
    struct control_buffer b = {.room = sizeof(control), .bytes = control};
    struct outgoing o = {.vector = true};
    long r, mark = -1, kind = socket_kind(t, fd);

    if (kind < 0)
        return kind;
    if (g->iovlen < 0 || g->iovlen > MAX_VECTOR)
        return -EMSGSIZE;
    o.message.iov = g->iov;
    o.message.iovlen = (u64)g->iovlen;
    if (g->name) {
        r = destination(kind, g->name, g->namelen, &to);
        if (r < 0)
            return r;
        o.message.name = U(&to);
        o.message.namelen = (u32)r;
    }
    if (g->control) {
        r = convert_control(t, kind, g, &b);
        if (r)
            return r;
        if (b.marked) {
            mark = add_mark(&b);
            if (mark < 0)
                return mark;
        }
        if (b.used) {
            o.message.control = U(control);
            o.message.controllen = b.used;
        }
    }
    r = socket_send(fd, kind, &o, flags);
    if (mark >= 0)
        host(__NR_close, mark);
    return r;
}

long bsd_sys_sendmsg(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_msghdr g;

    (void)f;
    return copy_in(&g, a[1], sizeof(g)) ? -EFAULT : send_message(t, (int)a[0], &g, (u32)a[2]);
}

long socket_write(struct thread *t, int fd, u64 buffer, u64 length, bool vector)
{
    struct outgoing o = {.buffer = buffer, .length = length, .vector = vector};
    long kind = socket_kind(t, fd);

    if (kind < 0)
        return -ENOTSOCK;
    if (host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_NOSIGPIPE) != 1)
        return -ENOTSOCK;
    if (vector) {
        o.message.iov = buffer;
        o.message.iovlen = length;
    }
    return socket_send(fd, kind, &o, 0);
}

long socket_write_broken(struct thread *t, int fd)
{
    long kind = socket_kind(t, fd);

    if (kind > 0 && socket_type(kind) != LINUX_SOCK_STREAM)
        return broken_pipe(fd, 0);
    return -EPIPE;
}
