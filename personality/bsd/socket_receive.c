/* Receiving: recvfrom and recvmsg.
 *
 * A connection's data comes from nobody on FreeBSD: the address stays empty, also for local sockets,
 * where Linux names the peer. */
#include "socket.h"

#define RECEIVE_FLAGS                                                                                 \
    (LINUX_MSG_OOB | LINUX_MSG_PEEK | LINUX_MSG_WAITALL | LINUX_MSG_DONTWAIT | LINUX_MSG_TRUNC |      \
     LINUX_MSG_CMSG_CLOEXEC)
#define RESULT_FLAGS (BSD_MSG_EOR | BSD_MSG_TRUNC | BSD_MSG_CTRUNC | BSD_MSG_OOB)
#define ECHOED_FLAGS                                                                                  \
    (BSD_MSG_PEEK | BSD_MSG_WAITALL | BSD_MSG_DONTWAIT | BSD_MSG_CMSG_CLOEXEC)
#define MAX_VECTOR 1024 /* UIO_MAXIOV on both */

static long receive_flags(long kind, u32 guest_flags, u64 *flags)
{
    if ((guest_flags & BSD_MSG_OOB) && socket_domain(kind) == SOCKET_UNIX)
        return -EOPNOTSUPP;
    bsd_message_flags_to_host(guest_flags, flags);
    *flags &= RECEIVE_FLAGS;
    /* The host would throw a stream's data away. */
    if (socket_type(kind) == LINUX_SOCK_STREAM)
        *flags &= ~(u64)LINUX_MSG_TRUNC;
    return 0;
}

/* What the host's address of a message's sender is worth to the guest. */
static u32 sender_size(long kind, u32 size)
{
    if (socket_domain(kind) != SOCKET_UNIX)
        return size;
    switch (socket_type(kind)) {
    case LINUX_SOCK_STREAM:
        return 0;
    case LINUX_SOCK_SEQPACKET:
        return sizeof(u16); /* always without a name */
    default:
        return size < sizeof(u16) ? sizeof(u16) : size;
    }
}

/* A local peer that closed with data unread: the host reports that once, FreeBSD not at all. */
static bool try_again(long kind, long r)
{
    return r == -ECONNRESET && socket_domain(kind) == SOCKET_UNIX;
}

static long receive_buffer(struct thread *t, const u64 a[MAX_ARGUMENTS])
{
    union host_address from;
    u64 flags, name = a[4], namelen = a[5];
    u32 room = 0, size = sizeof(from);
    int fd = (int)a[0], attempts = 0;
    long r, kind = socket_kind(t, fd);

    if (kind < 0)
        return kind;
    if (namelen && get_u32(namelen, &room))
        return -EFAULT;
    if ((s64)a[2] < 0)
        return -EINVAL;
    r = receive_flags(kind, (u32)a[3], &flags);
    if (r)
        return r;
    from.family = LINUX_AF_UNIX;
    do
        r = host_intr(__NR_recvfrom, fd, a[1], a[2], flags, name ? &from : NULL, name ? &size : NULL);
    while (try_again(kind, r) && !attempts++);
    if (r == -EINTR)
        return RESTART;
    if (r < 0)
        return r;
    if (name && socket_address_out(&from, sender_size(kind, size), name, &room))
        return -EFAULT;
    if (namelen && put_u32(namelen, room))
        return -EFAULT;
    return r;
}

long bsd_sys_recvfrom(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return receive_buffer(t, a);
}

/* Hands name, control messages and flags over to the guest's header. */
static long finish_message(struct thread *t, int fd, long kind, const struct linux_msghdr *m, u32 flags,
                           struct bsd_msghdr *g)
{
    const union host_address *from = (const union host_address *)m->name;
    bool truncated = false;
    long r;

    if (g->control && (m->flags & LINUX_MSG_CTRUNC) && socket_domain(kind) == SOCKET_UNIX) {
        /* There was room for all descriptors in the message, so it was the table that was full. */
        control_close_rights(m);
        return -EMSGSIZE;
    }
    if (g->name && socket_address_out(from, sender_size(kind, m->namelen), g->name, &g->namelen)) {
        if (g->control)
            control_close_rights(m);
        return -EFAULT;
    }
    g->flags = (s32)(bsd_message_flags_from_host(m->flags) & RESULT_FLAGS);
    if (!socket_is_tcp(kind))
        g->flags |= (s32)(flags & ECHOED_FLAGS);
    if (!g->control) {
        g->flags &= ~BSD_MSG_CTRUNC;
        return 0;
    }
    r = control_from_host(t, fd, kind, m, g->control, g->controllen, &g->controllen, &truncated);
    if (truncated)
        g->flags |= BSD_MSG_CTRUNC;
    return r;
}

static long receive_message(struct thread *t, int fd, struct bsd_msghdr *g, u32 guest_flags)
{
    union host_address from;
    u8 control[CONTROL_ROOM] __attribute__((aligned(8)));
    struct linux_msghdr start, m;
    u64 flags;
    int attempts = 0;
    long r, kind = socket_kind(t, fd);

    if (kind < 0)
        return kind;
    if (g->iovlen < 0 || g->iovlen > MAX_VECTOR)
        return -EMSGSIZE;
    r = receive_flags(kind, guest_flags, &flags);
    if (r)
        return r;
    memset(&start, 0, sizeof(start));
    from.family = LINUX_AF_UNIX;
    if (g->name) {
        start.name = U(&from);
        start.namelen = sizeof(from);
    }
    start.iov = g->iov;
    start.iovlen = (u64)g->iovlen;
    if (g->control) {
        start.control = U(control);
        start.controllen = sizeof(control);
    }
    do {
        m = start;
        r = g->control ? credentials_receive(fd, kind, g->controllen, &m, flags)
                       : host_intr(__NR_recvmsg, fd, &m, flags);
    } while (try_again(kind, r) && !attempts++);
    if (r == -EINTR)
        return RESTART;
    if (r >= 0) {
        long failed = finish_message(t, fd, kind, &m, guest_flags, g);

        if (failed)
            return failed;
    }
    return r;
}

long bsd_sys_recvmsg(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    struct bsd_msghdr g;
    long r;

    (void)f;
    if (copy_in(&g, a[1], sizeof(g)))
        return -EFAULT;
    r = receive_message(t, (int)a[0], &g, (u32)a[2]);
    if (r >= 0 && copy_out(a[1], &g, sizeof(g)))
        return -EFAULT;
    return r;
}
