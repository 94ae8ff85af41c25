/* Credentials that travel with messages on local sockets.
 *
 * FreeBSD has three forms.  A sender may attach SCM_CREDS, which the kernel fills in, and the receiver
 * gets it without having asked (struct cmsgcred).  A receiver may ask: LOCAL_CREDS adds struct sockcred
 * to the next message (to every datagram), LOCAL_CREDS_PERSISTENT adds struct sockcred2 to each.  The
 * host has one form, struct ucred, and the receiver must have asked (SO_PASSCRED).  It carries neither
 * the effective ids nor the groups, so the effective ids are shown equal to the real ones and the list
 * of groups holds only the group. */
#include <linux/poll.h>

#include "socket.h"

#define ONE_GROUP 1
#define MESSAGE_SIZE(type) (BSD_CONTROL_HEADER + BSD_CONTROL_ALIGN(sizeof(type)))

static bool receives_credentials(int fd)
{
    return host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED) == 1;
}

long credentials_to_host(struct thread *t, struct control_buffer *to)
{
    struct linux_ucred *own =
        control_append_host(to, LINUX_SOL_SOCKET, LINUX_SCM_CREDENTIALS, sizeof(*own));

    (void)t;
    if (!own)
        return -EINVAL;
    own->pid = (s32)host(__NR_getpid);
    own->uid = (u32)host(__NR_getuid);
    own->gid = (u32)host(__NR_getgid);
    to->marked = true;
    return 0;
}

static bool append_cmsgcred(const struct linux_ucred *from, struct control_buffer *to)
{
    struct freebsd_cmsgcred *c =
        control_append_guest(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_CREDS, sizeof(*c));

    if (!c)
        return false;
    c->pid = from->pid;
    c->uid = c->euid = from->uid;
    c->gid = from->gid;
    c->ngroups = ONE_GROUP;
    c->groups[0] = from->gid;
    return true;
}

static bool append_sockcred(const struct linux_ucred *from, struct control_buffer *to)
{
    struct freebsd_sockcred *c =
        control_append_guest(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_CREDS, sizeof(*c));

    if (!c)
        return false;
    c->uid = c->euid = from->uid;
    c->gid = c->egid = from->gid;
    c->ngroups = ONE_GROUP;
    c->groups[0] = from->gid;
    return true;
}

static bool append_sockcred2(const struct linux_ucred *from, struct control_buffer *to)
{
    struct freebsd_sockcred2 *c =
        control_append_guest(to, FREEBSD_SOL_SOCKET, FREEBSD_SCM_CREDS2, sizeof(*c));

    if (!c)
        return false;
    c->pid = from->pid;
    c->uid = c->euid = from->uid;
    c->gid = c->egid = from->gid;
    c->ngroups = ONE_GROUP;
    c->groups[0] = from->gid;
    return true;
}

bool credentials_from_host(int fd, long kind, const struct linux_ucred *from, struct control_buffer *to)
{
    /* The host's word for "the sender's were not recorded". */
    if (!from->pid)
        return true;
    if (!receives_credentials(fd))
        return append_cmsgcred(from, to);
    if (host_option(fd, LINUX_SOL_SOCKET, HOST_HOLDS_PERSISTENT) == 1)
        return append_sockcred2(from, to);
    if (socket_type(kind) != LINUX_SOCK_DGRAM)
        host_option_set(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, 0);
    return append_sockcred(from, to);
}

/* Wait until fd can be read, as long as its SO_RCVTIMEO allows.  0, -EAGAIN or RESTART. */
static long wait_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    struct timespec_host limit = {0, 0};
    u32 size = sizeof(limit);
    long r;

    host(__NR_getsockopt, fd, LINUX_SOL_SOCKET, LINUX_SO_RCVTIMEO_OLD, &limit, &size);
    limit.nsec *= 1000;
    r = host_intr(__NR_ppoll, &p, 1, limit.sec || limit.nsec ? &limit : NULL, NULL, 8);
    if (r == -EINTR)
        return RESTART;
    if (r < 0)
        return r;
    return r ? 0 : -EAGAIN;
}

/* The host hands a sender's SCM_CREDS over only while the receiver asks for credentials, but from then
 * on attaches them to all messages.  So they are asked for only during the moment of taking a message,
 * and only where the guest has room for them; those without a mark are not shown. */
long credentials_receive(int fd, long kind, u32 guest_room, struct linux_msghdr *m, u64 flags)
{
    const struct linux_msghdr before = *m;
    bool wait;
    long r;

    if (socket_domain(kind) != SOCKET_UNIX || guest_room < MESSAGE_SIZE(struct freebsd_cmsgcred) ||
        (flags & LINUX_MSG_WAITALL) || receives_credentials(fd))
        return host_intr(__NR_recvmsg, fd, m, flags);
    wait = !(flags & LINUX_MSG_DONTWAIT) && !socket_is_nonblocking(fd);
    for (;;) {
        *m = before;
        host_option_set(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, 1);
        r = host(__NR_recvmsg, fd, m, flags | LINUX_MSG_DONTWAIT);
        host_option_set(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED, 0);
        if (r != -EAGAIN || !wait)
            return r;
        r = wait_readable(fd);
        if (r)
            return r;
    }
}
