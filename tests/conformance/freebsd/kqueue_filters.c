/* kevent's other filters: timers, user events, signals, processes, files. */
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static struct kevent ev[64];

static long change(int kq, u64 ident, int filter, int flags, u32 fflags, s64 data)
{
    struct kevent k;
    EV_SET(&k, ident, (short)filter, (unsigned short)flags, fflags, data, (void *)(ident * 3));
    return call(SYS_kevent, kq, &k, 1, 0, 0, 0);
}

static long wait_ms(int kq, int room, int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
    return call(SYS_kevent, kq, 0, 0, ev, room, ms < 0 ? 0 : &ts);
}

static void sleep_ms(int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
    call(SYS_nanosleep, &ts, 0);
}

static long now_ms(int clock)
{
    struct timespec ts;
    call(SYS_clock_gettime, clock, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void timers(void)
{
    int kq = (int)call(SYS_kqueue);
    long start = now_ms(CLOCK_MONOTONIC);
    CHECK_IS(change(kq, 7, EVFILT_TIMER, EV_ADD, 0, 20), 0);
    long early = wait_ms(kq, 8, 0);
    CHECK(early == 0 || now_ms(CLOCK_MONOTONIC) - start >= 19); /* a busy machine takes that long */
    CHECK_IS(early == 1 ? 1 : wait_ms(kq, 8, -1), 1);
    CHECK(now_ms(CLOCK_MONOTONIC) - start >= 19);
    CHECK_IS(ev[0].ident, 7);
    CHECK_IS(ev[0].filter, EVFILT_TIMER);
    CHECK_IS(ev[0].flags & EV_CLEAR, EV_CLEAR);
    CHECK_IS((long)ev[0].udata, 21);
    sleep_ms(70);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK(ev[0].data >= 3 && ev[0].data * 20 <= now_ms(CLOCK_MONOTONIC) - start);
    CHECK_IS(change(kq, 7, EVFILT_TIMER, EV_DELETE, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 40), 0);
    CHECK_IS(change(kq, 8, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_USECONDS, 1500), 0);
    CHECK_IS(change(kq, 9, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 1000), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].ident, 8);
    CHECK_IS(change(kq, 8, EVFILT_TIMER, EV_DELETE, 0, 0), -ENOENT);
    CHECK_IS(change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_NSECONDS | NOTE_SECONDS, 1), -EINVAL);
    CHECK_IS(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, -5), -EINVAL);
    long target = now_ms(CLOCK_REALTIME) + 30;
    CHECK_IS(change(kq, 3, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_MSECONDS | NOTE_ABSTIME, target), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].ident, 3);
    CHECK(now_ms(CLOCK_REALTIME) >= target - 1);
    call(SYS_close, kq);
}

static void users(void)
{
    int kq = (int)call(SYS_kqueue);
    CHECK_IS(change(kq, 42, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_FFCOPY | 1, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, 42, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFOR | 6, 9), 0);
    CHECK_IS(wait_ms(kq, 8, -1), 1);
    CHECK_IS(ev[0].fflags, 7);
    CHECK_IS(ev[0].data, 9);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(change(kq, 42, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFAND | 2, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 1);
    CHECK_IS(ev[0].fflags, 2);
    CHECK_IS(change(kq, 42, EVFILT_USER, EV_DELETE, 0, 0), 0);
    CHECK_IS(change(kq, 42, EVFILT_USER, 0, NOTE_TRIGGER, 0), -ENOENT);
    call(SYS_close, kq);
}

static volatile int handled;

static void handler(int signal)
{
    handled = signal;
}

static void signals(void)
{
    int kq = (int)call(SYS_kqueue);
    long pid = call(SYS_getpid);
    struct sigaction action = {0};
    action.sa_handler = SIG_IGN;
    CHECK_IS(call(SYS_sigaction, SIGUSR1, &action, 0), 0);
    CHECK_IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0), 0);
    CHECK_IS(change(kq, SIGUSR2, EVFILT_SIGNAL, EV_ADD, 0, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(call(SYS_kill, pid, SIGUSR1), 0);
    CHECK_IS(call(SYS_kill, pid, SIGUSR1), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].ident, SIGUSR1);
    CHECK_IS(ev[0].data, 2);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    action.sa_handler = handler;
    CHECK_IS(call(SYS_sigaction, SIGUSR2, &action, 0), 0);
    CHECK_IS(call(SYS_kill, pid, SIGUSR2), 0);
    CHECK_IS(handled, SIGUSR2);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].ident, SIGUSR2);
    /* an ignored signal ends no wait but by its event; a handled one does, whatever SA_RESTART says */
    long child = call(SYS_fork);
    if (child == 0) {
        sleep_ms(30);
        call(SYS_kill, pid, SIGUSR1);
        call(SYS_exit, 0);
    }
    CHECK_IS(wait_ms(kq, 8, -1), 1);
    CHECK_IS(ev[0].ident, SIGUSR1);
    call(SYS_wait4, child, 0, 0, 0);
    int other = (int)call(SYS_kqueue);
    action.sa_flags = SA_RESTART;
    CHECK_IS(call(SYS_sigaction, SIGUSR2, &action, 0), 0);
    child = call(SYS_fork);
    if (child == 0) {
        sleep_ms(30);
        call(SYS_kill, pid, SIGUSR1);
        sleep_ms(30);
        call(SYS_kill, pid, SIGUSR2);
        call(SYS_exit, 0);
    }
    handled = 0;
    CHECK_IS(wait_ms(other, 8, 5000), -EINTR);
    CHECK_IS(handled, SIGUSR2);
    call(SYS_wait4, child, 0, 0, 0);
    /* SIGCHLD is ignored by default, and counted */
    CHECK_IS(change(other, SIGCHLD, EVFILT_SIGNAL, EV_ADD, 0, 0), 0);
    child = call(SYS_fork);
    if (child == 0)
        call(SYS_exit, 5);
    CHECK_IS(wait_ms(other, 8, 2000), 1);
    CHECK_IS(ev[0].ident, SIGCHLD);
    int status = 0;
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(status, 5 << 8);
    call(SYS_close, kq), call(SYS_close, other);
}

/* Blocking a signal and waiting for it in a queue is how many daemons do it. */
static void blocked_signals(void)
{
    int kq = (int)call(SYS_kqueue);
    long pid = call(SYS_getpid);
    sigset_t set = {{0}}, old, pending;
    struct sigaction action = {0};
    action.sa_handler = handler;
    CHECK_IS(call(SYS_sigaction, SIGTERM, &action, 0), 0);
    set.__bits[0] = 1u << (SIGTERM - 1);
    CHECK_IS(call(SYS_sigprocmask, SIG_BLOCK, &set, &old), 0);
    CHECK_IS(change(kq, SIGTERM, EVFILT_SIGNAL, EV_ADD, 0, 0), 0);
    handled = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_IS(call(SYS_kill, pid, SIGTERM), 0);
        CHECK_IS(wait_ms(kq, 8, 2000), 1);
        CHECK_IS(ev[0].data, 1);
    }
    CHECK_IS(wait_ms(kq, 8, 20), 0);
    long child = call(SYS_fork);
    if (child == 0) {
        sleep_ms(30);
        call(SYS_kill, pid, SIGTERM);
        call(SYS_exit, 0);
    }
    CHECK_IS(wait_ms(kq, 8, -1), 1);
    call(SYS_wait4, child, 0, 0, 0);
    CHECK_IS(handled, 0);
    CHECK_IS(call(SYS_sigpending, &pending), 0);
    CHECK_IS(pending.__bits[0], 1u << (SIGTERM - 1));
    CHECK_IS(call(SYS_sigprocmask, SIG_SETMASK, &old, 0), 0);
    CHECK_IS(handled, SIGTERM);
    handled = 0;
    CHECK_IS(call(SYS_sigprocmask, SIG_BLOCK, &set, 0), 0);
    CHECK_IS(call(SYS_close, kq), 0);
    CHECK_IS(call(SYS_kill, pid, SIGTERM), 0);
    CHECK_IS(handled, 0);
    CHECK_IS(call(SYS_sigprocmask, SIG_SETMASK, &old, 0), 0);
    CHECK_IS(handled, SIGTERM);
}

static void processes(void)
{
    int kq = (int)call(SYS_kqueue), status;
    long child = call(SYS_fork);
    if (child == 0) {
        sleep_ms(30);
        call(SYS_exit, 9);
    }
    CHECK_IS(change(kq, (u64)child, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 2000), 1);
    CHECK_IS(ev[0].ident, child);
    CHECK_IS(ev[0].fflags, NOTE_EXIT);
    CHECK_IS(ev[0].data, 9 << 8);
    CHECK(ev[0].flags & EV_EOF);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(change(kq, (u64)child, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0), -ESRCH);
    child = call(SYS_fork);
    if (child == 0) {
        call(SYS_kill, call(SYS_getpid), SIGUSR2); /* the handler is inherited */
        struct sigaction action = {0};
        call(SYS_sigaction, SIGUSR2, &action, 0);
        call(SYS_kill, call(SYS_getpid), SIGUSR2);
        call(SYS_exit, 0);
    }
    sleep_ms(30);
    CHECK_IS(change(kq, (u64)child, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 2000), 1);
    CHECK_IS(ev[0].data & 0x7f, SIGUSR2);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    call(SYS_close, kq);
}

/* What a watcher of `pid` is told until the end of it and of all that it forked. */
static void tracking(void)
{
    int kq = (int)call(SYS_kqueue), ends[2], status, exits = 0;
    char c;
    long grandchild = 0;
    u32 seen = 0, seen_grandchild = 0;
    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    long child = call(SYS_fork);
    if (child == 0) {
        call(SYS_read, ends[0], &c, 1);
        long inner = call(SYS_fork);
        if (inner == 0) {
            char *argv[] = {"/bin/true", 0};
            sleep_ms(20);
            call(SYS_execve, "/bin/true", argv, 0);
            call(SYS_exit, 1);
        }
        call(SYS_wait4, inner, 0, 0, 0);
        inner = call(SYS_fork);
        if (inner == 0)
            call(SYS_exit, 6);
        call(SYS_wait4, inner, 0, 0, 0);
        call(SYS_exit, 7);
    }
    u32 wanted = NOTE_EXIT | NOTE_FORK | NOTE_EXEC | NOTE_TRACK;
    CHECK_IS(change(kq, (u64)child, EVFILT_PROC, EV_ADD, wanted, 0), 0);
    CHECK_IS(call(SYS_write, ends[1], "x", 1), 1);
    while (exits < 3) {
        long n = wait_ms(kq, 8, 5000);
        CHECK(n > 0);
        if (n <= 0)
            break;
        for (long i = 0; i < n; i++) {
            CHECK_IS((long)ev[i].udata, child * 3);
            if ((long)ev[i].ident == child) {
                seen |= ev[i].fflags;
                if (ev[i].fflags & NOTE_EXIT)
                    CHECK_IS(ev[i].data, 7 << 8);
            } else if (ev[i].fflags & NOTE_CHILD) {
                CHECK_IS(ev[i].data, child);
                grandchild = (long)ev[i].ident;
            } else {
                CHECK_IS(ev[i].ident, grandchild);
                seen_grandchild |= ev[i].fflags;
                if (ev[i].fflags & NOTE_EXIT)
                    CHECK_IS(ev[i].data, exits == 0 ? 0 : 6 << 8);
            }
            exits += (ev[i].fflags & NOTE_EXIT) != 0;
        }
    }
    CHECK_IS(seen, NOTE_FORK | NOTE_EXIT);
    CHECK_IS(seen_grandchild, NOTE_EXEC | NOTE_EXIT);
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    for (int i = 0; i < 2; i++)
        call(SYS_close, ends[i]);
    call(SYS_close, kq);
}

static void vnodes(void)
{
    int kq = (int)call(SYS_kqueue);
    int fd = (int)call(SYS_open, "kqueue-vnode", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK_IS(change(kq, (u64)fd, EVFILT_VNODE, EV_ADD | EV_CLEAR,
                    NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    CHECK_IS(call(SYS_write, fd, "x", 1), 1);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].fflags, NOTE_WRITE | NOTE_EXTEND);
    CHECK_IS(call(SYS_fchmod, fd, 0644), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].fflags, NOTE_ATTRIB);
    /* only the time of modification: no write either, and the other time stays */
    struct timespec modified[2] = {{0, UTIME_OMIT}, {1000000000, 5}};
    struct stat before = {0}, after = {0};
    CHECK_IS(call(SYS_fstat, fd, &before), 0);
    CHECK_IS(call(SYS_futimens, fd, modified), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].fflags, NOTE_ATTRIB);
    modified[1].tv_nsec = 6;
    CHECK_IS(call(SYS_utimensat, AT_FDCWD, "kqueue-vnode", modified, 0), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK_IS(ev[0].fflags, NOTE_ATTRIB);
    CHECK_IS(call(SYS_fstat, fd, &after), 0);
    CHECK_IS(after.st_mtim.tv_sec, 1000000000);
    CHECK_IS(after.st_mtim.tv_nsec, 6);
    CHECK_IS(after.st_atim.tv_sec, before.st_atim.tv_sec);
    CHECK_IS(after.st_atim.tv_nsec, before.st_atim.tv_nsec);
    CHECK_IS(call(SYS_rename, "kqueue-vnode", "kqueue-vnode-2"), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK(ev[0].fflags & NOTE_RENAME);
    CHECK_IS(call(SYS_unlink, "kqueue-vnode-2"), 0);
    CHECK_IS(wait_ms(kq, 8, 1000), 1);
    CHECK(ev[0].fflags & NOTE_DELETE);
    CHECK_IS(wait_ms(kq, 8, 0), 0);
    call(SYS_close, fd), call(SYS_close, kq);
}

static void test(void)
{
    timers();
    users();
    signals();
    blocked_signals();
    processes();
    tracking();
    vnodes();
}
