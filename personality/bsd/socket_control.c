/* Control messages in both directions.
 *
 * Both kernels put the data 16 bytes behind the header's start and align messages to 8, but the headers
 * differ (FreeBSD: 12 bytes, 32-bit length).  FreeBSD delivers a message whole or not at all, and closes
 * the descriptors of one that does not fit; Linux delivers as many descriptors as there is room for. So
 * the host always gets room enough, and the cutting is done here. */
#include "socket.h"

#define HOST_HEADER sizeof(struct linux_cmsghdr)

void *control_append_guest(struct control_buffer *b, int level, int type, u32 size)
{
    u32 space = (u32)(BSD_CONTROL_HEADER + BSD_CONTROL_ALIGN(size));
    struct bsd_cmsghdr *h = (struct bsd_cmsghdr *)(b->bytes + b->used);

    if (space > b->room - b->used)
        return NULL;
    memset(h, 0, space);
    h->len = (u32)BSD_CONTROL_HEADER + size;
    h->level = level;
    h->type = type;
    b->used += space;
    return (u8 *)h + BSD_CONTROL_HEADER;
}

void *control_append_host(struct control_buffer *b, int level, int type, u32 size)
{
    u32 space = (u32)(HOST_HEADER + BSD_CONTROL_ALIGN(size));
    struct linux_cmsghdr *h = (struct linux_cmsghdr *)(b->bytes + b->used);

    if (space > b->room - b->used)
        return NULL;
    memset(h, 0, space);
    h->len = HOST_HEADER + size;
    h->level = level;
    h->type = type;
    b->used += space;
    return (u8 *)h + HOST_HEADER;
}

/* ---- sending --------------------------------------------------------------------------------- */

static long copy_to_host(struct control_buffer *to, int level, int type, const void *data, u32 size)
{
    void *p = control_append_host(to, level, type, size);

    if (!p)
        return -EINVAL;
    memcpy(p, data, size);
    return 0;
}

static long local_to_host(struct thread *t, const struct bsd_cmsghdr *h, const u8 *data, u32 size,
                          struct control_buffer *to)
{
    u32 i;
    s32 fd;

    if (h->level != BSD_SOL_SOCKET)
        return -EINVAL;
    switch (h->type) {
    case BSD_SCM_RIGHTS:
        for (i = 0; i + sizeof(fd) <= size; i += sizeof(fd)) {
            memcpy(&fd, data + i, sizeof(fd));
            if (fd_is_reserved(t, fd))
                return -EBADF;
        }
        return i ? copy_to_host(to, LINUX_SOL_SOCKET, LINUX_SCM_RIGHTS, data, i) : 0;
    case BSD_SCM_CREDS:
        return credentials_to_host(t, to);
    default:
        /* Time stamps that FreeBSD would fill in for the receiver: the host has no message for them. */
        return -EINVAL;
    }
}

static long ip_to_host(const struct bsd_cmsghdr *h, const u8 *data, u32 size, struct control_buffer *to)
{
    struct linux_in_pktinfo info;

    if (h->level != LINUX_IPPROTO_IP)
        return 0;
    memset(&info, 0, sizeof(info));
    switch (h->type) {
    case BSD_IP_RECVDSTADDR: /* also known as IP_SENDSRCADDR */
        if (size != sizeof(info.spec_dst))
            return -EINVAL;
        memcpy(&info.spec_dst, data, sizeof(info.spec_dst));
        return copy_to_host(to, LINUX_IPPROTO_IP, LINUX_IP_PKTINFO, &info, sizeof(info));
    case BSD_IP_TOS:
        return size == 1 ? copy_to_host(to, LINUX_IPPROTO_IP, LINUX_IP_TOS, data, 1) : -EINVAL;
    default:
        return -ENOPROTOOPT;
    }
}

struct message_pair {
    int guest, host;
};

/* Messages at level IPPROTO_IPV6 whose data both kernels read alike. */
static const struct message_pair ipv6_messages[] = {
    {BSD_IPV6_PKTINFO, LINUX_IPV6_PKTINFO},   {BSD_IPV6_HOPLIMIT, LINUX_IPV6_HOPLIMIT},
    {BSD_IPV6_TCLASS, LINUX_IPV6_TCLASS},     {BSD_IPV6_DONTFRAG, LINUX_IPV6_DONTFRAG},
    {BSD_IPV6_HOPOPTS, LINUX_IPV6_HOPOPTS},   {BSD_IPV6_DSTOPTS, LINUX_IPV6_DSTOPTS},
    {BSD_IPV6_RTHDR, LINUX_IPV6_RTHDR},       {BSD_IPV6_RTHDRDSTOPTS, LINUX_IPV6_RTHDRDSTOPTS},
};

static long ipv6_to_host(const struct bsd_cmsghdr *h, const u8 *data, u32 size,
                         struct control_buffer *to)
{
    size_t i;

    if (h->level != LINUX_IPPROTO_IPV6)
        return 0;
    for (i = 0; i < ARRAY_LENGTH(ipv6_messages); i++)
        if (h->type == ipv6_messages[i].guest)
            return copy_to_host(to, LINUX_IPPROTO_IPV6, ipv6_messages[i].host, data, size);
    return -EINVAL;
}

long control_to_host(struct thread *t, long kind, const u8 *from, u32 size, struct control_buffer *to)
{
    struct bsd_cmsghdr h;
    u32 at = 0, length;
    const u8 *data;
    long r = 0;

    while (r == 0 && at < size) {
        if (size - at < sizeof(h))
            return -EINVAL;
        memcpy(&h, from + at, sizeof(h));
        if (h.len < sizeof(h) || h.len > size - at)
            return -EINVAL;
        data = from + at + BSD_CONTROL_HEADER;
        length = h.len > BSD_CONTROL_HEADER ? h.len - (u32)BSD_CONTROL_HEADER : 0;
        if (socket_domain(kind) == SOCKET_UNIX)
            r = local_to_host(t, &h, data, length, to);
        else if (socket_domain(kind) == SOCKET_INET)
            r = ip_to_host(&h, data, length, to);
        else
            r = ipv6_to_host(&h, data, length, to);
        at += (u32)(BSD_CONTROL_HEADER + BSD_CONTROL_ALIGN(length));
    }
    return r;
}

/* ---- receiving ------------------------------------------------------------------------------- */

bool control_append_data(struct control_buffer *to, int level, int type, const void *data, u32 size)
{
    void *p = control_append_guest(to, level, type, size);

    if (p)
        memcpy(p, data, size);
    return p;
}

static bool interface_from_host(int fd, u32 index, struct control_buffer *to)
{
    struct bsd_sockaddr_dl link;
    struct linux_ifreq request;

    memset(&link, 0, sizeof(link));
    memset(&request, 0, sizeof(request));
    link.len = sizeof(link);
    link.family = BSD_AF_LINK;
    link.index = (u16)index;
    link.type = BSD_IFT_ETHER;
    memcpy(request.data, &index, sizeof(index));
    if (host(__NR_ioctl, fd, LINUX_SIOCGIFNAME, &request) == 0) {
        request.name[sizeof(request.name) - 1] = 0;
        link.nlen = (u8)strlen((const char *)request.name);
        memcpy(link.data, request.name, link.nlen);
        if (link.nlen == 2 && !memcmp(request.name, "lo", 2))
            link.type = BSD_IFT_LOOP;
    }
    return control_append_data(to, LINUX_IPPROTO_IP, BSD_IP_RECVIF, &link, sizeof(link));
}

static bool ip_from_host(int fd, int type, const u8 *data, struct control_buffer *to)
{
    struct linux_in_pktinfo info;
    struct linux_sockaddr_in destination;

    switch (type) {
    case LINUX_IP_PKTINFO:
        memcpy(&info, data, sizeof(info));
        if (!own_ip_message(fd, type, data, to))
            return false;
        return !own_interface_wanted(fd) || interface_from_host(fd, (u32)info.ifindex, to);
    case LINUX_IP_ORIGDSTADDR:
        memcpy(&destination, data, sizeof(destination));
        return control_append_data(to, LINUX_IPPROTO_IP, BSD_IP_RECVDSTADDR, &destination.addr, 4);
    case LINUX_IP_TTL: /* an int on the host, little endian */
        return control_append_data(to, LINUX_IPPROTO_IP, BSD_IP_RECVTTL, data, 1);
    default:
        return own_ip_message(fd, type, data, to);
    }
}

static bool ipv6_from_host(int type, const u8 *data, u32 size, struct control_buffer *to)
{
    size_t i;

    for (i = 0; i < ARRAY_LENGTH(ipv6_messages); i++)
        if (type == ipv6_messages[i].host)
            return control_append_data(to, LINUX_IPPROTO_IPV6, ipv6_messages[i].guest, data, size);
    return true;
}

static void close_rights(const u8 *data, u32 size)
{
    u32 i;
    s32 fd;

    for (i = 0; i + sizeof(fd) <= size; i += sizeof(fd)) {
        memcpy(&fd, data + i, sizeof(fd));
        host(__NR_close, fd);
    }
}

/* A descriptor that arrives may be a socket of any kind, or the mark of credentials. */
static bool rights_from_host(struct thread *t, const u8 *data, u32 size, struct control_buffer *to)
{
    u8 kept[CONTROL_ROOM];
    u32 i, used = 0;
    s32 fd;

    for (i = 0; i + sizeof(fd) <= size; i += sizeof(fd)) {
        memcpy(&fd, data + i, sizeof(fd));
        if (credential_mark_is(fd)) {
            host(__NR_close, fd);
            to->marked = true;
            continue;
        }
        socket_kind_set(t, fd, 0);
        memcpy(kept + used, &fd, sizeof(fd));
        used += sizeof(fd);
    }
    if (!used || control_append_data(to, BSD_SOL_SOCKET, BSD_SCM_RIGHTS, kept, used))
        return true;
    close_rights(kept, used);
    return false;
}

static bool message_from_host(struct thread *t, int fd, long kind, const struct linux_cmsghdr *h,
                              const u8 *data, u32 size, struct control_buffer *to)
{
    struct linux_ucred sender;

    if (h->level == LINUX_IPPROTO_IP && socket_domain(kind) == SOCKET_INET6)
        return own_mapped_message(h->type, data, to);
    if (h->level == LINUX_IPPROTO_IP)
        return ip_from_host(fd, h->type, data, to);
    if (h->level == LINUX_IPPROTO_IPV6)
        return ipv6_from_host(h->type, data, size, to);
    if (h->level != LINUX_SOL_SOCKET)
        return true;
    switch (h->type) {
    case LINUX_SCM_RIGHTS:
        return rights_from_host(t, data, size, to);
    case LINUX_SCM_CREDENTIALS:
        memcpy(&sender, data, sizeof(sender));
        return credentials_from_host(fd, kind, &sender, to);
    case LINUX_SO_TIMESTAMP_OLD:
    case LINUX_SO_TIMESTAMPNS_OLD:
    case LINUX_SO_TIMESTAMP_NEW:
    case LINUX_SO_TIMESTAMPNS_NEW:
        return own_timestamp(h->type, data, to);
    default:
        return true;
    }
}

/* `h` is each of the host's messages in turn, at offset `at`. */
#define FOR_EACH_HOST_MESSAGE(m, at, h)                                                              \
    for ((at) = 0; (m)->controllen - (at) >= HOST_HEADER && (m)->controllen >= (at) &&               \
                   ((h) = (const struct linux_cmsghdr *)((m)->control + (at)))->len >= HOST_HEADER;  \
         (at) += BSD_CONTROL_ALIGN((h)->len))

void control_close_rights(const struct linux_msghdr *m)
{
    const struct linux_cmsghdr *h;
    u64 at;

    FOR_EACH_HOST_MESSAGE(m, at, h)
        if (h->level == LINUX_SOL_SOCKET && h->type == LINUX_SCM_RIGHTS)
            close_rights((const u8 *)(h + 1), (u32)(h->len - HOST_HEADER));
}

long control_from_host(struct thread *t, int fd, long kind, const struct linux_msghdr *from, u64 to,
                       u32 room, u32 *written, bool *truncated)
{
    const struct linux_cmsghdr *h, *unasked = NULL;
    u8 converted[CONTROL_ROOM] __attribute__((aligned(8)));
    struct control_buffer b = {.room = room < sizeof(converted) ? room : sizeof(converted), .bytes = converted};
    bool fits = true;
    u64 at;

    FOR_EACH_HOST_MESSAGE(from, at, h) {
        if (h->level == LINUX_SOL_SOCKET && h->type == LINUX_SCM_CREDENTIALS &&
            host_option(fd, LINUX_SOL_SOCKET, LINUX_SO_PASSCRED) != 1) {
            unasked = h; /* until it is known that they were meant */
            continue;
        }
        /* What comes after a message that did not fit is lost with it. */
        if (!fits)
            b.room = b.used;
        if (!message_from_host(t, fd, kind, h, (const u8 *)(h + 1), (u32)(h->len - HOST_HEADER), &b))
            fits = false;
    }
    if (unasked && b.marked && fits)
        fits = message_from_host(t, fd, kind, unasked, (const u8 *)(unasked + 1),
                                 (u32)(unasked->len - HOST_HEADER), &b);
    *written = b.used;
    *truncated = !fits;
    if (b.used && copy_out(to, converted, b.used)) {
        control_close_rights(from);
        return -EFAULT;
    }
    return 0;
}
