/* Addresses: their lengths, truncation, names of local sockets, binding below a directory. */
#include "sockets.h"

static void internet(void)
{
    struct sockaddr_in name, other;
    struct sockaddr_in6 six = {.len = 28, .family = AF_INET6};
    u8 small[4] = {9, 9, 9, 9};
    u32 size = sizeof(name);
    int s = (int)call(SYS_socket, AF_INET, STREAM, 0), t;

    name = loopback(0);
    name.len = 77; /* the call's own argument counts */
    CHECK_IS(call(SYS_bind, s, &name, 15), -EINVAL);
    CHECK_IS(call(SYS_bind, s, &name, 17), -EINVAL);
    CHECK_IS(call(SYS_bind, s, &name, 1), -EINVAL);
    CHECK_IS(call(SYS_bind, s, &name, 300), -ENAMETOOLONG);
    CHECK_IS(call(SYS_bind, s, 8L, 16), -EFAULT);
    CHECK_IS(call(SYS_bind, 1, &name, 16), -ENOTSOCK);
    CHECK_IS(call(SYS_bind, s, &six, sizeof(six)), -EAFNOSUPPORT);
    CHECK_IS(call(SYS_bind, s, &name, 16), 0);
    CHECK_IS(call(SYS_bind, s, &name, 16), -EINVAL);
    CHECK_IS(call(SYS_getsockname, s, &other, &size), 0);
    CHECK_IS(size, 16);
    CHECK_IS(other.len, 16);
    CHECK_IS(other.family, AF_INET);
    CHECK_IS(other.addr, LOOPBACK);
    CHECK(other.port != 0);
    size = 3;
    CHECK_IS(call(SYS_getsockname, s, small, &size), 0);
    CHECK_IS(size, 3);
    CHECK_IS(small[0], 16);
    CHECK_IS(small[3], 9);
    CHECK_IS(call(SYS_getsockname, s, &other, 8L), -EFAULT);
    size = sizeof(other);
    CHECK_IS(call(SYS_getpeername, s, &other, &size), -ENOTCONN);
    t = (int)call(SYS_socket, AF_INET, STREAM, 0);
    size = sizeof(other);
    call(SYS_getsockname, s, &other, &size);
    CHECK_IS(call(SYS_bind, t, &other, 16), -EADDRINUSE);
    other.addr = 0x08080808;
    CHECK_IS(call(SYS_bind, t, &other, 16), -EADDRNOTAVAIL);
    /* An old program's way to say "any". */
    other = (struct sockaddr_in){.family = 0};
    CHECK_IS(call(SYS_bind, t, &other, 16), 0);
    call(SYS_close, s);
    call(SYS_close, t);
}

static void both_families_on_one_port(void)
{
    struct sockaddr_in6 six = {.len = 28, .family = AF_INET6}, seen;
    struct sockaddr_in four = {.len = 16, .family = AF_INET};
    u32 size = sizeof(seen);
    int s = (int)call(SYS_socket, AF_INET6, STREAM, 0), t = (int)call(SYS_socket, AF_INET, STREAM, 0);

    if (s < 0) { /* a host without IPv6 */
        call(SYS_close, t);
        return;
    }
    CHECK_IS(get_int(s, IPPROTO_IPV6, 27), 1); /* IPV6_V6ONLY */
    CHECK_IS(call(SYS_bind, s, &six, 27), -EINVAL);
    CHECK_IS(call(SYS_bind, s, &six, sizeof(six)), 0);
    CHECK_IS(call(SYS_getsockname, s, &seen, &size), 0);
    CHECK_IS(size, 28);
    CHECK_IS(seen.len, 28);
    CHECK_IS(seen.family, AF_INET6);
    CHECK_IS(call(SYS_listen, s, 1), 0);
    four.port = seen.port;
    CHECK_IS(call(SYS_bind, t, &four, sizeof(four)), 0);
    CHECK_IS(call(SYS_listen, t, 1), 0);
    call(SYS_close, s);
    call(SYS_close, t);
}

static void unnamed(int s, long number)
{
    struct sockaddr_un name;
    u32 size = sizeof(name);
    CHECK_IS(call(number, s, &name, &size), 0);
    CHECK_IS(size, 16);
    CHECK_IS(name.len, 16);
    CHECK_IS(name.family, AF_UNIX);
    CHECK_IS(name.path[0], 0);
}

static void local(void)
{
    struct sockaddr_un name, other;
    u32 n, size;
    int fds[2], s = (int)call(SYS_socket, AF_UNIX, STREAM, 0), t = (int)call(SYS_socket, AF_UNIX, STREAM, 0);
    int c = (int)call(SYS_socket, AF_UNIX, STREAM, 0), d = (int)call(SYS_socket, AF_UNIX, DGRAM, 0);

    call(SYS_socketpair, AF_UNIX, STREAM, 0, fds);
    unnamed(fds[0], SYS_getsockname);
    unnamed(fds[1], SYS_getpeername);
    n = local_name(&name, "socket_name.one");
    CHECK_IS(call(SYS_bind, s, &name, 2), -EINVAL);
    CHECK_IS(call(SYS_bind, s, &name, 107), -EINVAL);
    other = (struct sockaddr_un){.family = AF_UNIX};
    CHECK_IS(call(SYS_bind, s, &other, 12), -ENOENT); /* an empty path, not an abstract name */
    CHECK_IS(call(SYS_connect, s, &other, 12), -ENOENT);
    call(SYS_unlink, "socket_name.one");
    memcpy(name.path + length(name.path), "XXXX", 4); /* not part of the name: no NUL ends it */
    CHECK_IS(call(SYS_bind, s, &name, n), 0);
    size = sizeof(other);
    CHECK_IS(call(SYS_getsockname, s, &other, &size), 0);
    CHECK(equal(other.path, "socket_name.one"));
    CHECK_IS(size, other.len);
    CHECK_IS(other.family, AF_UNIX);
    CHECK_IS(call(SYS_bind, t, &name, n), -EADDRINUSE);
    CHECK_IS(call(SYS_connect, c, &name, n), -ECONNREFUSED);
    CHECK_IS(call(SYS_listen, s, 5), 0);
    CHECK_IS(call(SYS_connect, d, &name, n), -EPROTOTYPE);
    CHECK_IS(call(SYS_connect, s, &name, n), -EOPNOTSUPP);
    CHECK_IS(call(SYS_connect, c, &name, n), 0);
    CHECK_IS(call(SYS_connect, c, &name, n), -EISCONN);
    size = sizeof(other);
    t = (int)call(SYS_accept, s, &other, &size);
    CHECK(t >= 0);
    CHECK_IS(size, 16); /* the client has no name */
    CHECK_IS(other.family, AF_UNIX);
    size = sizeof(other);
    CHECK_IS(call(SYS_getpeername, c, &other, &size), 0);
    CHECK(equal(other.path, "socket_name.one"));
    call(SYS_close, t);
    call(SYS_close, c);
    call(SYS_close, s);
    c = (int)call(SYS_socket, AF_UNIX, STREAM, 0);
    CHECK_IS(call(SYS_connect, c, &name, n), -ECONNREFUSED);
    call(SYS_unlink, "socket_name.one");
    CHECK_IS(call(SYS_connect, c, &name, n), -ENOENT);
    n = local_name(&name, "/dev/null");
    CHECK_IS(call(SYS_connect, c, &name, n), -ENOTSOCK);
    call(SYS_close, c);
    call(SYS_close, d);
}

static void below_a_directory(void)
{
    struct sockaddr_un name, other;
    u32 n, size = sizeof(other);
    int s = (int)call(SYS_socket, AF_UNIX, STREAM, 0), c = (int)call(SYS_socket, AF_UNIX, STREAM, 0);
    int here = (int)call(SYS_openat, -100, ".", 0x20000, 0);

    CHECK(here >= 0);
    call(SYS_unlink, "socket_name.two");
    n = local_name(&name, "socket_name.two");
    CHECK_IS(call(SYS_bindat, here, s, &name, n), 0);
    CHECK_IS(call(SYS_getsockname, s, &other, &size), 0);
    CHECK(equal(other.path, "socket_name.two"));
    CHECK_IS(call(SYS_listen, s, 1), 0);
    CHECK_IS(call(SYS_connectat, 0xfff, c, &name, n), -EBADF);
    CHECK_IS(call(SYS_connectat, here, c, &name, n), 0);
    CHECK_IS(call(SYS_unlink, "socket_name.two"), 0);
    CHECK_IS(call(SYS_connectat, -100, c, &name, n), -EISCONN);
    call(SYS_close, s);
    call(SYS_close, c);
    call(SYS_close, here);
}

static void test(void)
{
    internet();
    both_families_on_one_port();
    local();
    below_a_directory();
}
