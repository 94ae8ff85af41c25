/* SIGPIPE and the options against it, and what a signal does to a call that waits. */
#include "sockets.h"

enum { SIGPIPE = 13, SIGALRM = 14, SA_RESTART = 2, MSEC = 1000 };

struct action {
    void (*handler)(int);
    s32 flags;
    u32 mask[4];
};
struct timer {
    s64 interval[2], value[2];
};

static volatile int pipes, alarms;
static int writer = -1;

static void on_pipe(int signal)
{
    pipes += signal == SIGPIPE;
}

/* Also ends the wait of a call that was restarted. */
static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
    if (writer >= 0 && alarms == 2)
        call(SYS_write, writer, "!", 1);
}

static void handle(int signal, void (*handler)(int), int flags)
{
    struct action a = {handler, flags, {0}};
    CHECK_IS(call(SYS_sigaction, signal, &a, 0), 0);
}

static void alarm_every(long usec)
{
    struct timer t = {{0, usec}, {0, usec}};
    alarms = 0;
    call(SYS_setitimer, 0, &t, 0);
}

static void broken(int type)
{
    struct iovec iov = {"x", 1};
    struct msghdr m = {.iov = &iov, .iovlen = 1};
    int s[2];

    call(SYS_socketpair, AF_UNIX, type, 0, s);
    call(SYS_close, s[1]);
    pipes = 0;
    CHECK_IS(call(SYS_write, s[0], "x", 1), -EPIPE);
    CHECK_IS(pipes, 1);
    CHECK_IS(call(SYS_sendto, s[0], "x", 1, 0, 0, 0), -EPIPE);
    CHECK_IS(pipes, 2);
    CHECK_IS(call(SYS_sendmsg, s[0], &m, 0), -EPIPE);
    CHECK_IS(pipes, 3);
    CHECK_IS(call(SYS_sendto, s[0], "x", 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
    CHECK_IS(pipes, 3);
    CHECK_IS(set_int(s[0], SOL_SOCKET, 0x800, 1), 0); /* SO_NOSIGPIPE */
    CHECK_IS(call(SYS_sendto, s[0], "x", 1, 0, 0, 0), -EPIPE);
    CHECK_IS(call(SYS_write, s[0], "x", 1), -EPIPE);
    CHECK_IS(call(SYS_writev, s[0], &iov, 1), -EPIPE);
    s[1] = (int)call(SYS_dup, s[0]); /* the option is the socket's, not the descriptor's */
    CHECK_IS(call(SYS_write, s[1], "x", 1), -EPIPE);
    CHECK_IS(pipes, 3);
    CHECK_IS(set_int(s[0], SOL_SOCKET, 0x800, 0), 0);
    CHECK_IS(call(SYS_write, s[0], "x", 1), -EPIPE);
    CHECK_IS(pipes, 4);
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
}

static void interrupted(void)
{
    struct sockaddr_in name;
    char c;
    int s[2], l = bound(STREAM, &name);

    call(SYS_listen, l, 1);
    call(SYS_socketpair, AF_UNIX, STREAM, 0, s);
    handle(SIGALRM, on_alarm, 0);
    alarm_every(20 * MSEC);
    CHECK_IS(call(SYS_recvfrom, s[0], &c, 1, 0, 0, 0), -EINTR);
    CHECK_IS(call(SYS_accept, l, 0, 0), -EINTR);
    alarm_every(0);
    handle(SIGALRM, on_alarm, SA_RESTART);
    writer = s[1];
    alarm_every(20 * MSEC);
    CHECK_IS(call(SYS_recvfrom, s[0], &c, 1, 0, 0, 0), 1);
    CHECK(alarms >= 2);
    alarm_every(0);
    /* A time limit does not keep FreeBSD from restarting. */
    {
        s64 limit[2] = {5, 0};
        struct iovec iov = {&c, 1};
        u8 control[256];
        struct msghdr m = {.iov = &iov, .iovlen = 1, .control = control, .controllen = sizeof(control)};
        CHECK_IS(call(SYS_setsockopt, s[0], SOL_SOCKET, 0x1006, limit, sizeof(limit)), 0);
        alarm_every(20 * MSEC);
        CHECK_IS(call(SYS_recvfrom, s[0], &c, 1, 0, 0, 0), 1);
        alarm_every(0);
        alarm_every(20 * MSEC);
        CHECK_IS(call(SYS_recvmsg, s[0], &m, 0), 1);
        alarm_every(0);
    }
    call(SYS_close, s[0]);
    call(SYS_close, s[1]);
    call(SYS_close, l);
}

static void test(void)
{
    handle(SIGPIPE, on_pipe, 0);
    broken(STREAM);
    broken(SEQPACKET);
    interrupted();
}
