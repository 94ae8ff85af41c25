/* Signals sent to a process while its threads come and go: each is handled once, whichever thread it
 * reaches, and none ends with the thread that it had reached. */
#include "threads.h"

#define SYS_fork 2
#define SYS_wait4 7
#define SYS_getpid 20
#define SYS_sigprocmask 340
#define SYS_sigaction 416
#define SYS_sigqueue 456
#define SYS_sched_yield 331
#define SIGRT 65
#define SIG_BLOCK 1
#define SIG_UNBLOCK 2
#define WNOHANG 1
#define EAGAIN 35
#define SENT 3000

struct sigset { u32 bits[4]; };
struct sigaction { void *handler; s32 flags; struct sigset mask; };

static long handled;

static void count(int signal)
{
    __atomic_add_fetch(&handled, signal == SIGRT, __ATOMIC_RELAXED);
}

static const struct sigset rt_set = {{0, 0, 1, 0}};

static void brief(void *unused)
{
    (void)unused;
    call(SYS_sigprocmask, SIG_UNBLOCK, &rt_set, 0);
}

static void send_all(long to)
{
    for (long i = 0; i < SENT;) {
        long r = call(SYS_sigqueue, to, SIGRT, i);
        if (r == 0)
            i++;
        else if (r == -EAGAIN)
            call(SYS_sched_yield);
        else
            call(1, 1);
    }
    call(1, 0);
}

static void test(void)
{
    struct sigaction action = {count, 0, {{0}}};
    struct guest_thread threads[4];
    long self = call(SYS_getpid), started = 0, failed = 0;
    s32 status = -1;
    CHECK_IS(call(SYS_sigaction, SIGRT, &action, 0), 0);
    CHECK_IS(call(SYS_sigprocmask, SIG_BLOCK, &rt_set, 0), 0);
    long sender = call(SYS_fork);
    if (sender == 0)
        send_all(self);
    CHECK(sender > 0);
    while (call(SYS_wait4, sender, &status, WNOHANG, 0) == 0) {
        for (int i = 0; i < 4; i++)
            failed += thread_begin(&threads[i], brief, 0) != 0;
        for (int i = 0; i < 4; i++)
            thread_join(&threads[i]);
        started += 4;
    }
    CHECK_IS(status, 0);
    CHECK_IS(failed, 0);
    CHECK(started > 0);
    CHECK_IS(call(SYS_sigprocmask, SIG_UNBLOCK, &rt_set, 0), 0);
    /* The last threads may not have left the kernel yet. */
    for (int i = 0; i < 1000 && __atomic_load_n(&handled, __ATOMIC_RELAXED) < SENT; i++)
        call(SYS_sched_yield);
    CHECK_IS(handled, SENT);
}
