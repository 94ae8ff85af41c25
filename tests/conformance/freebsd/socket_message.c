/* Datagrams and messages: addresses of senders, flags, descriptors, credentials, time stamps. */
#include "sockets.h"

struct cmsgcred {
    s32 pid;
    u32 uid, euid, gid;
    s16 ngroups;
    u32 groups[16];
};
struct sockcred2 {
    s32 version, pid;
    u32 uid, euid, gid, egid;
    s32 ngroups;
    u32 groups[1];
};

static u8 control[512] __attribute__((aligned(8)));

static struct msghdr message(struct iovec *iov, u32 controllen)
{
    struct msghdr m = {0};
    m.iov = iov;
    m.iovlen = 1;
    m.control = controllen ? control : 0;
    m.controllen = controllen;
    return m;
}

static struct cmsghdr *header(u32 at)
{
    return (struct cmsghdr *)(control + at);
}

static void datagrams(void)
{
    struct sockaddr_in a_name, b_name, from, nowhere;
    struct iovec iov;
    struct msghdr m;
    u32 size = sizeof(from);
    char buffer[16];
    int a = bound(DGRAM, &a_name), b = bound(DGRAM, &b_name);

    CHECK_IS(call(SYS_sendto, a, "12345", 5, 0, &b_name, sizeof(b_name)), 5);
    CHECK_IS(call(SYS_recvfrom, b, buffer, sizeof(buffer), 0, &from, &size), 5);
    CHECK_IS(size, 16);
    CHECK_IS(from.len, 16);
    CHECK_IS(from.family, AF_INET);
    CHECK_IS(from.port, a_name.port);
    CHECK_IS(call(SYS_sendto, a, "12345", 5, 0, &b_name, sizeof(b_name)), 5);
    iov = (struct iovec){buffer, 3};
    m = message(&iov, 0);
    m.name = &from;
    m.namelen = 6;
    from = (struct sockaddr_in){0};
    CHECK_IS(call(SYS_recvmsg, b, &m, 0), 3);
    CHECK_IS(m.flags & MSG_TRUNC, MSG_TRUNC);
    CHECK_IS(m.namelen, 6);
    CHECK_IS(from.port, a_name.port);
    CHECK_IS(call(SYS_sendto, a, "12345", 5, 0, &b_name, sizeof(b_name)), 5);
    CHECK_IS(call(SYS_recvfrom, b, buffer, 3, MSG_TRUNC, 0, 0), 5);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, 0, 0), -EDESTADDRREQ);
    nowhere = loopback(0);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, &nowhere, sizeof(nowhere)), -EADDRNOTAVAIL);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, &b_name, 15), -EINVAL);
    CHECK_IS(call(SYS_connect, a, &b_name, sizeof(b_name)), 0);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, &b_name, sizeof(b_name)), -EISCONN);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, 0, 0), 1);
    /* Dissolved by connecting to nothing, which itself fails. */
    nowhere.family = 0;
    CHECK_IS(call(SYS_connect, a, &nowhere, sizeof(nowhere)), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, 0, 0), -EDESTADDRREQ);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, &b_name, sizeof(b_name)), 1);
    m = message(&iov, 0);
    m.iovlen = 2000;
    CHECK_IS(call(SYS_recvmsg, b, &m, 0), -EMSGSIZE);
    CHECK_IS(call(SYS_recvmsg, b, 8L, 0), -EFAULT);
    call(SYS_close, a);
    call(SYS_close, b);
}

static void packet_information(void)
{
    struct sockaddr_in a_name, b_name;
    struct iovec iov;
    struct msghdr m;
    char buffer[16];
    u32 at;
    int a = bound(DGRAM, &a_name), b = bound(DGRAM, &b_name), seen = 0;

    CHECK_IS(set_int(b, IPPROTO_IP, 7, 1), 0);  /* IP_RECVDSTADDR */
    CHECK_IS(get_int(b, IPPROTO_IP, 7), 1);
    CHECK_IS(get_int(b, IPPROTO_IP, 20), 0);
    CHECK_IS(set_int(b, IPPROTO_IP, 20, 1), 0); /* IP_RECVIF */
    CHECK_IS(set_int(b, IPPROTO_IP, 65, 1), 0); /* IP_RECVTTL */
    CHECK_IS(set_int(b, SOL_SOCKET, 0x400, 1), 0); /* SO_TIMESTAMP */
    CHECK_IS(get_int(b, SOL_SOCKET, 0x400), 0x400);
    /* The source address, as a control message. */
    iov = (struct iovec){"x", 1};
    *header(0) = (struct cmsghdr){MESSAGE_LENGTH(4), IPPROTO_IP, 7};
    memcpy(control + DATA_AT, &a_name.addr, 4);
    m = message(&iov, MESSAGE_SPACE(4));
    m.name = &b_name;
    m.namelen = sizeof(b_name);
    CHECK_IS(call(SYS_sendmsg, a, &m, 0), 1);
    iov = (struct iovec){buffer, sizeof(buffer)};
    m = message(&iov, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, b, &m, 0), 1);
    CHECK(!(m.flags & MSG_CTRUNC));
    for (at = 0; at < m.controllen; at += (header(at)->len + 7) & ~7u) {
        u8 *data = control + at + DATA_AT;
        u32 n = header(at)->len - DATA_AT;
        if (header(at)->level == IPPROTO_IP && header(at)->type == 7) {
            CHECK_IS(n, 4);
            CHECK_IS(*(u32 *)data, LOOPBACK);
            seen |= 1;
        } else if (header(at)->level == IPPROTO_IP && header(at)->type == 20) {
            CHECK_IS(data[1], AF_LINK);
            CHECK(*(u16 *)(data + 2) > 0); /* the interface's index */
            CHECK_IS(n, data[0]);
            seen |= 2;
        } else if (header(at)->level == IPPROTO_IP && header(at)->type == 65) {
            CHECK_IS(n, 1);
            CHECK(data[0] > 0);
            seen |= 4;
        } else if (header(at)->level == SOL_SOCKET && header(at)->type == 2) {
            CHECK_IS(n, 16);
            CHECK(*(s64 *)data > 1700000000);
            seen |= 8;
        }
    }
    CHECK_IS(seen, 15);
    CHECK_IS(set_int(b, SOL_SOCKET, 0x2000, 1), 0); /* SO_BINTIME */
    CHECK_IS(get_int(b, SOL_SOCKET, 0x2000), 0x2000);
    CHECK_IS(set_int(b, IPPROTO_IP, 7, 0), 0);
    CHECK_IS(set_int(b, IPPROTO_IP, 20, 0), 0);
    CHECK_IS(set_int(b, IPPROTO_IP, 65, 0), 0);
    CHECK_IS(call(SYS_sendto, a, "x", 1, 0, &b_name, sizeof(b_name)), 1);
    m = message(&iov, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, b, &m, 0), 1);
    CHECK_IS(m.controllen, MESSAGE_SPACE(16));
    CHECK_IS(header(0)->type, 4); /* SCM_BINTIME */
    CHECK(*(s64 *)(control + DATA_AT) > 1700000000);
    call(SYS_close, a);
    call(SYS_close, b);
}

/* A socket of IPv6 tells the class and the hops of packets of IPv4 too, in IPv6's words. */
static void mapped_information(void)
{
    struct sockaddr_in6 any = {.len = sizeof(any), .family = AF_INET6};
    struct sockaddr_in name = {.len = sizeof(name), .family = AF_INET, .addr = LOOPBACK};
    char buffer[16];
    struct iovec iov = {buffer, sizeof(buffer)};
    struct msghdr m = message(&iov, sizeof(control));
    u32 length = sizeof(any);
    int to = (int)call(SYS_socket, AF_INET6, DGRAM, 0), from = (int)call(SYS_socket, AF_INET, DGRAM, 0);
    int seen = 0;

    CHECK_IS(set_int(to, IPPROTO_IPV6, 27, 0), 0); /* IPV6_V6ONLY */
    CHECK_IS(call(SYS_bind, to, &any, sizeof(any)), 0);
    CHECK_IS(call(SYS_getsockname, to, &any, &length), 0);
    CHECK_IS(set_int(to, IPPROTO_IPV6, 57, 1), 0); /* IPV6_RECVTCLASS */
    CHECK_IS(set_int(to, IPPROTO_IPV6, 37, 1), 0); /* IPV6_RECVHOPLIMIT */
    CHECK_IS(set_int(from, IPPROTO_IP, 3, 3), 0);  /* IP_TOS */
    CHECK_IS(set_int(from, IPPROTO_IP, 4, 77), 0); /* IP_TTL */
    name.port = any.port;
    CHECK_IS(call(SYS_sendto, from, "x", 1, 0, &name, sizeof(name)), 1);
    CHECK_IS(call(SYS_recvmsg, to, &m, 0), 1);
    for (u32 at = 0; at < m.controllen; at += (header(at)->len + 7) & ~7u) {
        CHECK_IS(header(at)->level, IPPROTO_IPV6);
        CHECK_IS(header(at)->len, DATA_AT + 4);
        const s32 value = *(s32 *)(control + at + DATA_AT);
        if (header(at)->type == 61) { /* IPV6_TCLASS */
            CHECK_IS(value, 3);
            seen |= 1;
        } else if (header(at)->type == 47) { /* IPV6_HOPLIMIT */
            CHECK_IS(value, 77);
            seen |= 2;
        }
    }
    CHECK_IS(seen, 3);
    CHECK_IS(set_int(to, IPPROTO_IPV6, 57, 0), 0);
    CHECK_IS(set_int(to, IPPROTO_IPV6, 37, 0), 0);
    CHECK_IS(call(SYS_sendto, from, "x", 1, 0, &name, sizeof(name)), 1);
    m = message(&iov, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, to, &m, 0), 1);
    CHECK_IS(m.controllen, 0);
    call(SYS_close, to);
    call(SYS_close, from);
}

static void put_rights(int count, const int *fds)
{
    *header(0) = (struct cmsghdr){(u32)MESSAGE_LENGTH(4 * count), SOL_SOCKET, 1};
    memcpy(control + DATA_AT, fds, (size_t)count * 4);
}

static void rights(void)
{
    struct iovec iov = {"x", 1};
    struct msghdr m;
    char buffer[8];
    int s[2], p[2], got[2], one;

    call(SYS_socketpair, AF_UNIX, STREAM, 0, s);
    call(SYS_socketpair, AF_UNIX, STREAM, 0, p);
    put_rights(2, p);
    m = message(&iov, MESSAGE_SPACE(8));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), 1);
    iov = (struct iovec){buffer, sizeof(buffer)};
    memset(control, 0xee, sizeof(control));
    m = message(&iov, MESSAGE_SPACE(8));
    CHECK_IS(call(SYS_recvmsg, s[1], &m, MSG_CMSG_CLOEXEC), 1);
    CHECK_IS(m.controllen, MESSAGE_SPACE(8));
    CHECK_IS(header(0)->len, MESSAGE_LENGTH(8));
    CHECK_IS(header(0)->level, SOL_SOCKET);
    CHECK_IS(header(0)->type, 1);
    memcpy(got, control + DATA_AT, 8);
    CHECK_IS(call(SYS_fcntl, got[0], F_GETFD, 0), 1);
    CHECK_IS(call(SYS_write, got[0], "through", 7), 7);
    CHECK_IS(call(SYS_read, p[1], buffer, 8), 7);
    call(SYS_close, got[0]);
    call(SYS_close, got[1]);
    /* Too little room: nothing is delivered, and nothing is left open. */
    one = (int)call(SYS_dup, 1);
    call(SYS_close, one);
    iov = (struct iovec){"x", 1};
    put_rights(2, p);
    m = message(&iov, MESSAGE_SPACE(8));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), 1);
    iov = (struct iovec){buffer, sizeof(buffer)};
    m = message(&iov, MESSAGE_SPACE(4) - 4);
    CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
    CHECK_IS(m.flags & MSG_CTRUNC, MSG_CTRUNC);
    CHECK_IS(m.controllen, 0);
    CHECK_IS(call(SYS_dup, 1), one);
    call(SYS_close, one);
    /* No buffer at all: thrown away in silence. */
    iov = (struct iovec){"x", 1};
    put_rights(1, p);
    m = message(&iov, MESSAGE_SPACE(4));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), 1);
    iov = (struct iovec){buffer, sizeof(buffer)};
    m = message(&iov, 0);
    CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
    CHECK_IS(m.flags, 0);
    CHECK_IS(call(SYS_dup, 1), one);
    call(SYS_close, one);
    /* What cannot be sent. */
    one = 0xfff;
    iov = (struct iovec){"x", 1};
    put_rights(1, &one);
    m = message(&iov, MESSAGE_SPACE(4));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), -EBADF);
    m = message(&iov, 8);
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), -EINVAL);
    put_rights(1, p);
    header(0)->level = IPPROTO_IP;
    m = message(&iov, MESSAGE_SPACE(4));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), -EINVAL);
    header(0)->level = SOL_SOCKET;
    header(0)->len = 200;
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), -EINVAL);
    for (one = 0; one < 2; one++) {
        call(SYS_close, s[one]);
        call(SYS_close, p[one]);
    }
}

static void sent_credentials(int type)
{
    struct iovec iov = {"x", 1};
    struct cmsgcred c;
    struct msghdr m;
    char buffer[8];
    int s[2];

    call(SYS_socketpair, AF_UNIX, type, 0, s);
    *header(0) = (struct cmsghdr){MESSAGE_LENGTH(sizeof(c)), SOL_SOCKET, 3};
    memset(control + DATA_AT, 0x55, sizeof(c));
    m = message(&iov, MESSAGE_SPACE(sizeof(c)));
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), 1);
    iov = (struct iovec){buffer, sizeof(buffer)};
    m = message(&iov, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
    CHECK_IS(m.controllen, MESSAGE_SPACE(sizeof(c)));
    CHECK_IS(header(0)->type, 3);
    memcpy(&c, control + DATA_AT, sizeof(c));
    CHECK_IS(c.pid, call(SYS_getpid));
    CHECK_IS(c.uid, call(SYS_getuid));
    CHECK_IS(c.euid, call(SYS_getuid));
    CHECK_IS(c.ngroups, 1);
    /* Nobody attached any: none arrive. */
    CHECK_IS(call(SYS_write, s[0], "y", 1), 1);
    m = message(&iov, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
    CHECK_IS(m.controllen, 0);
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
}

/* Sent to one who waits already, with room for credentials, by one who attached none. */
static void unasked_credentials(void)
{
    enum { ROUNDS = 300 };
    char buffer[8];
    struct iovec iov = {buffer, sizeof(buffer)};
    int s[2], turn[2], status = -1, i, unasked = 0;
    long pid;

    call(SYS_socketpair, AF_UNIX, STREAM, 0, s);
    call(SYS_socketpair, AF_UNIX, STREAM, 0, turn);
    pid = call(SYS_fork);
    if (pid == 0) {
        for (i = 0; i < ROUNDS; i++)
            if (call(SYS_read, turn[1], buffer, 1) != 1 || call(SYS_write, s[0], "x", 1) != 1)
                call(SYS_exit, 1);
        call(SYS_exit, 0);
    }
    for (i = 0; i < ROUNDS; i++) {
        struct msghdr m = message(&iov, sizeof(control));
        call(SYS_write, turn[0], "x", 1);
        if (call(SYS_recvmsg, s[1], &m, 0) != 1 || m.controllen)
            unasked++;
    }
    CHECK_IS(unasked, 0);
    CHECK_IS(call(SYS_wait4, pid, &status, 0, 0), pid);
    CHECK_IS(status, 0);
    for (i = 0; i < 2; i++) {
        call(SYS_close, s[i]);
        call(SYS_close, turn[i]);
    }
}

/* Sent before the connection was accepted: a descriptor alone, then with credentials, which arrive once. */
static void before_accept(void)
{
    struct sockaddr_un name;
    struct iovec out = {"xy", 2}, in;
    struct msghdr m;
    char buffer[8];
    u32 n = local_name(&name, "socket_message.two");
    int a, got, s = (int)call(SYS_socket, AF_UNIX, STREAM, 0), c = (int)call(SYS_socket, AF_UNIX, STREAM, 0);

    CHECK_IS(call(SYS_bind, s, &name, n), 0);
    CHECK_IS(call(SYS_listen, s, 5), 0);
    CHECK_IS(call(SYS_connect, c, &name, n), 0);
    put_rights(1, &s);
    m = message(&out, MESSAGE_SPACE(4));
    CHECK_IS(call(SYS_sendmsg, c, &m, 0), 2);
    memset(control + MESSAGE_SPACE(4), 0, MESSAGE_SPACE(sizeof(struct cmsgcred)));
    *header(MESSAGE_SPACE(4)) = (struct cmsghdr){MESSAGE_LENGTH(sizeof(struct cmsgcred)), SOL_SOCKET, 3};
    m = message(&out, MESSAGE_SPACE(4) + MESSAGE_SPACE(sizeof(struct cmsgcred)));
    CHECK_IS(call(SYS_sendmsg, c, &m, 0), 2);
    a = (int)call(SYS_accept, s, 0, 0);
    in = (struct iovec){buffer, 2};
    m = message(&in, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, a, &m, 0), 2);
    CHECK_IS(m.controllen, MESSAGE_SPACE(4));
    CHECK_IS(header(0)->type, 1);
    memcpy(&got, control + DATA_AT, 4);
    call(SYS_close, got);
    in.len = 1;
    m = message(&in, sizeof(control));
    CHECK_IS(call(SYS_recvmsg, a, &m, 0), 1);
    CHECK_IS(m.controllen, MESSAGE_SPACE(4) + MESSAGE_SPACE(sizeof(struct cmsgcred)));
    CHECK_IS(header(0)->len, MESSAGE_LENGTH(4));
    CHECK_IS(header(MESSAGE_SPACE(4))->type, 3);
    CHECK_IS(*(s32 *)(control + MESSAGE_SPACE(4) + DATA_AT), call(SYS_getpid));
    memcpy(&got, control + DATA_AT, 4);
    call(SYS_close, got);
    m = message(&in, sizeof(control)); /* the rest of it */
    CHECK_IS(call(SYS_recvmsg, a, &m, 0), 1);
    CHECK_IS(m.controllen, 0);
    CHECK_IS(call(SYS_dup, 1), got); /* and nothing else is open */
    call(SYS_close, got);
    call(SYS_close, a);
    call(SYS_close, c);
    call(SYS_close, s);
    CHECK_IS(call(SYS_unlink, "socket_message.two"), 0);
}

static void wanted_credentials(void)
{
    struct iovec iov;
    struct sockcred2 c;
    struct msghdr m;
    char buffer[8];
    int s[2], i;

    call(SYS_socketpair, AF_UNIX, STREAM, 0, s);
    CHECK_IS(get_int(s[1], SOL_LOCAL, 2), 0);
    CHECK_IS(set_int(s[1], SOL_LOCAL, 2, 1), 0); /* LOCAL_CREDS: once */
    CHECK_IS(get_int(s[1], SOL_LOCAL, 2), 1);
    CHECK_IS(set_int(s[1], SOL_LOCAL, 3, 1), -EINVAL);
    iov = (struct iovec){buffer, sizeof(buffer)};
    for (i = 0; i < 2; i++) {
        CHECK_IS(call(SYS_write, s[0], "x", 1), 1);
        m = message(&iov, sizeof(control));
        CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
        CHECK_IS(m.controllen, i ? 0 : MESSAGE_SPACE(24));
    }
    CHECK_IS(set_int(s[1], SOL_LOCAL, 3, 1), 0); /* LOCAL_CREDS_PERSISTENT */
    CHECK_IS(get_int(s[1], SOL_LOCAL, 3), 1);
    CHECK_IS(get_int(s[1], SOL_LOCAL, 2), 0);
    for (i = 0; i < 2; i++) {
        CHECK_IS(call(SYS_write, s[0], "x", 1), 1);
        m = message(&iov, sizeof(control));
        CHECK_IS(call(SYS_recvmsg, s[1], &m, 0), 1);
        CHECK_IS(header(0)->type, 8);
        memcpy(&c, control + DATA_AT, sizeof(c));
        CHECK_IS(c.pid, call(SYS_getpid));
    }
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
}

/* A full queue fails at once; FreeBSD never waits for room at a datagram socket. */
static void full_datagram_socket(void)
{
    int s[2], i;
    long r = 0;

    call(SYS_socketpair, AF_UNIX, DGRAM, 0, s);
    for (i = 0; i < 100000 && r >= 0; i++)
        r = call(SYS_sendto, s[0], control, 512, 0, 0, 0);
    CHECK_IS(r, -ENOBUFS);
    CHECK_IS(call(SYS_sendto, s[0], control, 512, MSG_DONTWAIT, 0, 0), -EAGAIN);
    CHECK_IS(call(SYS_sendto, s[0], control, 512, MSG_OOB, 0, 0), -EOPNOTSUPP);
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
}

static void local_senders(void)
{
    struct sockaddr_un name, from;
    u32 n = local_name(&name, "socket_message.one"), size = sizeof(from);
    char c;
    int s[2], a = (int)call(SYS_socket, AF_UNIX, DGRAM, 0), b = (int)call(SYS_socket, AF_UNIX, DGRAM, 0);

    call(SYS_unlink, "socket_message.one");
    CHECK_IS(call(SYS_bind, a, &name, n), 0);
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, &name, n), 1);
    CHECK_IS(call(SYS_recvfrom, a, &c, 1, 0, &from, &size), 1);
    CHECK_IS(size, 16); /* nameless */
    CHECK_IS(from.len, 16);
    CHECK_IS(from.family, AF_UNIX);
    CHECK_IS(call(SYS_connect, b, &name, n), 0);
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, &name, n), -EISCONN);
    call(SYS_close, a);
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, 0, 0), -ECONNRESET);
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, 0, 0), -ENOTCONN);
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, &name, n), -ECONNREFUSED);
    n = local_name(&name, "/dev/null");
    CHECK_IS(call(SYS_sendto, b, "x", 1, 0, &name, n), -ENOTSOCK);
    call(SYS_socketpair, AF_UNIX, STREAM, 0, s);
    CHECK_IS(call(SYS_write, s[0], "x", 1), 1);
    size = sizeof(from);
    CHECK_IS(call(SYS_recvfrom, s[1], &c, 1, 0, &from, &size), 1);
    CHECK_IS(size, 0);
    /* Closed with data unread: an end of file, not an error. */
    CHECK_IS(call(SYS_write, s[0], "x", 1), 1);
    call(SYS_close, s[1]);
    CHECK_IS(call(SYS_recvfrom, s[0], &c, 1, 0, 0, 0), 0);
    call(SYS_close, s[0]);
    call(SYS_close, b);
    CHECK_IS(call(SYS_unlink, "socket_message.one"), 0);
}

static void test(void)
{
    datagrams();
    packet_information();
    mapped_information();
    rights();
    sent_credentials(STREAM);
    sent_credentials(DGRAM);
    unasked_credentials();
    before_accept();
    wanted_credentials();
    full_datagram_socket();
    local_senders();
}
