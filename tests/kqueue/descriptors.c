/* READ and WRITE: levels, edges, ends of file, what close and dup do. */
#include "shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>

static struct knote_event ev[4096];

static void pair(int s[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s))
        abort();
}

static int tcp_listener(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (void *)address, sizeof(*address)) || listen(fd, 16) ||
        getsockname(fd, (void *)address, &size))
        abort();
    return fd;
}

static const struct knote_event *find(long n, u64 ident, u32 filter)
{
    for (long i = 0; i < n; i++)
        if (ev[i].ident == ident && ev[i].filter == filter)
            return &ev[i];
    return NULL;
}

static void levels(void)
{
    int kq = kq_new(), s[2];
    pair(s);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD, 0, 0, 77) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(write(s[1], "hello", 5) == 5);
    for (int i = 0; i < 3; i++) {
        CHECK(collect_events(kq, ev, 8, 0) == 1);
        CHECK(ev[0].ident == (u64)s[0] && ev[0].data == 5 && ev[0].udata == 77 && !(ev[0].flags & EV_EOF));
    }
    char buffer[8];
    CHECK(read(s[0], buffer, 8) == 5);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].filter == KFILTER_WRITE && ev[0].data > 1000);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_DISABLE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_ENABLE, 0, 0, 5) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].udata == 5);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_DELETE, 0, 0, 0) == 0);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_DELETE, 0, 0, 0) == -ENOENT);
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_ENABLE | EV_DISABLE, 0, 0, 0) == -EINVAL);
    CHECK(change(kq, 999, KFILTER_READ, EV_ADD, 0, 0, 0) == -EBADF);
    CHECK(change(kq, 1003, KFILTER_READ, EV_ADD, 0, 0, 0) == -EBADF);
    CHECK(change(kq, kq, KFILTER_READ, EV_ADD, 0, 0, 0) == -EINVAL);
    CHECK(change(s[0], kq, KFILTER_READ, EV_ADD, 0, 0, 0) == -EBADF);
    guest_close(s[1]);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && (ev[0].flags & EV_EOF) && ev[0].data == 0);
    guest_close(s[0]);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    guest_close(kq);
    CHECK(collect_events(kq, ev, 8, 0) == -EBADF);
}

/* As Go's netpoller: both filters with EV_CLEAR in one call. */
static void edges(void)
{
    int kq = kq_new(), s[2];
    char buffer[4096];
    pair(s);
    struct knote_event both[2] = {event_of(s[0], KFILTER_READ, EV_ADD | EV_CLEAR, 0, 0, 1),
                                  event_of(s[0], KFILTER_WRITE, EV_ADD | EV_CLEAR, 0, 0, 2)};
    CHECK(raw_kevent(kq, both, 2, NULL, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].filter == KFILTER_WRITE && (ev[0].flags & EV_CLEAR));
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(write(s[1], "abc", 3) == 3);
    long n = collect_events(kq, ev, 8, 0);
    CHECK(n == 1 && ev[0].filter == KFILTER_READ && ev[0].data == 3, "%ld", n);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(write(s[1], "def", 3) == 3);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == 6);
    while (write(s[0], buffer, sizeof(buffer)) > 0)
        ;
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    while (read(s[1], buffer, sizeof(buffer)) > 0)
        ;
    n = collect_events(kq, ev, 8, 0);
    CHECK(n == 1 && ev[0].filter == KFILTER_WRITE, "%ld", n);
    /* adding it again looks at the condition again */
    CHECK(raw_kevent(kq, both, 1, NULL, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].filter == KFILTER_READ);
    guest_close(s[1]);
    n = collect_events(kq, ev, 8, 0);
    CHECK(n == 2 && (ev[0].flags & EV_EOF) && (ev[1].flags & EV_EOF), "%ld", n);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    guest_close(s[0]);
    guest_close(kq);
}

static void once(void)
{
    int kq = kq_new(), s[2];
    char c;
    pair(s);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD | EV_ONESHOT, 0, 0, 0) == 0);
    CHECK(write(s[1], "x", 1) == 1);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == 1);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, s[0], KFILTER_READ, EV_DELETE, 0, 0, 0) == -ENOENT);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD | EV_DISPATCH, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ENABLE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(read(s[0], &c, 1) == 1);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ENABLE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(write(s[1], "x", 1) == 1);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(change(kq, s[0], KFILTER_READ, EV_FORCEONESHOT, 0, 0, 0) == 0);
    guest_close(s[0]), guest_close(s[1]), guest_close(kq);
}

static void low_water(void)
{
    int kq = kq_new(), s[2];
    pair(s);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD, NOTE_LOWAT, 4, 0) == 0);
    CHECK(write(s[1], "ab", 2) == 2);
    u64 before = host_calls;
    CHECK(collect_events(kq, ev, 8, 50) == 0);
    CHECK(host_calls - before < 20, "%lu", (unsigned long)(host_calls - before));
    CHECK(write(s[1], "cd", 2) == 2);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == 4);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(change(kq, s[0], KFILTER_READ, EV_DELETE, 0, 0, 0) == 0);
    /* room to write grows without a word from the host */
    static char buffer[3000];
    for (int i = 0; i < 5; i++)
        CHECK(write(s[0], buffer, sizeof(buffer)) == sizeof(buffer));
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    s64 room = ev[0].data;
    CHECK(change(kq, s[0], KFILTER_WRITE, EV_ADD, NOTE_LOWAT, room + 10000, 0) == 0);
    before = host_calls;
    CHECK(collect_events(kq, ev, 8, 100) == 0);
    CHECK(host_calls - before < 60, "%lu", (unsigned long)(host_calls - before));
    while (recv(s[1], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
        ;
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].data >= room + 10000);
    guest_close(s[0]), guest_close(s[1]), guest_close(kq);
}

static void receipts(void)
{
    int kq = kq_new(), s[2];
    pair(s);
    struct knote_event list[3] = {event_of(s[0], KFILTER_READ, EV_ADD | EV_RECEIPT, 0, 0, 1),
                                  event_of(998, KFILTER_READ, EV_ADD, 0, 0, 2),
                                  event_of(s[0], KFILTER_WRITE, EV_ADD, 0, 0, 3)};
    struct knote_event copy[3];
    memcpy(copy, list, sizeof(list));
    CHECK(raw_kevent(kq, copy, 3, ev, 8, 0) == 2);
    CHECK(ev[0].flags == EV_ERROR && ev[0].data == 0 && ev[0].udata == 1);
    CHECK(ev[1].flags == EV_ERROR && ev[1].data == -EBADF && ev[1].ident == 998);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].udata == 3);
    memcpy(copy, list, sizeof(list));
    CHECK(raw_kevent(kq, copy + 1, 2, NULL, 0, 0) == -EBADF);
    CHECK(change(kq, 1, KFILTER_IGNORED, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(kq, 1, KFILTER_INVALID, EV_ADD, 0, 0, 0) == -EINVAL);
    struct knote_event wrong = event_of(1, KFILTER_INVALID, EV_ADD, 0, 0, 0);
    wrong.guest_filter = -99;
    CHECK(raw_kevent(kq, &wrong, 1, NULL, 0, 0) == -EINVAL);
    guest_close(s[0]), guest_close(s[1]), guest_close(kq);
}

static void pipes_and_files(void)
{
    int kq = kq_new(), p[2], fd;
    char path[] = "/tmp/kqueue-test-XXXXXX", buffer[16];
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    CHECK(change(kq, p[0], KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(kq, p[1], KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].ident == (u64)p[1] && ev[0].data == 65536);
    CHECK(write(p[1], "12345", 5) == 5);
    CHECK(collect_events(kq, ev, 8, 0) == 2 && find(2, p[0], KFILTER_READ)->data == 5);
    guest_close(p[1]);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && (ev[0].flags & EV_EOF) && ev[0].data == 5);
    guest_close(p[0]);
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    close(p[0]);
    CHECK(change(kq, p[1], KFILTER_WRITE, EV_ADD, 0, 0, 0) == -EPIPE);
    CHECK(change(kq, p[1], KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && (ev[0].flags & EV_EOF));
    guest_close(p[1]);

    fd = mkstemp(path);
    unlink(path);
    CHECK(change(kq, fd, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(pwrite(fd, "0123456789", 10, 0) == 10);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].data == 10);
    CHECK(read(fd, buffer, 4) == 4);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == 6);
    lseek(fd, 15, SEEK_SET);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == -5);
    lseek(fd, 10, SEEK_SET);
    u64 before = host_calls;
    CHECK(collect_events(kq, ev, 8, 30) == 0);
    CHECK(host_calls - before < 20);
    CHECK(change(kq, fd, KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].filter == KFILTER_WRITE);
    guest_close(fd);
    int null = open("/dev/null", O_RDWR);
    CHECK(change(kq, null, KFILTER_READ, EV_ADD, 0, 0, 0) == -ENODEV);
    guest_close(null), guest_close(kq);
}

static void sockets(void)
{
    struct sockaddr_in address;
    int kq = kq_new(), listener = tcp_listener(&address), c[3];
    int fresh = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(change(kq, fresh, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(kq, fresh, KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    u64 before = host_calls;
    CHECK(collect_events(kq, ev, 8, 50) == 0);
    CHECK(host_calls - before < 30, "%lu", (unsigned long)(host_calls - before));
    CHECK(change(kq, listener, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    for (int i = 0; i < 3; i++) {
        c[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(c[i], (void *)&address, sizeof(address)) == 0);
    }
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].ident == (u64)listener && ev[0].data == 3);
    connect(fresh, (void *)&address, sizeof(address));
    long n = collect_events(kq, ev, 8, 1000);
    CHECK(find(n, fresh, KFILTER_WRITE) && !(find(n, fresh, KFILTER_WRITE)->flags & EV_EOF));
    guest_close(listener);
    n = collect_events(kq, ev, 8, 1000);
    CHECK(find(n, fresh, KFILTER_READ) && (find(n, fresh, KFILTER_READ)->flags & EV_EOF));
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
    socklen_t size = sizeof(error);
    CHECK(change(kq, refused, KFILTER_WRITE, EV_ADD | EV_CLEAR, 0, 0, 0) == 0);
    connect(refused, (void *)&address, sizeof(address));
    guest_close(fresh);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && (ev[0].flags & EV_EOF));
    CHECK(getsockopt(refused, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNREFUSED);
    for (int i = 0; i < 3; i++)
        close(c[i]);
    guest_close(refused), guest_close(kq);
}

static void terminals(void)
{
    int kq = kq_new(), master, slave;
    if (openpty(&master, &slave, NULL, NULL, NULL))
        return;
    CHECK(change(kq, slave, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(kq, slave, KFILTER_WRITE, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].filter == KFILTER_WRITE && ev[0].data > 0);
    CHECK(change(kq, slave, KFILTER_WRITE, EV_DELETE, 0, 0, 0) == 0);
    CHECK(write(master, "line\n", 5) == 5);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].data == 5);
    guest_close(master);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && (ev[0].flags & EV_EOF));
    guest_close(slave), guest_close(kq);
}

static void duplicates(void)
{
    int kq = kq_new(), s[2], other, copy;
    pair(s);
    copy = dup(s[0]);
    CHECK(change(kq, s[0], KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(write(s[1], "x", 1) == 1);
    other = dup(kq);
    CHECK(collect_events(other, ev, 8, 0) == 1);
    CHECK(kqueue_is(&test_thread, other) && kqueue_is(&test_thread, kq) && !kqueue_is(&test_thread, s[0]));
    guest_close(s[0]); /* the file lives on in the duplicate, the knote does not */
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, copy, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    guest_close(kq);
    CHECK(collect_events(other, ev, 8, 0) == 1 && ev[0].ident == (u64)copy);
    kq = dup(other);
    guest_close(other); /* found although it was never used */
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    guest_close(kq);
    guest_close(copy), guest_close(s[1]);
}

static void nested(void)
{
    int inner = kq_new(), outer = kq_new(), s[2];
    struct pollfd p = {.events = POLLIN};
    pair(s);
    CHECK(change(outer, inner, KFILTER_READ, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(outer, inner, KFILTER_WRITE, EV_ADD, 0, 0, 0) == -EINVAL);
    CHECK(change(inner, s[0], KFILTER_READ, EV_ADD | EV_CLEAR, 0, 0, 0) == 0);
    CHECK(collect_events(outer, ev, 8, 0) == 0);
    CHECK(write(s[1], "x", 1) == 1);
    CHECK(collect_events(outer, ev, 8, 0) == 1 && ev[0].ident == (u64)inner && ev[0].data == 1);
    p.fd = outer;
    CHECK(poll(&p, 1, 0) == 1);
    CHECK(collect_events(inner, ev, 8, 0) == 1);
    CHECK(poll(&p, 1, 0) == 0);
    CHECK(change(inner, 5, KFILTER_USER, EV_ADD | EV_CLEAR, 0, 0, 0) == 0);
    CHECK(poll(&p, 1, 0) == 0);
    CHECK(change(inner, 5, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0) == 0);
    CHECK(poll(&p, 1, 0) == 1);
    CHECK(collect_events(outer, ev, 8, 0) == 1);
    CHECK(collect_events(inner, ev, 8, 0) == 1);
    CHECK(poll(&p, 1, 0) == 0);
    guest_close(s[0]), guest_close(s[1]), guest_close(inner), guest_close(outer);
}

static void many(void)
{
    enum { PAIRS = 1500 };
    struct rlimit limit;
    static int fds[PAIRS][2];
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t old = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &limit);
    int count = limit.rlim_cur >= 4096 ? PAIRS : 400;
    int kq = kq_new();
    for (int i = 0; i < count; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds[i]))
            abort();
        if (change(kq, fds[i][0], KFILTER_READ, EV_ADD | (i % 2 ? EV_CLEAR : 0), 0, 0, (u64)i))
            abort();
        if (write(fds[i][1], "x", 1) != 1)
            abort();
    }
    CHECK(collect_events(kq, ev, 4096, 0) == count);
    CHECK(collect_events(kq, ev, 4096, 0) == (count + 1) / 2);
    /* a small list goes round fairly */
    static bool seen[PAIRS];
    for (int round = 0; round < count; round++) {
        CHECK(collect_events(kq, ev, 10, 0) == 10);
        for (int i = 0; i < 10; i++)
            seen[ev[i].udata] = true;
        if (round >= count / 10)
            break;
    }
    int missed = 0;
    for (int i = 0; i < count; i += 2)
        missed += !seen[i];
    CHECK(missed == 0, "%d", missed);
    for (int i = 0; i < count; i++)
        guest_close(fds[i][0]), guest_close(fds[i][1]);
    CHECK(collect_events(kq, ev, 4096, 0) == 0);
    guest_close(kq);
    limit.rlim_cur = old;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    levels();
    edges();
    once();
    low_water();
    receipts();
    pipes_and_files();
    sockets();
    terminals();
    duplicates();
    nested();
    many();
    return finish();
}
