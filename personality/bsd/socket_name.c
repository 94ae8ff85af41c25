/* The names of sockets: bind, bindat, getsockname, getpeername. */
#include "socket.h"

/* Where FreeBSD looks when IP_PORTRANGE_LOW is set: from 1023 down to 600. */
#define LOW_PORT_FIRST 1023
#define LOW_PORT_LAST 600

static u16 network_order(u32 port)
{
    return (u16)(port << 8 | port >> 8);
}

static long bind_low_port(int fd, union host_address *to, u32 size)
{
    u32 port;
    long r;

    for (port = LOW_PORT_FIRST; port >= LOW_PORT_LAST; port--) {
        to->in.port = network_order(port);
        r = host(__NR_bind, fd, to, size);
        if (r != -EADDRINUSE)
            return r;
    }
    return -EADDRNOTAVAIL;
}

/* Reads the address and checks it against the socket; the host's length or -errno. */
static long address_for(long kind, u64 guest, u32 length, union host_address *to)
{
    static const u16 families[] = {
        [SOCKET_UNIX] = LINUX_AF_UNIX, [SOCKET_INET] = LINUX_AF_INET, [SOCKET_INET6] = LINUX_AF_INET6,
    };
    long size = socket_address_in(guest, length, to);
    int domain = socket_domain(kind);

    if (size < 0 || domain == SOCKET_OTHER)
        return size;
    /* Old programs bind to the wildcard address without naming the family. */
    if (to->family == LINUX_AF_UNSPEC && domain == SOCKET_INET && length == sizeof(to->in) && !to->in.addr)
        to->family = LINUX_AF_INET;
    return to->family == families[domain] ? size : -EAFNOSUPPORT;
}

static long bind_to(int fd, long kind, union host_address *to, u32 size)
{
    if (socket_is_internet(kind) && !to->in.port && socket_wants_low_port(fd, kind))
        return bind_low_port(fd, to, size);
    return host(__NR_bind, fd, to, size);
}

long bsd_sys_bind(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    union host_address to;
    long size, kind = socket_kind(t, (int)a[0]);

    (void)f;
    if (kind < 0)
        return kind;
    size = address_for(kind, a[1], (u32)a[2], &to);
    return size < 0 ? size : bind_to((int)a[0], kind, &to, (u32)size);
}

static bool is_relative(const union host_address *to)
{
    return to->un.path[0] != '/';
}

/* bind() below a directory: the parent is opened, so that the name the host gets stays short. */
static long bind_below(struct thread *t, int directory, int fd, const union host_address *to)
{
    union host_address via;
    const char *path = (const char *)to->un.path, *base = last_name(path);
    char parent[sizeof(to->un.path) + 1];
    long r, at;
    int n;

    if (fd_is_reserved(t, directory))
        return -EBADF;
    memcpy(parent, path, (size_t)(base - path));
    parent[base - path] = 0;
    at = host(__NR_openat, directory, base == path ? "." : parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (at < 0)
        return at;
    memset(&via, 0, sizeof(via));
    via.family = LINUX_AF_UNIX;
    n = format((char *)via.un.path, sizeof(via.un.path), "/proc/self/fd/%d/%s", (int)at, base);
    r = n + 1 < (int)sizeof(via.un.path) ? host(__NR_bind, fd, &via, 2 + n + 1) : -ENAMETOOLONG;
    host(__NR_close, at);
    return r;
}

long bsd_sys_bindat(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    union host_address to;
    int directory = (int)a[0], fd = (int)a[1];
    long size, kind = socket_kind(t, fd);

    (void)f;
    if (kind < 0)
        return kind;
    size = address_for(kind, a[2], (u32)a[3], &to);
    if (size < 0)
        return size;
    if (directory == AT_FDCWD)
        return bind_to(fd, kind, &to, (u32)size);
    if (socket_domain(kind) != SOCKET_UNIX)
        return -EOPNOTSUPP;
    return is_relative(&to) ? bind_below(t, directory, fd, &to) : bind_to(fd, kind, &to, (u32)size);
}

static long get_name(struct thread *t, long number, const u64 a[MAX_ARGUMENTS])
{
    union host_address name;
    u32 size = sizeof(name), room;
    long r, kind = socket_kind(t, (int)a[0]);

    if (kind < 0)
        return kind;
    if (get_u32(a[2], &room))
        return -EFAULT;
    r = host(number, (int)a[0], &name, &size);
    if (r < 0)
        return r;
    if (socket_address_out(&name, size, a[1], &room))
        return -EFAULT;
    return put_u32(a[2], room);
}

long bsd_sys_getsockname(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return get_name(t, __NR_getsockname, a);
}

long bsd_sys_getpeername(struct thread *t, struct frame *f, const u64 a[MAX_ARGUMENTS])
{
    (void)f;
    return get_name(t, __NR_getpeername, a);
}
