/* setsockopt and getsockopt at every level: values as FreeBSD shows them, and its errors. */
#include "sockets.h"

struct timeval {
    s64 sec, usec;
};

/* A switch shows its own bit when it is on. */
static void switches(int domain, u32 count)
{
    static const int options[] = {4, 8, 0x10, 0x20, 0x100, 0x200, 0x800, 0x10000};
    int s = (int)call(SYS_socket, domain, STREAM, 0);
    u32 i;

    for (i = 0; i < count; i++) {
        if (options[i] == 0x10000) /* one with SO_REUSEPORT on the host */
            CHECK_IS(set_int(s, SOL_SOCKET, 0x200, 0), 0);
        CHECK_IS(get_int(s, SOL_SOCKET, options[i]), 0);
        CHECK_IS(set_int(s, SOL_SOCKET, options[i], 5), 0);
        CHECK_IS(get_int(s, SOL_SOCKET, options[i]), options[i]);
        CHECK_IS(set_int(s, SOL_SOCKET, options[i], 0), 0);
    }
    call(SYS_close, s);
}

static void sizes_and_times(void)
{
    struct timeval limit = {1, 500000}, seen = {0, 0};
    u32 size = sizeof(seen);
    char c;
    int s = (int)call(SYS_socket, AF_INET, DGRAM, 0);

    CHECK_IS(set_int(s, SOL_SOCKET, 0x1001, 65536), 0);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1001), 65536);
    CHECK_IS(set_int(s, SOL_SOCKET, 0x1002, 100000), 0);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1002), 100000);
    CHECK_IS(set_int(s, SOL_SOCKET, 0x1002, 0), -EINVAL);
    CHECK_IS(set_int(s, SOL_SOCKET, 0x1002, 0x7fffffff), -ENOBUFS);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 0x1006, &limit, sizeof(limit)), 0);
    CHECK_IS(call(SYS_getsockopt, s, SOL_SOCKET, 0x1006, &seen, &size), 0);
    CHECK_IS(seen.sec, 1);
    CHECK_IS(seen.usec, 500000);
    limit.usec = 1000000;
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 0x1006, &limit, sizeof(limit)), -EDOM);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 0x1006, &limit, 8), -EINVAL);
    limit = (struct timeval){0, 20000};
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 0x1006, &limit, sizeof(limit)), 0);
    CHECK_IS(call(SYS_recvfrom, s, &c, 1, 0, 0, 0), -EAGAIN);
    call(SYS_close, s);
}

static void errors(void)
{
    u8 byte = 77;
    int value = 1;
    u32 size = 1;
    int s = (int)call(SYS_socket, AF_INET, DGRAM, 0), t = (int)call(SYS_socket, AF_UNIX, STREAM, 0);

    CHECK_IS(set_int(s, SOL_SOCKET, 0x7777, 1), -ENOPROTOOPT);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x7777), -ENOPROTOOPT);
    CHECK_IS(set_int(s, 99, 1, 1), -EINVAL);
    CHECK_IS(set_int(s, IPPROTO_TCP, 1, 1), -EINVAL);
    CHECK_IS(set_int(s, IPPROTO_IPV6, 27, 1), -EINVAL);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 4, &value, 2), -EINVAL);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 4, 0L, 4), -EFAULT);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 4, 8L, 4), -EFAULT);
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 4, &value, -1), -EINVAL);
    CHECK_IS(call(SYS_setsockopt, 1, SOL_SOCKET, 4, &value, 4), -ENOTSOCK);
    CHECK_IS(call(SYS_setsockopt, 0xfff, SOL_SOCKET, 4, &value, 4), -EBADF);
    /* Too little room cuts the answer. */
    CHECK_IS(call(SYS_getsockopt, s, SOL_SOCKET, 0x1008, &byte, &size), 0);
    CHECK_IS(size, 1);
    CHECK_IS(byte, DGRAM);
    CHECK_IS(call(SYS_getsockopt, s, SOL_SOCKET, 0x1008, &byte, 8L), -EFAULT);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1009), -EOPNOTSUPP); /* SO_LABEL */
    CHECK_IS(set_int(s, SOL_SOCKET, 0x1014, 0), 0);        /* SO_SETFIB */
    CHECK_IS(set_int(s, SOL_SOCKET, 0x1014, 1), -EINVAL);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1016), IPPROTO_UDP);
    CHECK_IS(set_int(t, SOL_LOCAL, 77, 1), -ENOPROTOOPT);
    CHECK_IS(get_int(t, SOL_LOCAL, 77), -EOPNOTSUPP);
    CHECK_IS(set_int(t, IPPROTO_TCP, 1, 1), -EINVAL);
    CHECK_IS(get_int(t, SOL_SOCKET, 0x1019), AF_UNIX);
    call(SYS_close, s);
    call(SYS_close, t);
}

static void tcp(void)
{
    u8 info[256];
    char name[16] = "newreno";
    struct sockaddr_in at;
    u32 size;
    int s = bound(STREAM, &at), c = (int)call(SYS_socket, AF_INET, STREAM, 0);

    CHECK_IS(get_int(s, IPPROTO_TCP, 1), 0);
    CHECK_IS(set_int(s, IPPROTO_TCP, 1, 1), 0);
    CHECK(get_int(s, IPPROTO_TCP, 1) > 0);
    CHECK_IS(set_int(s, IPPROTO_TCP, 4, 1), 0);
    CHECK(get_int(s, IPPROTO_TCP, 4) > 0);
    CHECK_IS(set_int(s, IPPROTO_TCP, 256, 60), 0);
    CHECK_IS(get_int(s, IPPROTO_TCP, 256), 60);
    CHECK_IS(set_int(s, IPPROTO_TCP, 512, 11), 0);
    CHECK_IS(get_int(s, IPPROTO_TCP, 512), 11);
    CHECK_IS(set_int(s, IPPROTO_TCP, 1024, 4), 0);
    CHECK_IS(get_int(s, IPPROTO_TCP, 1024), 4);
    CHECK_IS(set_int(s, IPPROTO_TCP, 68, 30), 0);
    CHECK_IS(get_int(s, IPPROTO_TCP, 68), 30);
    CHECK_IS(set_int(s, IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_TCP, 64, name, 7), 0);
    memset(name, 0, sizeof(name));
    size = sizeof(name);
    CHECK_IS(call(SYS_getsockopt, s, IPPROTO_TCP, 64, name, &size), 0);
    CHECK(equal(name, "newreno"));
    CHECK_IS(size, 8);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_TCP, 64, "nosuch", 6), -ESRCH);
    CHECK_IS(call(SYS_listen, s, 7), 0);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1011), 7);
    CHECK_IS(call(SYS_connect, c, &at, sizeof(at)), 0);
    CHECK_IS(get_int(s, SOL_SOCKET, 0x1012), 1);
    size = sizeof(info);
    CHECK_IS(call(SYS_getsockopt, s, IPPROTO_TCP, 32, info, &size), 0);
    CHECK_IS(info[0], 1); /* listening */
    size = 100;
    CHECK_IS(call(SYS_getsockopt, c, IPPROTO_TCP, 32, info, &size), 0);
    CHECK_IS(size, 100);
    CHECK_IS(info[0], 4); /* established */
    CHECK(*(u32 *)(info + 16) > 500);
    /* No accept filter is loaded. */
    CHECK_IS(call(SYS_setsockopt, s, SOL_SOCKET, 0x1000, info, sizeof(info)), -ENOENT);
    call(SYS_close, s);
    call(SYS_close, c);
}

static void internet(void)
{
    u8 byte = 9;
    u32 size = 1;
    struct { u32 group, interface; } join = {0x010000ef, LOOPBACK};
    struct { u32 group, source, interface; } source = {0x010101e8, LOOPBACK, LOOPBACK};
    int s = (int)call(SYS_socket, AF_INET, DGRAM, 0), six = (int)call(SYS_socket, AF_INET6, DGRAM, 0);
    long r;

    CHECK_IS(set_int(s, IPPROTO_IP, 4, 33), 0);
    CHECK_IS(get_int(s, IPPROTO_IP, 4), 33);
    CHECK_IS(set_int(s, IPPROTO_IP, 3, 0x10), 0);
    CHECK_IS(get_int(s, IPPROTO_IP, 3), 0x10);
    CHECK_IS(set_int(s, IPPROTO_IP, 67, 1), 0);
    CHECK_IS(get_int(s, IPPROTO_IP, 67), 1);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 10, &byte, 1), 0);
    CHECK_IS(get_int(s, IPPROTO_IP, 10), 9);
    byte = 0;
    CHECK_IS(call(SYS_getsockopt, s, IPPROTO_IP, 10, &byte, &size), 0);
    CHECK_IS(byte, 9);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 12, &join, sizeof(join)), 0);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 12, &join, sizeof(join)), -EADDRINUSE);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 13, &join, sizeof(join)), 0);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 13, &join, sizeof(join)), -EADDRNOTAVAIL);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 70, &source, sizeof(source)), 0);
    CHECK_IS(call(SYS_setsockopt, s, IPPROTO_IP, 71, &source, sizeof(source)), 0);
    r = set_int(s, IPPROTO_IP, 19, 1); /* IP_PORTRANGE_HIGH: a host before Linux 6.3 has no such thing */
    CHECK(r == 0 || r == -ENOPROTOOPT);
    if (r == 0)
        CHECK_IS(get_int(s, IPPROTO_IP, 19), 1);
    CHECK_IS(set_int(s, IPPROTO_IP, 19, 3), -EINVAL);
    call(SYS_close, s);
    if (six < 0) /* a host without IPv6 */
        return;
    CHECK_IS(set_int(six, IPPROTO_IPV6, 4, 44), 0);
    CHECK_IS(get_int(six, IPPROTO_IPV6, 4), 44);
    CHECK_IS(set_int(six, IPPROTO_IPV6, 36, 1), 0);
    CHECK_IS(get_int(six, IPPROTO_IPV6, 36), 1);
    CHECK_IS(set_int(six, IPPROTO_IPV6, 27, 0), 0);
    CHECK_IS(get_int(six, IPPROTO_IPV6, 27), 0);
    CHECK_IS(set_int(six, IPPROTO_IP, 4, 33), -EINVAL);
    call(SYS_close, six);
}

static void peers(void)
{
    struct { u32 version, uid; s16 ngroups; u32 groups[16]; u64 pid; } peer;
    u32 size = sizeof(peer);
    int fds[2], s = (int)call(SYS_socket, AF_UNIX, STREAM, 0), d = (int)call(SYS_socket, AF_UNIX, DGRAM, 0);

    call(SYS_socketpair, AF_UNIX, STREAM, 0, fds);
    CHECK_IS(call(SYS_getsockopt, fds[0], SOL_LOCAL, 1, &peer, &size), 0);
    CHECK_IS(size, 88);
    CHECK_IS(peer.version, 0);
    CHECK_IS(peer.uid, call(SYS_getuid));
    CHECK_IS((s32)peer.pid, call(SYS_getpid));
    CHECK(peer.ngroups >= 1);
    CHECK_IS(call(SYS_getsockopt, s, SOL_LOCAL, 1, &peer, &size), -ENOTCONN);
    CHECK_IS(call(SYS_getsockopt, d, SOL_LOCAL, 1, &peer, &size), -EINVAL);
    call(SYS_close, s);
    call(SYS_close, d);
    call(SYS_close, fds[0]);
    call(SYS_close, fds[1]);
}

static void test(void)
{
    switches(AF_INET, 8);
    switches(AF_UNIX, 7); /* also those that mean nothing there: they are kept */
    sizes_and_times();
    errors();
    tcp();
    internet();
    peers();
}
