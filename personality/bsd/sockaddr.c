/* Socket addresses in both directions.
 *
 * FreeBSD's begin with their own length, which the kernel fills in from the call's length argument and
 * takes for the truth: an Internet address must have exactly its struct's size.  A local address is a
 * path that need not end in NUL; an empty path is looked up (and not found), where Linux would make an
 * abstract or automatic name of it.  Linux's abstract names cannot be told to a guest: such a socket
 * looks unnamed. */
#include <linux/stat.h>

#include "socket.h"

#define LOCAL_HEADER 2
/* FreeBSD describes a local socket without a name by a bare struct sockaddr. */
#define UNNAMED_LENGTH 16

/* bindat() goes through such a path, because the host's bind knows no directory descriptor. */
static const char descriptor_path[] = "/proc/self/fd/";

static long local_to_host(const union guest_address *from, u32 length, union host_address *to)
{
    u32 n = 0;

    if (length <= LOCAL_HEADER || length > sizeof(from->un))
        return -EINVAL;
    if (!from->un.path[0])
        return -ENOENT;
    memset(to, 0, sizeof(*to));
    to->un.family = LINUX_AF_UNIX;
    while (n < length - LOCAL_HEADER && from->un.path[n]) {
        to->un.path[n] = from->un.path[n];
        n++;
    }
    return LOCAL_HEADER + n + 1;
}

long socket_address_to_host(const union guest_address *from, u32 length, union host_address *to)
{
    switch (from->family) {
    case BSD_AF_UNIX:
        return local_to_host(from, length, to);
    case BSD_AF_INET:
        if (length != sizeof(from->in))
            return -EINVAL;
        memset(&to->in, 0, sizeof(to->in));
        to->in.family = LINUX_AF_INET;
        to->in.port = from->in.port;
        to->in.addr = from->in.addr;
        return sizeof(to->in);
    case BSD_AF_INET6:
        if (length != sizeof(from->in6))
            return -EINVAL;
        memset(&to->in6, 0, sizeof(to->in6));
        to->in6.family = LINUX_AF_INET6;
        to->in6.port = from->in6.port;
        to->in6.flowinfo = from->in6.flowinfo;
        memcpy(to->in6.addr, from->in6.addr, sizeof(to->in6.addr));
        to->in6.scope_id = from->in6.scope_id;
        return sizeof(to->in6);
    case BSD_AF_UNSPEC:
        memset(&to->in, 0, sizeof(to->in));
        if (length >= 8)
            memcpy(&to->in.port, &from->in.port, 6);
        to->family = LINUX_AF_UNSPEC;
        return sizeof(to->in);
    default:
        return -EAFNOSUPPORT;
    }
}

long socket_address_in(u64 guest, u32 length, union host_address *to)
{
    union guest_address from;

    if (length > BSD_SOCK_MAXADDRLEN)
        return -ENAMETOOLONG;
    if (length < LOCAL_HEADER)
        return -EINVAL;
    memset(&from, 0, sizeof(from));
    if (copy_in(&from, guest, length))
        return -EFAULT;
    return socket_address_to_host(&from, length, to);
}

/* Where the path starts that the guest gave, when it was reached through a directory descriptor. */
static u32 after_descriptor(const u8 *path, u32 n)
{
    u32 at = sizeof(descriptor_path) - 1;

    if (n <= at || memcmp(path, descriptor_path, at))
        return 0;
    while (at < n && path[at] >= '0' && path[at] <= '9')
        at++;
    return at < n && path[at] == '/' ? at + 1 : 0;
}

static u32 local_from_host(const union host_address *from, u32 length, union guest_address *to)
{
    u32 n = 0, start;

    memset(&to->un, 0, sizeof(to->un));
    to->family = BSD_AF_UNIX;
    if (length <= LOCAL_HEADER || !from->un.path[0]) {
        to->len = UNNAMED_LENGTH;
        return to->len;
    }
    if (length > sizeof(from->un))
        length = sizeof(from->un);
    while (n < length - LOCAL_HEADER && from->un.path[n])
        n++;
    start = after_descriptor(from->un.path, n);
    n -= start;
    if (n > sizeof(to->un.path))
        n = sizeof(to->un.path);
    memcpy(to->un.path, from->un.path + start, n);
    /* With its NUL where there is room: most programs bind with more than the bare path. */
    to->len = (u8)(LOCAL_HEADER + n + (n < sizeof(to->un.path)));
    return to->len;
}

u32 socket_address_from_host(const union host_address *from, u32 length, union guest_address *to)
{
    if (length < sizeof(from->family))
        return 0;
    switch (from->family) {
    case LINUX_AF_UNIX:
        return local_from_host(from, length, to);
    case LINUX_AF_INET:
        memset(&to->in, 0, sizeof(to->in));
        to->len = sizeof(to->in);
        to->family = BSD_AF_INET;
        to->in.port = from->in.port;
        to->in.addr = from->in.addr;
        return to->len;
    case LINUX_AF_INET6:
        memset(&to->in6, 0, sizeof(to->in6));
        to->len = sizeof(to->in6);
        to->family = BSD_AF_INET6;
        to->in6.port = from->in6.port;
        to->in6.flowinfo = from->in6.flowinfo;
        memcpy(to->in6.addr, from->in6.addr, sizeof(to->in6.addr));
        to->in6.scope_id = from->in6.scope_id;
        return to->len;
    default:
        return 0;
    }
}

long socket_address_out(const union host_address *from, u32 length, u64 guest, u32 *room)
{
    union guest_address to;
    u32 size = socket_address_from_host(from, length, &to);

    if (size < *room)
        *room = size;
    return *room ? copy_out(guest, &to, *room) : 0;
}

bool socket_exists_at(const union host_address *to)
{
    struct statx s;

    if (host(__NR_statx, AT_FDCWD, to->un.path, 0, STATX_TYPE, &s))
        return true;
    return (s.stx_mode & S_IFMT) == S_IFSOCK;
}
