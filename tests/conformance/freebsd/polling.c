/* poll, ppoll, select, pselect: event bits, hang-ups, hidden descriptors, time limits, masks. */
#include <sys/types.h>
#include <sys/fcntl.h>
#include <sys/poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <errno.h>
#include <signal.h>

#include "scratch.h"

static s32 ends[2];

static s16 poll_one(long fd, int events, long *r)
{
    struct pollfd entry = {(int)fd, (short)events, -1};
    *r = call(SYS_poll, &entry, 1, 0);
    return entry.revents;
}

static void events(void)
{
    long r;
    CHECK_IS(call(SYS_pipe2, ends, 0), 0);
    CHECK_IS(poll_one(ends[0], POLLIN, &r), 0);
    CHECK_IS(r, 0);
    CHECK_IS(poll_one(ends[1], POLLOUT, &r), POLLOUT);
    CHECK_IS(r, 1);
    CHECK_IS(poll_one(ends[1], POLLWRNORM | POLLWRBAND, &r) & POLLWRNORM, POLLWRNORM);
    call(SYS_write, ends[1], "x", 1);
    CHECK_IS(poll_one(ends[0], POLLIN | POLLRDNORM, &r), POLLIN | POLLRDNORM);
    CHECK_IS(poll_one(ends[0], POLLINIGNEOF, &r), POLLINIGNEOF);
    char byte;
    call(SYS_read, ends[0], &byte, 1);
    CHECK_IS(poll_one(-1, POLLIN, &r), 0);
    CHECK_IS(r, 0);
    CHECK_IS(poll_one(999, POLLIN, &r), POLLNVAL);
    CHECK_IS(poll_one(1016, POLLIN, &r), POLLNVAL);
    CHECK_IS(r, 1);
    call(SYS_close, ends[1]);
    CHECK_IS(poll_one(ends[0], POLLIN, &r), POLLIN | POLLHUP); /* end-of-file can be read */
    CHECK_IS(poll_one(ends[0], 0, &r), POLLHUP);
    call(SYS_close, ends[0]);
    call(SYS_pipe2, ends, 0);
    call(SYS_close, ends[0]);
    CHECK_IS(poll_one(ends[1], POLLOUT, &r), POLLOUT | POLLHUP);
    call(SYS_close, ends[1]);
    long fd = make_file("file", "x");
    CHECK_IS(poll_one(fd, POLLIN | POLLOUT, &r), POLLIN | POLLOUT);
    call(SYS_close, fd);
    CHECK_IS(call(SYS_poll, 8, 1, 0), -EFAULT);
    CHECK_IS(call(SYS_poll, 0, 0, 1), 0);
    CHECK_IS(call(SYS_poll, 0, 0, -2), -EINVAL);
}

static void many(void)
{
    static struct pollfd entries[300];
    call(SYS_pipe2, ends, 0);
    for (int i = 0; i < 300; i++)
        entries[i] = (struct pollfd){ends[i == 299], POLLIN | POLLOUT, 0};
    CHECK_IS(call(SYS_poll, entries, 300, 1000), 1);
    CHECK_IS(entries[299].revents, POLLOUT);
    CHECK_IS(entries[0].revents, 0);
}

static void sets(void)
{
    fd_set in, out;
    struct timeval limit = {0, 20000};
    struct timespec exact = {0, 20000000};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    CHECK_IS(call(SYS_select, ends[1] + 1, &in, 0, 0, &limit), 0);
    CHECK(!FD_ISSET(ends[0], &in));
    CHECK_IS(limit.tv_usec, 20000); /* left alone */
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    CHECK_IS(call(SYS_select, 1024, &in, &out, 0, 0), 1);
    CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    FD_ZERO(&in);
    FD_SET(900, &in);
    CHECK_IS(call(SYS_select, 1024, &in, 0, 0, &limit), -EBADF);
    FD_ZERO(&in);
    FD_SET(1017, &in);
    CHECK_IS(call(SYS_select, 1024, &in, 0, 0, &limit), -EBADF);
    CHECK_IS(call(SYS_select, -1, 0, 0, 0, &limit), -EINVAL);
    limit.tv_usec = 1000000;
    CHECK_IS(call(SYS_select, 0, 0, 0, 0, &limit), -EINVAL);
    FD_ZERO(&in);
    CHECK_IS(call(SYS_pselect, 0, 0, 0, 0, &exact, 0), 0);
    CHECK_IS(exact.tv_nsec, 20000000);
    CHECK_IS(call(SYS_ppoll, 0, 0, &exact, 0), 0);
    exact.tv_nsec = -1;
    CHECK_IS(call(SYS_ppoll, 0, 0, &exact, 0), -EINVAL);
}

static volatile int handled;

static void handler(int signal)
{
    handled += signal == SIGUSR1;
}

/* The mask lets a signal in for the time of the wait alone, and the wait ends even with SA_RESTART. */
static void masks(void)
{
    struct {
        void (*handler)(int);
        int flags;
        u32 mask[4];
    } action = {handler, 2 /* SA_RESTART */, {0}};
    u32 blocked[4] = {1U << (SIGUSR1 - 1)}, none[4] = {0}, old[4];
    struct timespec limit = {5, 0};
    CHECK_IS(call(SYS_sigaction, SIGUSR1, &action, 0), 0);
    CHECK_IS(call(SYS_sigprocmask, 1, blocked, 0), 0);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), SIGUSR1), 0);
    CHECK_IS(handled, 0);
    CHECK_IS(call(SYS_ppoll, 0, 0, &limit, none), -EINTR);
    CHECK_IS(handled, 1);
    CHECK_IS(call(SYS_sigprocmask, 1, 0, old), 0);
    CHECK_IS(old[0], blocked[0]);
    CHECK_IS(call(SYS_kill, call(SYS_getpid), SIGUSR1), 0);
    CHECK_IS(call(SYS_pselect, 0, 0, 0, 0, &limit, none), -EINTR);
    CHECK_IS(handled, 2);
    limit.tv_sec = 0;
    CHECK_IS(call(SYS_kill, call(SYS_getpid), SIGUSR1), 0);
    CHECK_IS(call(SYS_ppoll, 0, 0, &limit, blocked), 0);
    CHECK_IS(handled, 2);
    CHECK_IS(call(SYS_sigprocmask, 2, blocked, 0), 0);
    CHECK_IS(handled, 3);
    long child = call(SYS_fork);
    if (child == 0) {
        struct timespec pause = {0, 50000000};
        call(SYS_nanosleep, &pause, 0);
        call(SYS_exit, call(SYS_kill, call(SYS_getppid), SIGUSR1) != 0);
    }
    CHECK_IS(call(SYS_poll, 0, 0, 5000), -EINTR);
    CHECK_IS(handled, 4);
    s32 status;
    CHECK_IS(call(SYS_wait4, child, &status, 0, 0), child);
}

static void test(void)
{
    scratch_enter();
    events();
    many();
    sets();
    masks();
    call(SYS_unlink, "file");
    scratch_leave();
}
