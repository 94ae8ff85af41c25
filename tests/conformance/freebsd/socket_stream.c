/* Connections over TCP: connect, accept, inheritance, implied connections, the end of a stream. */
#include "sockets.h"

struct pollfd {
    s32 fd;
    s16 events, revents;
};

static void wait_for(int fd, s16 events)
{
    struct pollfd p = {fd, events, 0};
    CHECK_IS(call(SYS_poll, &p, 1, 5000), 1);
}

static void refused(void)
{
    struct sockaddr_in name, nowhere;
    int s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM, 0);

    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), -ECONNREFUSED);
    nowhere = loopback(0);
    CHECK_IS(call(SYS_connect, c, &nowhere, sizeof(nowhere)), -EADDRNOTAVAIL);
    CHECK_IS(call(SYS_connect, c, &name, 15), -EINVAL);
    nowhere.family = 0;
    CHECK_IS(call(SYS_connect, c, &nowhere, sizeof(nowhere)), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_sendto, c, "x", 1, 0, 0, 0), -ENOTCONN);
    CHECK_IS(call(SYS_recvfrom, c, &name, 1, 0, 0, 0), -ENOTCONN);
    CHECK_IS(call(SYS_accept, s, 0, 0), -EINVAL);
    CHECK_IS(call(SYS_listen, s, 1), 0);
    CHECK_IS(call(SYS_connect, s, &name, sizeof(name)), -EOPNOTSUPP);
    CHECK_IS(call(SYS_sendto, s, "x", 1, 0, 0, 0), -ENOTCONN);
    call(SYS_close, s);
    call(SYS_close, c);
}

static void connected(void)
{
    struct sockaddr_in name, peer, from;
    u32 size = sizeof(peer);
    char buffer[8];
    int a, s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM, 0);

    CHECK_IS(call(SYS_listen, s, 5), 0);
    CHECK_IS(call(SYS_connect, c, &name, JUNK(sizeof(name))), 0);
    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), -EISCONN);
    a = (int)call(SYS_accept, JUNK(s), &peer, &size);
    CHECK(a >= 0);
    CHECK_IS(size, 16);
    CHECK_IS(peer.len, 16);
    CHECK_IS(peer.addr, LOOPBACK);
    CHECK_IS(call(SYS_fcntl, a, F_GETFL, 0), 2);
    CHECK_IS(call(SYS_sendto, c, "hello", 5, 0, 0, 0), 5);
    size = sizeof(from);
    from.family = 99;
    CHECK_IS(call(SYS_recvfrom, a, buffer, sizeof(buffer), MSG_PEEK, &from, &size), 5);
    CHECK_IS(size, 0); /* a connection's data comes from nobody */
    CHECK_IS(from.family, 99);
    CHECK_IS(call(SYS_recvfrom, a, buffer, 2, MSG_TRUNC, 0, 0), 2);
    CHECK_IS(memcmp(buffer, "he", 2), 0);
    CHECK_IS(call(SYS_recvfrom, a, buffer, 3, MSG_WAITALL, 0, 0), 3);
    CHECK_IS(memcmp(buffer, "llo", 3), 0);
    CHECK_IS(call(SYS_recvfrom, a, buffer, 3, MSG_DONTWAIT, 0, 0), -EAGAIN);
    CHECK_IS(call(SYS_recvfrom, a, buffer, 3, MSG_NBIO, 0, 0), -EAGAIN);
    CHECK_IS(call(SYS_sendto, c, "bye", 3, MSG_EOF, 0, 0), 3);
    CHECK_IS(call(SYS_recvfrom, a, buffer, sizeof(buffer), MSG_WAITALL, 0, 0), 3);
    CHECK_IS(call(SYS_recvfrom, a, buffer, sizeof(buffer), 0, 0, 0), 0);
    CHECK_IS(call(SYS_sendto, c, "x", 1, MSG_EOR, 0, 0), -EINVAL);
    CHECK_IS(call(SYS_sendto, c, "x", 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
    call(SYS_close, a);
    call(SYS_close, c);
    call(SYS_close, s);
}

static void non_blocking(void)
{
    struct sockaddr_in name;
    int a, s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM | NONBLOCK, 0);

    CHECK_IS(call(SYS_listen, s, 5), 0);
    CHECK_IS(call(SYS_fcntl, s, F_SETFL, O_NONBLOCK), 0);
    CHECK_IS(call(SYS_accept, s, 0, 0), -EAGAIN);
    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), -EINPROGRESS);
    wait_for(c, 4);
    CHECK_IS(get_int(c, SOL_SOCKET, 0x1007), 0);
    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), -EISCONN);
    wait_for(s, 1);
    a = (int)call(SYS_accept, s, 0, 0);
    CHECK(call(SYS_fcntl, a, F_GETFL, 0) & O_NONBLOCK); /* accept hands O_NONBLOCK on */
    call(SYS_close, a);
    call(SYS_close, c);
    c = (int)call(SYS_socket, AF_INET, STREAM, 0);
    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), 0);
    a = (int)call(SYS_accept4, s, 0, 0, JUNK(CLOEXEC));
    CHECK(!(call(SYS_fcntl, a, F_GETFL, 0) & O_NONBLOCK)); /* accept4 does not */
    CHECK_IS(call(SYS_fcntl, a, F_GETFD, 0), 1);
    CHECK_IS(call(SYS_accept4, s, 0, 0, 0x40), -EINVAL);
    CHECK_IS(call(SYS_accept, s, &name, 8L), -EFAULT);
    call(SYS_close, a);
    call(SYS_close, c);
    call(SYS_close, s);
}

/* The error of a failed attempt waits in SO_ERROR, in FreeBSD's numbering. */
static void failed_later(void)
{
    struct sockaddr_in name;
    int s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM | NONBLOCK, 0);
    long r;

    call(SYS_close, s);
    r = call(SYS_connect, c, &name, sizeof(name));
    if (r == -EINPROGRESS) {
        wait_for(c, 4);
        CHECK_IS(get_int(c, SOL_SOCKET, 0x1007), ECONNREFUSED);
    } else {
        CHECK_IS(r, -ECONNREFUSED);
    }
    call(SYS_close, c);
}

static void reset(void)
{
    struct sockaddr_in name;
    struct { int on, seconds; } linger = {1, 0}, seen;
    u32 size = sizeof(seen);
    char c1;
    int a, s = bound(STREAM, &name), c = (int)call(SYS_socket, AF_INET, STREAM, 0);

    call(SYS_listen, s, 5);
    CHECK_IS(call(SYS_connect, c, &name, sizeof(name)), 0);
    a = (int)call(SYS_accept, s, 0, 0);
    CHECK_IS(call(SYS_setsockopt, a, SOL_SOCKET, 0x80, &linger, sizeof(linger)), 0);
    CHECK_IS(call(SYS_getsockopt, a, SOL_SOCKET, 0x80, &seen, &size), 0);
    CHECK_IS(seen.on, 0x80);
    linger.seconds = 70000;
    CHECK_IS(call(SYS_setsockopt, a, SOL_SOCKET, 0x80, &linger, sizeof(linger)), -EDOM);
    call(SYS_close, a);
    CHECK_IS(call(SYS_read, c, &c1, 1), -ECONNRESET);
    call(SYS_close, c);
    call(SYS_close, s);
}

static void test(void)
{
    refused();
    connected();
    non_blocking();
    failed_later();
    reset();
}
