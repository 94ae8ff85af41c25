/* shutdown: what can still be read and written, and what a kqueue tells about it. */
#include <sys/types.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "guest.h"

static struct kevent ev[8];

static void connected(int domain, int s[2])
{
    struct sockaddr_in name = {.sin_len = sizeof(name), .sin_family = AF_INET};
    u32 size = sizeof(name);

    if (domain == AF_UNIX) {
        CHECK_IS(call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, s), 0);
        return;
    }
    int listener = (int)call(SYS_socket, AF_INET, SOCK_STREAM, 0);
    name.sin_addr.s_addr = 0x0100007f;
    CHECK_IS(call(SYS_bind, listener, &name, size), 0);
    CHECK_IS(call(SYS_getsockname, listener, &name, &size), 0);
    CHECK_IS(call(SYS_listen, listener, 1), 0);
    s[0] = (int)call(SYS_socket, AF_INET, SOCK_STREAM, 0);
    CHECK_IS(call(SYS_connect, s[0], &name, sizeof(name)), 0);
    s[1] = (int)call(SYS_accept, listener, 0, 0);
    call(SYS_close, listener);
}

static void disconnect(int kq, const int s[2])
{
    call(SYS_close, kq);
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
}

static void watch(int kq, int fd, int filter, int flags)
{
    struct kevent k;
    EV_SET(&k, fd, (short)filter, (unsigned short)(EV_ADD | flags), 0, 0, 0);
    CHECK_IS(call(SYS_kevent, kq, &k, 1, 0, 0, 0), 0);
}

/* The events that are there within some seconds; none is waited for with `seconds` 0. */
static long events(int kq, int seconds)
{
    struct timespec limit = {seconds, 0};
    return call(SYS_kevent, kq, 0, 0, ev, 8, &limit);
}

static void reading(int domain)
{
    int s[2], kq = (int)call(SYS_kqueue);
    char buffer[8];

    connected(domain, s);
    watch(kq, s[0], EVFILT_READ, EV_CLEAR);
    CHECK_IS(call(SYS_write, s[1], "abc", 3), 3);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(ev[0].data, 3);
    CHECK_IS(call(SYS_shutdown, s[0], SHUT_RD), 0);
    CHECK_IS(call(SYS_read, s[0], buffer, sizeof(buffer)), 0); /* what had come is gone */
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(ev[0].filter, EVFILT_READ);
    CHECK(ev[0].flags & EV_EOF);
    CHECK_IS(ev[0].data, 0);
    CHECK_IS(call(SYS_write, s[0], "d", 1), 1);
    CHECK_IS(call(SYS_read, s[1], buffer, sizeof(buffer)), 1);
    disconnect(kq, s);
}

static void writing(int domain, int flags)
{
    int s[2], kq = (int)call(SYS_kqueue);
    char buffer[8];

    connected(domain, s);
    watch(kq, s[0], EVFILT_WRITE, flags);
    CHECK_IS(events(kq, 5), 1);
    CHECK(!(ev[0].flags & EV_EOF));
    CHECK_IS(call(SYS_shutdown, s[0], SHUT_WR), 0);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(ev[0].filter, EVFILT_WRITE);
    CHECK(ev[0].flags & EV_EOF);
    CHECK_IS(call(SYS_sendto, s[0], "a", 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
    CHECK_IS(call(SYS_write, s[1], "bc", 2), 2); /* the other direction stays */
    CHECK_IS(call(SYS_read, s[0], buffer, sizeof(buffer)), 2);
    CHECK_IS(call(SYS_read, s[1], buffer, sizeof(buffer)), 0);
    call(SYS_close, kq);
    kq = (int)call(SYS_kqueue); /* one that was not there when it happened */
    watch(kq, s[0], EVFILT_WRITE, flags);
    CHECK_IS(events(kq, 5), 1);
    CHECK(ev[0].flags & EV_EOF);
    disconnect(kq, s);
}

/* That the peer will send no more concerns readers alone; what it acknowledges, writers. */
static void peer(void)
{
    static char much[1 << 16];
    int s[2], kq = (int)call(SYS_kqueue);
    long sent = 0, r;

    connected(AF_INET, s);
    watch(kq, s[0], EVFILT_WRITE, EV_CLEAR);
    CHECK_IS(events(kq, 5), 1);
    watch(kq, s[0], EVFILT_READ, EV_CLEAR);
    CHECK_IS(call(SYS_shutdown, s[1], SHUT_WR), 0);
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(ev[0].filter, EVFILT_READ);
    CHECK(ev[0].flags & EV_EOF);
    CHECK_IS(events(kq, 0), 0);
    while ((r = call(SYS_sendto, s[0], much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0)) > 0)
        sent += r;
    CHECK_IS(r, -EAGAIN);
    while (sent > 0) {
        r = call(SYS_read, s[1], much, sizeof(much));
        CHECK(r > 0);
        if (r <= 0)
            break;
        sent -= r;
    }
    CHECK_IS(events(kq, 5), 1);
    CHECK_IS(ev[0].filter, EVFILT_WRITE);
    CHECK(!(ev[0].flags & EV_EOF));
    disconnect(kq, s);
}

static void test(void)
{
    static const int domains[] = {AF_INET, AF_UNIX};
    for (int i = 0; i < 2; i++) {
        reading(domains[i]);
        writing(domains[i], 0);
        writing(domains[i], EV_CLEAR);
    }
    peer();
}
