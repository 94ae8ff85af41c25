/* What sort of socket a descriptor is: domain and type, remembered per descriptor.
 *
 * FreeBSD and Linux disagree in ways that depend on domain and type (a full unix datagram socket, an
 * address given to a connected one, port 0).  Asking the host twice per call would cost more than most
 * calls do, so the answer is kept in a byte per descriptor until that is closed.  It is only ever used
 * to choose between two behaviours; whether the descriptor is a socket at all, the host decides. */
#include "socket.h"

#define REMEMBERED 65536

static u8 kinds[REMEMBERED] LARGE;

/* A vfork child shares this memory, but its descriptors are its own. */
static bool may_remember(const struct thread *t, int fd)
{
    return fd >= 0 && fd < REMEMBERED && !t->in_vfork_child;
}

u32 socket_kind_of(long host_domain, long host_type)
{
    u32 domain = SOCKET_OTHER;

    if (host_domain == LINUX_AF_UNIX)
        domain = SOCKET_UNIX;
    else if (host_domain == LINUX_AF_INET)
        domain = SOCKET_INET;
    else if (host_domain == LINUX_AF_INET6)
        domain = SOCKET_INET6;
    return domain | ((u32)host_type << SOCKET_TYPE_SHIFT & SOCKET_TYPE);
}

void socket_kind_set(struct thread *t, int fd, u32 kind)
{
    if (may_remember(t, fd))
        __atomic_store_n(&kinds[fd], (u8)kind, __ATOMIC_RELAXED);
}

long socket_kind(struct thread *t, int fd)
{
    long domain, type;
    u32 kind;

    if (fd_is_reserved(t, fd))
        return -EBADF;
    if (may_remember(t, fd)) {
        kind = __atomic_load_n(&kinds[fd], __ATOMIC_RELAXED);
        if (kind)
            return kind;
    }
    domain = host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_DOMAIN);
    if (domain < 0)
        return domain;
    type = host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_TYPE);
    if (type < 0)
        return type;
    kind = socket_kind_of(domain, type);
    /* Received or inherited: whether it is connected is not known, so let it be asked. */
    if (type == LINUX_SOCK_DGRAM)
        kind |= SOCKET_MAY_BE_CONNECTED;
    socket_kind_set(t, fd, kind);
    return kind;
}

static void forget(struct thread *t, int fd)
{
    socket_kind_set(t, fd, 0);
}
ON_FD_CLOSE(forget);

long host_option(int fd, int level, int name)
{
    int value = 0, size = sizeof(value);
    long r = host(__NR_getsockopt, fd, level, name, &value, &size);

    return r ? r : value & 0xffffffffL;
}

long host_option_set(int fd, int level, int name, int value)
{
    return host(__NR_setsockopt, fd, level, name, &value, sizeof(value));
}

bool socket_is_connected(int fd)
{
    union host_address peer;
    int size = sizeof(peer);

    return host(__NR_getpeername, fd, &peer, &size) == 0;
}

bool socket_is_nonblocking(int fd)
{
    long flags = host(__NR_fcntl, fd, F_GETFL, 0);

    return flags >= 0 && (flags & O_NONBLOCK);
}
