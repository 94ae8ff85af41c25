/* FreeBSD's socket calls and layouts for the test programs, written out by hand: the tables are what is
 * being tested. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <sys/errno.h>
#include <sys/syscall.h>

#include "guest.h"

enum { AF_UNIX = 1, AF_INET = 2, AF_ROUTE = 17, AF_LINK = 18, AF_INET6 = 28 };
enum { STREAM = 1, DGRAM = 2, RAW = 3, RDM = 4, SEQPACKET = 5, CLOEXEC = 0x10000000, NONBLOCK = 0x20000000 };
enum {
    MSG_OOB = 1, MSG_PEEK = 2, MSG_EOR = 8, MSG_TRUNC = 0x10, MSG_CTRUNC = 0x20, MSG_WAITALL = 0x40,
    MSG_DONTWAIT = 0x80, MSG_EOF = 0x100, MSG_NBIO = 0x4000, MSG_NOSIGNAL = 0x20000,
    MSG_CMSG_CLOEXEC = 0x40000,
};
enum {
    SOL_SOCKET = 0xffff, SOL_LOCAL = 0, IPPROTO_IP = 0, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41,
};
enum { F_GETFD = 1, F_GETFL = 3, F_SETFL = 4, O_NONBLOCK = 4 };

struct sockaddr_in {
    u8 len, family;
    u16 port;
    u32 addr;
    u8 zero[8];
};
struct sockaddr_in6 {
    u8 len, family;
    u16 port;
    u32 flowinfo;
    u8 addr[16];
    u32 scope;
};
struct sockaddr_un {
    u8 len, family;
    char path[104];
};
struct iovec {
    void *base;
    u64 len;
};
struct msghdr {
    void *name;
    u32 namelen;
    struct iovec *iov;
    s32 iovlen;
    void *control;
    u32 controllen;
    s32 flags;
};
struct cmsghdr {
    u32 len;
    s32 level, type;
};
#define DATA_AT 16
#define MESSAGE_LENGTH(n) (DATA_AT + (n))
#define MESSAGE_SPACE(n) (DATA_AT + (((n) + 7) & ~7))

#define LOOPBACK 0x0100007fu

static inline u16 swap16(u16 v)
{
    return (u16)(v << 8 | v >> 8);
}

static inline struct sockaddr_in loopback(u16 port_in_network_order)
{
    struct sockaddr_in name = {16, AF_INET, port_in_network_order, LOOPBACK, {0}};
    return name;
}

/* A socket bound to a port of the loopback address; *name tells which. */
static inline int bound(int type, struct sockaddr_in *name)
{
    int s = (int)call(SYS_socket, AF_INET, type, 0);
    u32 size = sizeof(*name);
    *name = loopback(0);
    CHECK_IS(call(SYS_bind, s, name, JUNK(sizeof(*name))), 0);
    CHECK_IS(call(SYS_getsockname, s, name, &size), 0);
    return s;
}

static inline u32 local_name(struct sockaddr_un *name, const char *path)
{
    memset(name, 0, sizeof(*name));
    name->family = AF_UNIX;
    memcpy(name->path, path, length(path));
    return (u32)(2 + length(path));
}

static inline long get_int(int s, int level, int option)
{
    int value = -77;
    u32 size = sizeof(value);
    long r = call(SYS_getsockopt, s, JUNK(level), JUNK(option), &value, &size);
    return r < 0 ? r : value;
}

static inline long set_int(int s, int level, int option, int value)
{
    return call(SYS_setsockopt, s, JUNK(level), JUNK(option), &value, JUNK(sizeof(value)));
}

#endif
