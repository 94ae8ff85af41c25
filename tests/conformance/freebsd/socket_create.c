/* socket, socketpair, listen, shutdown and setfib: what is made, and FreeBSD's errors for what is not. */
#include "sockets.h"

static void makes(int domain, int type, int protocol)
{
    long s = call(SYS_socket, JUNK(domain), JUNK(type), JUNK(protocol));
    if (domain == AF_INET6 && s == -EAFNOSUPPORT) /* a host without IPv6 */
        return;
    CHECK(s >= 0);
    CHECK_IS(get_int((int)s, SOL_SOCKET, 0x1008), type & 0xf); /* SO_TYPE */
    CHECK_IS(get_int((int)s, SOL_SOCKET, 0x1019), domain);     /* SO_DOMAIN */
    CHECK_IS(call(SYS_fcntl, s, F_GETFD, 0), !!(type & CLOEXEC));
    CHECK_IS(call(SYS_fcntl, s, F_GETFL, 0), 2 | (type & NONBLOCK ? O_NONBLOCK : 0));
    CHECK_IS(call(SYS_close, s), 0);
}

static void kinds(void)
{
    makes(AF_UNIX, STREAM, 0);
    makes(AF_UNIX, DGRAM | CLOEXEC, 0);
    makes(AF_UNIX, SEQPACKET | NONBLOCK, 0);
    makes(AF_INET, STREAM | CLOEXEC | NONBLOCK, 0);
    makes(AF_INET, STREAM, IPPROTO_TCP);
    makes(AF_INET, DGRAM, IPPROTO_UDP);
    makes(AF_INET6, STREAM, 0);
    makes(AF_INET6, DGRAM, 0);
}

static void refusals(void)
{
    CHECK_IS(call(SYS_socket, 99, STREAM, 0), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_socket, AF_ROUTE, RAW, 0), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_socket, 10, STREAM, 0), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_socket, AF_INET, RDM, 0), -EPROTOTYPE);
    CHECK_IS(call(SYS_socket, AF_INET, 7, 0), -EPROTOTYPE);
    CHECK_IS(call(SYS_socket, AF_INET, STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
    CHECK_IS(call(SYS_socket, AF_INET, DGRAM, 1), -EPROTONOSUPPORT);
    CHECK_IS(call(SYS_socket, AF_UNIX, RAW, 0), -EPROTOTYPE);
    CHECK_IS(call(SYS_socket, AF_UNIX, STREAM, 1), -EPROTONOSUPPORT);
    CHECK_IS(call(SYS_socket, AF_INET, STREAM | 0x40000000, 0), -EPROTOTYPE);
}

static void pairs(void)
{
    int fds[2];
    char c;
    CHECK_IS(call(SYS_socketpair, AF_UNIX, STREAM, 0, fds), 0);
    CHECK_IS(call(SYS_write, fds[0], "x", 1), 1);
    CHECK_IS(call(SYS_read, fds[1], &c, 1), 1);
    CHECK_IS(c, 'x');
    CHECK_IS(call(SYS_close, fds[0]), 0);
    CHECK_IS(call(SYS_read, fds[1], &c, 1), 0);
    CHECK_IS(call(SYS_close, fds[1]), 0);
    CHECK_IS(call(SYS_socketpair, AF_INET, STREAM, 0, fds), -EOPNOTSUPP);
    CHECK_IS(call(SYS_socketpair, AF_UNIX, STREAM, 0, 8L), -EFAULT);
    CHECK_IS(call(SYS_socketpair, AF_UNIX, DGRAM | CLOEXEC | NONBLOCK, 0, fds), 0);
    CHECK_IS(call(SYS_fcntl, fds[1], F_GETFD, 0), 1);
    CHECK_IS(call(SYS_read, fds[1], &c, 1), -EAGAIN);
    call(SYS_close, fds[0]);
    call(SYS_close, fds[1]);
}

static void listening(void)
{
    int s = (int)call(SYS_socket, AF_UNIX, STREAM, 0), d = (int)call(SYS_socket, AF_INET, DGRAM, 0);
    int tcp = (int)call(SYS_socket, AF_INET, STREAM, 0);
    CHECK_IS(call(SYS_listen, s, 5), -EDESTADDRREQ);
    CHECK_IS(call(SYS_listen, d, 5), -EOPNOTSUPP);
    CHECK_IS(call(SYS_listen, 0xfff, 5), -EBADF);
    CHECK_IS(call(SYS_listen, 1, 5), -ENOTSOCK);
    CHECK_IS(get_int(tcp, SOL_SOCKET, 2), 0); /* SO_ACCEPTCONN */
    CHECK_IS(call(SYS_listen, tcp, JUNK(-1)), 0);
    CHECK_IS(get_int(tcp, SOL_SOCKET, 2), 2);
    CHECK(get_int(tcp, SOL_SOCKET, 0x1011) > 0); /* SO_LISTENQLIMIT */
    CHECK_IS(get_int(tcp, SOL_SOCKET, 0x1012), 0);
    CHECK_IS(call(SYS_shutdown, s, 2), -ENOTCONN);
    CHECK_IS(call(SYS_shutdown, d, 1), -ENOTCONN);
    CHECK_IS(call(SYS_shutdown, d, 3), -EINVAL);
    CHECK_IS(call(SYS_shutdown, 1, 1), -ENOTSOCK);
    call(SYS_close, s);
    call(SYS_close, d);
    call(SYS_close, tcp);
}

static void half_closed(void)
{
    int fds[2];
    char c;
    call(SYS_socketpair, AF_UNIX, STREAM, 0, fds);
    CHECK_IS(call(SYS_shutdown, fds[0], 1), 0);
    CHECK_IS(call(SYS_read, fds[1], &c, 1), 0);
    CHECK_IS(call(SYS_sendto, fds[0], "x", 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
    CHECK_IS(call(SYS_write, fds[1], "y", 1), 1);
    CHECK_IS(call(SYS_read, fds[0], &c, 1), 1);
    call(SYS_close, fds[0]);
    call(SYS_close, fds[1]);
}

static void test(void)
{
    kinds();
    refusals();
    pairs();
    listening();
    half_closed();
    CHECK_IS(call(SYS_setfib, 0), 0);
    CHECK_IS(call(SYS_setfib, 1), -EINVAL);
}
