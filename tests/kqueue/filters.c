/* TIMER, USER, SIGNAL, PROC, PROCDESC, VNODE and EMPTY. */
#include "shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static struct knote_event ev[64];

static void timers(void)
{
    int kq = kq_new();
    struct pollfd p = {.fd = kq, .events = POLLIN};
    long start = milliseconds();
    CHECK(change(kq, 1, KFILTER_TIMER, EV_ADD, NOTE_MSECONDS, 30, 9) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(poll(&p, 1, 1000) == 1 && milliseconds() - start >= 29);
    CHECK(collect_events(kq, ev, 8, -1) == 1 && ev[0].data == 1 && ev[0].udata == 9 && ev[0].ident == 1);
    CHECK(poll(&p, 1, 0) == 0);
    usleep(100000);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data == 3, "%ld", (long)ev[0].data);
    CHECK(change(kq, 1, KFILTER_TIMER, EV_ADD, NOTE_USECONDS, 10000, 9) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 100) == 1 && ev[0].data == 1);
    CHECK(change(kq, 1, KFILTER_TIMER, EV_DELETE, 0, 0, 0) == 0);
    CHECK(change(kq, 2, KFILTER_TIMER, EV_ADD | EV_ONESHOT, NOTE_NSECONDS, 5000000, 0) == 0);
    CHECK(change(kq, 3, KFILTER_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 100, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].ident == 2 && ev[0].data == 1);
    CHECK(change(kq, 2, KFILTER_TIMER, EV_DELETE, 0, 0, 0) == -ENOENT);
    CHECK(change(kq, 4, KFILTER_TIMER, EV_ADD, 0, -1, 0) == -EINVAL);
    CHECK(change(kq, 4, KFILTER_TIMER, EV_ADD, 0x100, 1, 0) == -EINVAL);
    CHECK(change(kq, 4, KFILTER_TIMER, EV_ADD | EV_ONESHOT, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 100) == 1 && ev[0].ident == 4);
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    long target = real.tv_sec * 1000 + real.tv_nsec / 1000000 + 40;
    start = milliseconds();
    CHECK(change(kq, 5, KFILTER_TIMER, EV_ADD, NOTE_MSECONDS | NOTE_ABSTIME, target, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 1000) == 1 && ev[0].ident == 5 && milliseconds() - start >= 38);
    CHECK(collect_events(kq, ev, 8, 0) == 1); /* nothing clears it */
    CHECK(change(kq, 5, KFILTER_TIMER, EV_DELETE, 0, 0, 0) == 0);
    CHECK(change(kq, 6, KFILTER_TIMER, EV_ADD | EV_DISABLE, 0, 10, 0) == 0);
    u64 before = host_calls;
    CHECK(collect_events(kq, ev, 8, 60) == 0);
    CHECK(host_calls - before < 5, "%lu", (unsigned long)(host_calls - before));
    CHECK(change(kq, 6, KFILTER_TIMER, EV_ENABLE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].data >= 6);
    start = milliseconds();
    CHECK(change(kq, 6, KFILTER_TIMER, EV_DELETE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 30) == 0 && milliseconds() - start >= 29);
    guest_close(kq);
}

static void users(void)
{
    int kq = kq_new();
    CHECK(change(kq, 7, KFILTER_USER, EV_ADD | EV_CLEAR, NOTE_FFCOPY | 0x5, 0, 1) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, 7, KFILTER_USER, 0, NOTE_FFOR | NOTE_TRIGGER | 0x2, 33, 2) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(ev[0].fflags == 7 && ev[0].data == 33 && ev[0].udata == 2, "%x", ev[0].fflags);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, 7, KFILTER_USER, EV_KEEPUDATA, NOTE_FFAND | NOTE_TRIGGER | 0x4, 0, 99) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].fflags == 4 && ev[0].udata == 2);
    CHECK(change(kq, 8, KFILTER_USER, EV_ADD, 0, 0, 0) == 0);
    CHECK(change(kq, 8, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].ident == 8);
    CHECK(change(kq, 8, KFILTER_USER, EV_CLEAR, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, 9, KFILTER_USER, EV_ADD | EV_ONESHOT, NOTE_TRIGGER, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].ident == 9);
    CHECK(change(kq, 9, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0) == -ENOENT);
    CHECK(change(kq, 10, KFILTER_USER, EV_ADD | EV_DISPATCH, NOTE_TRIGGER, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && collect_events(kq, ev, 8, 0) == 0);
    CHECK(change(kq, 10, KFILTER_USER, EV_ENABLE, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    CHECK(change(kq, 11, KFILTER_USER, EV_ADD | EV_KEEPUDATA, 0, 0, 0) == -EINVAL);
    CHECK(change(kq, 11, KFILTER_UNSUPPORTED, EV_ADD, 0, 0, 0) == -ENXIO);
    CHECK(change(kq, 11, KFILTER_KERNEL, EV_ADD, 0, 0, 0) == -EPERM);
    guest_close(kq);
}

/* One trip of a scheduler's wake-up: what it costs is part of the design. */
static void break_cost(void)
{
    int kq = kq_new();
    CHECK(change(kq, 7, KFILTER_USER, EV_ADD | EV_CLEAR, 0, 0, 0) == 0);
    CHECK(change(kq, 7, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 1);
    u64 before = host_calls;
    CHECK(change(kq, 7, KFILTER_USER, 0, NOTE_TRIGGER, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, -1) == 1);
    CHECK(host_calls - before == 2, "%lu", (unsigned long)(host_calls - before));
    before = host_calls;
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(host_calls - before == 1, "%lu", (unsigned long)(host_calls - before));
    guest_close(kq);
}

static void signals(void)
{
    int kq = kq_new();
    CHECK(!signal_wanted(SIGUSR1));
    CHECK(change(kq, SIGUSR1, KFILTER_SIGNAL, EV_ADD, 0, 0, 0) == 0);
    CHECK(signal_wanted(SIGUSR1) && refreshed_signal == SIGUSR1);
    guest_signal(SIGUSR2);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    guest_signal(SIGUSR1);
    guest_signal(SIGUSR1);
    CHECK(collect_events(kq, ev, 8, 0) == 1 && ev[0].ident == SIGUSR1 && ev[0].data == 2);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    refreshed_signal = 0;
    guest_close(kq);
    CHECK(!signal_wanted(SIGUSR1) && refreshed_signal == SIGUSR1);
}

static int child_that(int status, int sig)
{
    int pid = fork();
    if (pid == 0) {
        usleep(20000);
        if (sig)
            raise(sig);
        _exit(status);
    }
    return pid;
}

static void processes(void)
{
    int kq = kq_new(), status;
    int a = child_that(3, 0), b = child_that(0, SIGTERM);
    CHECK(change(kq, a, KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 4) == 0);
    CHECK(change(kq, b, KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 5) == 0);
    for (int seen = 0; seen < 2;) {
        long n = collect_events(kq, ev, 8, 2000);
        CHECK(n > 0);
        if (n <= 0)
            break;
        for (long i = 0; i < n; i++) {
            CHECK(ev[i].fflags == NOTE_EXIT && (ev[i].flags & EV_EOF));
            CHECK(ev[i].data == (ev[i].ident == (u64)a ? 0x300 : SIGTERM), "%lx", (long)ev[i].data);
        }
        seen += (int)n;
    }
    CHECK(change(kq, a, KFILTER_PROC, EV_DELETE, 0, 0, 0) == -ENOENT);
    CHECK(waitpid(a, &status, 0) == a && waitpid(b, &status, 0) == b);
    CHECK(change(kq, a, KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 0) == -ESRCH);
    a = child_that(1, 0);
    usleep(60000); /* ended before anybody asked */
    CHECK(change(kq, a, KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 100) == 1 && ev[0].data == 0x100);
    waitpid(a, &status, 0);
    a = child_that(2, 0);
    int descriptor = (int)syscall(SYS_pidfd_open, a, 0);
    CHECK(change(kq, descriptor, KFILTER_PROCDESC, EV_ADD, NOTE_EXIT, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 2000) == 1 && ev[0].data == 0x200 && ev[0].ident == (u64)descriptor);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    waitpid(a, &status, 0);
    guest_close(descriptor);
    CHECK(change(kq, kq_new(), KFILTER_PROCDESC, EV_ADD, NOTE_EXIT, 0, 0) == -EINVAL);
    /* the guest closes every number that there is, the hidden one included */
    a = child_that(4, 0);
    CHECK(change(kq, a, KFILTER_PROC, EV_ADD, NOTE_EXIT, 0, 0) == 0);
    for (int fd = 3; fd < 1024; fd++)
        if (fd != kq && (fd < 1000 || fd >= 1008))
            guest_close(fd);
    CHECK(collect_events(kq, ev, 8, 2000) == 1 && ev[0].data == 0x400);
    waitpid(a, &status, 0);
    guest_close(kq);
}

static u32 notes(int kq)
{
    long n = collect_events(kq, ev, 8, 500);
    return n == 1 ? ev[0].fflags : 0xbad00000u + (u32)n;
}

static void vnodes(void)
{
    char directory[] = "/tmp/kqueue-vnode-XXXXXX", a[64], b[64], c[64];
    CHECK(mkdtemp(directory) != NULL);
    sprintf(a, "%s/a", directory);
    sprintf(b, "%s/b", directory);
    sprintf(c, "%s/sub", directory);
    int kq = kq_new(), all = 0x7f;
    int fd = open(a, O_RDWR | O_CREAT, 0600), dir = open(directory, O_RDONLY | O_DIRECTORY);
    CHECK(change(kq, fd, KFILTER_VNODE, EV_ADD | EV_CLEAR, (u32)all, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    CHECK(write(fd, "x", 1) == 1);
    CHECK(notes(kq) == (NOTE_WRITE | NOTE_EXTEND), "%x", ev[0].fflags);
    CHECK(pwrite(fd, "y", 1, 0) == 1);
    CHECK(notes(kq) == NOTE_WRITE);
    CHECK(fchmod(fd, 0644) == 0);
    CHECK(notes(kq) == NOTE_ATTRIB);
    CHECK(link(a, b) == 0);
    CHECK(notes(kq) == NOTE_LINK);
    CHECK(unlink(b) == 0);
    CHECK(notes(kq) == NOTE_LINK);
    CHECK(rename(a, b) == 0);
    CHECK((notes(kq) & NOTE_RENAME) != 0);
    CHECK(change(kq, dir, KFILTER_VNODE, EV_ADD | EV_CLEAR, (u32)all, 0, 0) == 0);
    CHECK(change(kq, fd, KFILTER_VNODE, EV_DISABLE, (u32)all, 0, 0) == 0);
    CHECK(unlink(b) == 0);
    CHECK(notes(kq) == NOTE_WRITE && ev[0].ident == (u64)dir);
    CHECK(change(kq, fd, KFILTER_VNODE, EV_ENABLE, (u32)all, 0, 0) == 0);
    CHECK((notes(kq) & NOTE_DELETE) && ev[0].ident == (u64)fd);
    CHECK(mkdir(c, 0700) == 0);
    CHECK((notes(kq) & NOTE_WRITE) && ev[0].ident == (u64)dir);
    int sub = open(c, O_RDONLY | O_DIRECTORY);
    CHECK(change(kq, dir, KFILTER_VNODE, EV_DELETE, 0, 0, 0) == 0);
    CHECK(change(kq, sub, KFILTER_VNODE, EV_ADD | EV_CLEAR, NOTE_DELETE, 0, 0) == 0);
    CHECK(rmdir(c) == 0);
    CHECK(notes(kq) == NOTE_DELETE);
    int s[2];
    CHECK(pipe(s) == 0);
    CHECK(change(kq, s[0], KFILTER_VNODE, EV_ADD, NOTE_WRITE, 0, 0) == -EINVAL);
    guest_close(s[0]), guest_close(s[1]), guest_close(sub), guest_close(dir), guest_close(fd);
    CHECK(collect_events(kq, ev, 8, 0) == 0);
    guest_close(kq);
    rmdir(directory);
}

static void empties(void)
{
    int kq = kq_new(), s[2];
    char buffer[1000];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK(write(s[0], buffer, sizeof(buffer)) == 1000);
    CHECK(change(kq, s[0], KFILTER_EMPTY, EV_ADD, 0, 0, 0) == 0);
    CHECK(collect_events(kq, ev, 8, 50) == 0);
    CHECK(read(s[1], buffer, sizeof(buffer)) == 1000);
    CHECK(collect_events(kq, ev, 8, 500) == 1 && ev[0].filter == KFILTER_EMPTY && ev[0].data == 0);
    CHECK(collect_events(kq, ev, 8, 500) == 1);
    guest_close(s[0]), guest_close(s[1]), guest_close(kq);
}

int main(void)
{
    timers();
    users();
    break_cost();
    signals();
    processes();
    vnodes();
    empties();
    return finish();
}
